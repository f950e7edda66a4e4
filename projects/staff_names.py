"""What staff do about names of projects, and with what people report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.fields import AccountField, ExactInput
from accounts.staff import (
    Cell,
    ReasonForm,
    StaffAct,
    StaffPanel,
    TableAct,
    add_staff_panel,
    offered_on,
    offered_on_table,
)
from audit.actors import Actor
from audit.groups import EVERYBODY
from projects import names
from projects.models import DeletedProject, ProhibitedName, Project, Report
from projects.operations import project_names, reports
from projects.permissions import MAY_STEWARD


class ProjectNameForm(ReasonForm):
    """Which name, and for whom."""

    name = forms.CharField(
        label=gettext_lazy("Name of a project"),
        max_length=names.MAX_NAME,
        widget=ExactInput,
    )
    reserved_for = AccountField(
        label=gettext_lazy("User name of the only person who may use it"),
        required=False,
        help_text=gettext_lazy("Leave it empty to prohibit the name for everybody."),
    )
    field_order = ("name", "reserved_for", "reason")


@offered_on_table(ProhibitedName)
class ProhibitProjectName(TableAct):
    """Keep a name from new projects."""

    slug = "prohibit-project-name"
    groups = MAY_STEWARD
    title = gettext_lazy("Prohibit or reserve a name")
    form_class = ProjectNameForm
    reasons = (
        gettext_lazy("The name is that of a project inside the organization."),
        gettext_lazy("The name imitates another project."),
        gettext_lazy("The holder of the trademark asked for it."),
    )

    def consequences(self) -> list[str]:
        """What will happen."""
        return [
            _("Nobody can create a project of this name, but for the person it is reserved for."),
            _("A project that has the name keeps it."),
            _("The person it is reserved for is told by mail, with the reason."),
        ]

    def act(self, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Prohibit or reserve it."""
        row = project_names.prohibit_project_name(
            fields["name"], reserved_for=fields["reserved_for"], reason=reason, by=by
        )
        if row.reserved_for:
            return _("The name %(name)s is reserved for %(user)s.") % {
                "name": row.normalized_name,
                "user": row.reserved_for,
            }
        return _("The name %s is prohibited.") % row.normalized_name


@offered_on(ProhibitedName)
class AllowProjectName(StaffAct):
    """Let everybody have a name again."""

    slug = "allow-project-name"
    groups = MAY_STEWARD
    title = gettext_lazy("Allow this name again")
    tells_people = False
    reasons = (gettext_lazy("It was prohibited by mistake."),)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [_("Anybody can create a project of the name %s.") % row.normalized_name]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Allow it."""
        project_names.allow_project_name(row, reason=reason, by=by)
        return _("The name %s is allowed again.") % row.normalized_name


@offered_on(DeletedProject)
class FreeProjectName(StaffAct):
    """Let everybody have the name of a deleted project."""

    slug = "free-name"
    groups = MAY_STEWARD
    title = gettext_lazy("Free the name")
    tells_people = False
    reasons = (
        gettext_lazy("Nobody installs by this name any more."),
        gettext_lazy("Its former owners agree."),
    )

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If only its former owners may have it."""
        return row.name_freed_at is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("Anybody can create a project of the name %s, and not its former owners alone.")
            % row.name,
            _("Whoever still installs by this name gets what the new owner uploads."),
            _("Names of its deleted files stay burnt."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Free it."""
        project_names.free_project_name(row, reason=reason, by=by)
        return _("The name %s is free.") % row.name


class AnswerForm(ReasonForm):
    """What came of a report."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("Outcome"), choices=Report.Outcome.choices, widget=forms.RadioSelect
    )
    field_order = ("outcome", "reason")


@offered_on(Report)
class AnswerReport(StaffAct):
    """Close a report, and tell who made it."""

    slug = "answer"
    groups = MAY_STEWARD
    title = gettext_lazy("Answer and close")
    form_class = AnswerForm
    reasons = (
        gettext_lazy("The project was deleted."),
        gettext_lazy("The project is in quarantine until it is clean."),
        gettext_lazy("We looked at it and found nothing that this site forbids."),
    )

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """While it is open."""
        return row.answered_at is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("The report about %s leaves the queue.") % row.project_name,
            _told(row),
            _("Nothing happens to the project: quarantine and deletion are acts apart."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Close it."""
        reports.answer_report(row, outcome=fields["outcome"], reason=reason, by=by)
        return _("The report about %s is answered.") % row.project_name


def _told(report: Report) -> str:
    if not report.is_strangers:
        return _("Who reported it is told the outcome by mail, with what you write below.")
    if not report.mail_address:
        return _("A stranger reported it, and left no mail address: nobody is told.")
    return _(
        "A stranger reported it: nobody is told. If you want to write to %s, do it first, since "
        "the address is forgotten."
    ) % (report.mail_address)


def reports_about(project: Project) -> StaffPanel:
    """What people said about a project, the newest first."""
    return _panel(Report.objects.filter(project_id=project.pk), title=_("Reports"))


def project_of_report(report: Report) -> StaffPanel:
    """The way to the project, if it is still there, and how it stands."""
    return StaffPanel(
        title=_("Project"),
        columns=[_("project"), _("status")],
        rows=[
            [
                Cell(row.name, reverse("admin:projects_project_change", args=[row.pk])),
                Cell(row.get_status_display()),
            ]
            for row in Project.objects.filter(pk=report.project_id)
        ],
        empty=_("It was deleted."),
    )


def other_reports(report: Report) -> StaffPanel:
    """What else was said about the same project."""
    others = Report.objects.filter(project_id=report.project_id).exclude(pk=report.pk)
    return _panel(others, title=_("Other reports about it"))


def _panel(rows: Any, *, title: str) -> StaffPanel:
    return StaffPanel(
        title=title,
        columns=[_("kind"), _("reported (UTC)"), _("by"), _("outcome")],
        rows=[
            [
                Cell(row.kind, reverse("admin:projects_report_change", args=[row.pk])),
                Cell(f"{row.made_at:%Y-%m-%d %H:%M}"),
                Cell(row.reporter_label),
                Cell(row.outcome or _("open")),
            ]
            for row in rows.select_related("reporter").order_by("-made_at")[:50]
        ],
    )


add_staff_panel(Project, reports_about, seen_by=EVERYBODY)
add_staff_panel(Report, project_of_report, seen_by=EVERYBODY)
add_staff_panel(Report, other_reports, seen_by=EVERYBODY)
