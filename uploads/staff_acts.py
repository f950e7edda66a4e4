"""What staff do to lead people from passwords to API tokens, and what they see before they do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import audiences
from accounts.models import Campaign
from accounts.permissions import MAY_RULE
from accounts.staff import (
    Cell,
    SeenForm,
    StaffAct,
    StaffPage,
    StaffPanel,
    add_staff_panel,
    offered_on,
)
from audit.actors import Actor
from uploads import preview
from uploads.models import MAX_NOTICE, Audience, Enforcement, Stage, audience_name
from uploads.operations import enforcement
from uploads.operations.enforcement import ANNOUNCED, Plan
from uploads.policy import NOTICE

SHOWN = 10  # lines on the page of the row; the page of its own shows all
_INPUT = "%Y-%m-%dT%H:%M"
_LINE = "%Y-%m-%d %H:%M"


class MomentField(forms.DateTimeField):
    """A moment in UTC, or none."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_INPUT)
        super().__init__(required=False, widget=widget, **kwargs)


class WindowsField(forms.CharField):
    """Brown-outs, one a line."""

    def clean(self, value: Any) -> Any:
        """Pairs of moments.

        Raises:
            ValidationError: for a line that is none.
        """
        windows = []
        for line in super().clean(value).splitlines():
            if not line.strip():
                continue
            begin, _mark, end = line.partition(" - ")
            try:
                windows.append((_moment(begin), _moment(end)))
            except ValueError as error:
                raise forms.ValidationError(
                    _("“%s” is not of the form 2026-01-31 10:00 - 2026-01-31 12:00.") % line
                ) from error
        return windows


def _moment(text: str) -> datetime:
    return datetime.strptime(text.strip(), _LINE).replace(tzinfo=UTC)


class PlanForm(SeenForm):
    """Whom it concerns, and when."""

    audience = forms.ChoiceField(
        label=gettext_lazy("Whom it concerns"), choices=Audience.choices, widget=forms.RadioSelect
    )
    announce_from = MomentField(
        label=gettext_lazy("Announce from (UTC)"),
        help_text=gettext_lazy("People see a banner. Their passwords still upload."),
    )
    warn_from = MomentField(
        label=gettext_lazy("Warn from (UTC)"),
        help_text=gettext_lazy("Who uploads with a password is told by mail, once a day."),
    )
    enforce_from = MomentField(
        label=gettext_lazy("Enforce from (UTC)"), help_text=gettext_lazy("Passwords are refused.")
    )
    brown_outs = WindowsField(
        label=gettext_lazy("Brown-outs (UTC)"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "When passwords are refused on trial before that, one a line, such as "
            "2026-01-31 10:00 - 2026-01-31 12:00."
        ),
    )
    notice = forms.CharField(
        label=gettext_lazy("What refused uploaders read"),
        required=False,
        max_length=MAX_NOTICE,
        help_text=gettext_lazy("One line of ASCII; a link to the help page follows it."),
        widget=forms.TextInput(attrs={"placeholder": NOTICE, "autocomplete": "off"}),
    )
    field_order = (
        "audience",
        "announce_from",
        "warn_from",
        "enforce_from",
        "brown_outs",
        "notice",
        "reason",
    )

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        for name in ("audience", "announce_from", "warn_from", "enforce_from", "notice"):
            self.fields[name].initial = getattr(row, name)
        self.fields["brown_outs"].initial = "\n".join(
            f"{begin:{_LINE}} - {end:{_LINE}}" for begin, end in row.windows()
        )


@offered_on(Enforcement)
class ChangeEnforcement(StaffAct):
    """Set audience and timetable."""

    slug = "change-enforcement"
    title = gettext_lazy("Change audience and timetable")
    form_class = PlanForm
    reasons = (
        gettext_lazy("The next step of the move to API tokens."),
        gettext_lazy("People need more time to change their tools."),
    )

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("The stage follows from the dates: the last one that has come holds."),
            _("It holds from the next upload on. API tokens upload at every stage."),
            _("All administrators are told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Set them."""
        version = fields.pop("version")
        enforcement.change_enforcement(Plan(**fields), version=version, reason=reason, by=by)
        row.refresh_from_db()
        return _("It stands at: %s.") % row.stage.label


@offered_on(Enforcement)
class GoBackStage(StaffAct):
    """One stage back, at once."""

    slug = "go-back"
    title = gettext_lazy("Go back one stage")
    form_class = SeenForm
    reasons = (gettext_lazy("Too many people cannot upload. We have to help them first."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Unless it is off."""
        return bool(row.stage != Stage.OFF)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        stages = list(Stage)
        target = stages[max(stages.index(row.stage) - 1, 0)]
        return [
            _("Now: %s.") % row.stage.label,
            _("From the next upload on: %s.") % target.label,
            _("Later stages lose their dates, so nothing happens by itself until you set them."),
            *_dropped(row),
            _("All administrators are told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Go back."""
        stage = enforcement.go_back(version=fields["version"], reason=reason, by=by)
        return _("It stands at: %s.") % stage.label


def _dropped(row: Enforcement) -> list[str]:
    """Which brown-outs go, if there are any."""
    count = len(row.windows_after(timezone.now()))
    if not count:
        return []
    return [
        ngettext(
            "%d brown-out that is going on or to come is dropped.",
            "%d brown-outs that are going on or to come are dropped.",
            count,
        )
        % count
    ]


@offered_on(Enforcement)
class MailConcerned(StaffAct):
    """Write to everybody who is concerned."""

    slug = "mail-concerned"
    title = gettext_lazy("Mail those concerned")
    tells_people = False
    reasons = (gettext_lazy("People have to know before passwords are refused."),)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = _addresses(row).count()
        return [
            ngettext(
                "%d person gets a mail that says what changes, when, and what to do.",
                "%d people get a mail that says what changes, when, and what to do.",
                count,
            )
            % count,
            _("They are written to in batches; the page of the mail shows how far it is."),
            _("Nobody gets it twice. You can stop it while it is on its way."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Begin."""
        campaign = enforcement.announce(reason=reason, by=by)
        return (
            ngettext(
                "The mail to %d person has begun.",
                "The mail to %d people has begun.",
                campaign.total,
            )
            % campaign.total
        )


class PasswordUploads(StaffPage):
    """Who uploaded with a password lately, page by page."""

    slug = "password-uploads"
    title = gettext_lazy("Who uploaded with a password in the last 30 days")

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show a page."""
        text = request.GET.get("page", "")
        page = int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 else 1
        row = Enforcement.objects.asked_of(None, None)
        lines, has_more = preview.find_uploads(row.audience, page=max(page, 1))
        return self._show(
            request,
            "admin/uploads/preview.html",
            columns=[_("account"), _("project"), _("uploads"), _("last (UTC)"), _ENFORCED],
            rows=[_cells(line) for line in lines],
            next_page=page + 1 if has_more else None,
            audience=row.get_audience_display(),
            back=reverse("admin:uploads_enforcement_change", args=[1]),
        )


_ENFORCED = gettext_lazy("under enforcement")


def _cells(line: preview.Line) -> list[Cell]:
    return [
        Cell(line.username, reverse("admin:accounts_user_change", args=[line.user_id])),
        Cell(line.project, reverse("admin:projects_project_change", args=[line.project_id])),
        Cell(line.count),
        Cell(f"{line.last_at:%Y-%m-%d %H:%M}"),
        Cell(_("refused") if line.is_concerned else _("not concerned")),
    ]


def _addresses(row: Enforcement) -> Any:
    return audiences.find(audience_name(row.audience)).addresses()


def people_concerned(row: Enforcement) -> StaffPanel:
    """How many people, and how many of them mail reaches."""
    audience = audiences.find(audience_name(row.audience))
    return StaffPanel(
        title=_("Whom it concerns"),
        columns=[_("people"), _("with a verified mail address")],
        rows=[[Cell(audience.people().count()), Cell(audience.addresses().count())]],
    )


def password_uploads(row: Enforcement) -> StaffPanel:
    """How many people and projects would have been refused."""
    every, refused = preview.count_uploads(row.audience)
    return StaffPanel(
        title=_("Uploads with passwords in the last 30 days"),
        columns=[_("which"), _("people"), _("projects"), _("uploads")],
        rows=[
            [Cell(name), Cell(of.people), Cell(of.projects), Cell(of.uploads)]
            for name, of in (
                (_("all of them"), every),
                (_("those that enforcement would have refused"), refused),
            )
        ],
        url=reverse("admin:password-uploads"),
    )


def mails_about_it(row: Enforcement) -> StaffPanel:
    """The mails to those concerned."""
    return StaffPanel(
        title=_("Mail to those concerned"),
        columns=[_("begun (UTC)"), _("by"), _("queued"), _("finished (UTC)")],
        rows=[
            [
                Cell(
                    f"{campaign.started_at:%Y-%m-%d %H:%M}",
                    reverse("admin:accounts_campaign_change", args=[campaign.pk]),
                ),
                Cell(campaign.started_by),
                Cell(campaign.progress),
                Cell(f"{campaign.finished_at:%Y-%m-%d %H:%M}" if campaign.finished_at else "-"),
            ]
            for campaign in Campaign.objects.filter(notice=ANNOUNCED)[:SHOWN]
        ],
    )


for _panel in (people_concerned, password_uploads, mails_about_it):
    add_staff_panel(Enforcement, _panel, seen_by=MAY_RULE)
