"""What staff do to tell many people something, and how it will look."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import audiences, notices
from accounts.models import Announcement, Campaign, EmailAddress
from accounts.operations import announcements
from accounts.operations.announcements import MAX_TEXT, MAX_TITLE, NOTICE
from accounts.operations.campaigns import find_progress
from accounts.staff import (
    Cell,
    ObjectAdmin,
    ReasonForm,
    SeenForm,
    StaffAct,
    StaffPanel,
    TableAct,
    add_staff_panel,
    offered_on,
    offered_on_table,
)
from audit.actors import Actor, system
from audit.groups import ADMINISTRATOR, AUDITOR

SEEN_BY = frozenset({AUDITOR, ADMINISTRATOR})


def _audience_choices() -> list[tuple[str, Any]]:
    return [(audience.name, audience.title) for audience in audiences.for_announcements()]


class WordsForm(ReasonForm):
    """What is told to whom."""

    audience = forms.ChoiceField(
        label=gettext_lazy("To"), choices=_audience_choices, widget=forms.RadioSelect
    )
    title = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=MAX_TITLE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=MAX_TEXT,
        help_text=gettext_lazy(
            "Plain text. An empty line begins a paragraph; addresses of pages become links. A "
            "greeting stands above it, and below it how to get no more announcements."
        ),
        widget=forms.Textarea(attrs={"rows": 14}),
    )
    field_order = ("audience", "title", "text", "reason")


class RewriteForm(SeenForm, WordsForm):
    """The draft, to be changed."""

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        for name in ("audience", "title", "text"):
            self.fields[name].initial = getattr(row, name)


_WHY = (
    gettext_lazy("People have to know before it happens."),
    gettext_lazy("People have to do something themselves."),
)


@offered_on_table(Announcement)
class WriteAnnouncement(TableAct):
    """Write a draft."""

    slug = "write-announcement"
    title = gettext_lazy("Write an announcement")
    tells_people = False
    form_class = WordsForm
    reasons = _WHY

    def consequences(self) -> list[str]:
        """What will happen."""
        return [
            _("It is kept as a draft, and nobody is written to."),
            _("Its page then shows the mail as people would get it, and how many would."),
        ]

    def act(self, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Keep it."""
        self.written = announcements.write_announcement(**fields, reason=reason, by=by)
        return _("The draft is kept. This is how it will look.")

    def _after(self) -> str:
        """The page of the draft."""
        return reverse("admin:accounts_announcement_change", args=[self.written.pk])


class DraftAct(StaffAct):
    """An act on what was not sent yet."""

    tells_people = False

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Until it is sent."""
        return row.sent_at is None


@offered_on(Announcement)
class RewriteAnnouncement(DraftAct):
    """Other words for a draft, or another audience."""

    slug = "rewrite-announcement"
    title = gettext_lazy("Rewrite")
    form_class = RewriteForm
    reasons = (gettext_lazy("Something in it was wrong."), *_WHY)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [_("The draft is changed, and nobody is written to.")]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Change it."""
        announcements.rewrite_announcement(row, **fields, reason=reason, by=by)
        return _("The draft is changed. This is how it will look.")


@offered_on(Announcement)
class SendTest(DraftAct):
    """A look at it in one's own mailbox."""

    slug = "test-announcement"
    title = gettext_lazy("Send it to myself")
    reasons = (gettext_lazy("To see how it looks in a mailbox."),)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [_("You alone get the mail, exactly as others would. It stays a draft.")]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Send it to whoever acts."""
        address = announcements.send_test(row, reason=reason, by=by)
        return _("It is on its way to %s.") % address


class SendForm(SeenForm):
    """How many people get it, so that nobody writes to all by a slip."""

    people = forms.IntegerField(
        label=gettext_lazy("How many people get it"),
        min_value=0,
        help_text=gettext_lazy("Type the number from above."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    field_order = ("people", "reason")


@offered_on(Announcement)
class SendAnnouncement(DraftAct):
    """Send it to its audience."""

    slug = "send-announcement"
    title = gettext_lazy("Send to all of them")
    form_class = SendForm
    reasons = _WHY

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = announcements.find_recipients(row.audience)
        return [
            ngettext(
                "%(count)d person gets this mail (%(audience)s).",
                "%(count)d people get this mail (%(audience)s).",
                count,
            )
            % {"count": count, "audience": audiences.title_of(row.audience)},
            _("They are written to in batches, each once. You can stop it on its way."),
            _("Its words then stay as they are, and mail that has left cannot be called back."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Begin."""
        campaign = announcements.send_announcement(row, **fields, reason=reason, by=by)
        return (
            ngettext(
                "The mail to %d person has begun.",
                "The mail to %d people has begun.",
                campaign.total,
            )
            % campaign.total
        )


@admin.register(Announcement)
class AnnouncementAdmin(ObjectAdmin):
    """What staff tell people: each page shows the mail as it will be, or was."""

    seen_by = SEEN_BY
    change_form_template = "admin/announcement.html"
    list_display = ["title", "whom", "state", "written_by", "written_at"]
    fields = ["whom", "people", "state", "written_by", "written_at"]

    @admin.display(description=gettext_lazy("to"))
    def whom(self, row: Announcement) -> str:
        """Whom it goes to."""
        return audiences.title_of(row.audience)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Announcement) -> str:
        """Whether it was sent."""
        if row.sent_at is None:
            return _("draft")
        return _("sent %s UTC") % f"{row.sent_at:%Y-%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("people"))
    def people(self, row: Announcement) -> str:
        """How many would get it now, and how many of the audience would not."""
        audience = audiences.find(row.audience)
        reached, able = announcements.find_recipients(row.audience), audience.addresses().count()
        everybody = audience.people().filter(is_active=True).count()
        return _(
            "%(reached)d get it. %(unwilling)d want no announcements; %(unverified)d have no "
            "verified mail address."
        ) % {
            "reached": reached,
            "unwilling": able - reached,
            "unverified": max(everybody - able, 0),
        }

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """How many would get it now is of no interest once it was sent."""
        fields = list(super().get_fields(request, obj))
        if obj is not None and obj.sent_at is not None:
            fields.remove("people")
        return fields

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With the mail as whoever looks would get it."""
        if kwargs.get("obj") is not None:
            context["mail"] = preview(kwargs["obj"], request.user)
        return super().render_change_form(request, context, *args, **kwargs)


def preview(announcement: Announcement, reader: Any) -> dict[str, Any]:
    """The parts of the mail that an announcement is, to whoever looks at it."""
    address = reader.primary_email or EmailAddress(user=reader)
    mail = notices.compose(NOTICE, address, by=system(), announcement_id=announcement.pk)
    message = notices.render(mail)
    ((html, _kind),) = message.alternatives
    body = str(html).partition("<body>")[2].partition("</body>")[0]
    return {
        "sender": message.from_email,
        "to": mail.recipient,
        "subject": message.subject,
        "text": message.body,
        "html": mark_safe(body),  # noqa: S308  (rendered and escaped as in the mail itself)
    }


def progress_of(announcement: Announcement) -> StaffPanel:
    """How far the mail is."""
    found = Campaign.objects.filter(announcement=announcement)
    columns = [_("begun (UTC)"), _("by"), _("people"), _("sent"), _("failed"), _("to go")]
    rows = []
    for campaign in found:
        progress = find_progress(campaign)
        url = reverse("admin:accounts_campaign_change", args=[campaign.pk])
        numbers = (campaign.total, progress.sent, progress.failed, progress.to_go)
        rows.append(
            [
                Cell(f"{campaign.started_at:%Y-%m-%d %H:%M}", url),
                Cell(campaign.started_by),
                *(Cell(number) for number in numbers),
            ]
        )
    return StaffPanel(_("Mail"), columns, rows, empty=_("It was not sent yet."))


add_staff_panel(Announcement, progress_of, seen_by=SEEN_BY)
