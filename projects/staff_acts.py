"""What staff can do to projects, and what the pages of accounts and projects show of roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from accounts.staff import Cell, StaffAct, StaffPanel, add_staff_panel, offered_on
from accounts.staff_bulk import BulkAct, offered_on_events
from audit.actors import Actor
from audit.groups import EVERYBODY
from audit.models import Event, EventSubject
from projects.events import FILE_UPLOADED
from projects.models import File, Project, Role
from projects.operations import quarantine

_DANGEROUS = (
    gettext_lazy("Malware was reported in this project."),
    gettext_lazy("A leaked token uploaded files to this project."),
    gettext_lazy("The name imitates another project."),
)


def _what_quarantine_does() -> list[str]:
    return [
        _("Nobody can install from the project or upload to it, from the next request on."),
        _("Nothing is deleted, and its people can still sign in: freezing them is an act apart."),
        _("All who have a role in it are told by mail, with the reason."),
    ]


@offered_on(Project)
class QuarantineProject(StaffAct):
    """Hide a project until somebody has looked at it."""

    slug = "quarantine"
    groups = quarantine.MAY_QUARANTINE
    title = gettext_lazy("Put into quarantine")
    reasons = _DANGEROUS

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Unless it is there."""
        return not row.is_quarantined

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = row.files.count()
        files = ngettext("%d file is hidden.", "%d files are hidden.", count) % count
        return [files, *_what_quarantine_does()]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Hide it."""
        quarantine.quarantine_projects([row], reason=reason, by=by)
        return _("The project %s is in quarantine.") % row.name


@offered_on(Project)
class ReleaseProject(StaffAct):
    """Show a project again."""

    slug = "release"
    groups = quarantine.MAY_QUARANTINE
    title = gettext_lazy("Take out of quarantine")
    reasons = (
        gettext_lazy("Nothing dangerous was found."),
        gettext_lazy("The dangerous files were deleted."),
    )

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If it is in quarantine."""
        return bool(row.is_quarantined)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _(
                "The index offers its files again from the next request on, also those that were "
                "the reason for the quarantine, unless they were deleted."
            ),
            _("All who have a role in it are told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Show it."""
        quarantine.release_project(row, reason=reason, by=by)
        return _("The project %s is out of quarantine.") % row.name


@offered_on_events
class QuarantineUploaded(BulkAct):
    """Hide the projects that the tokens of a list uploaded to since."""

    slug = "quarantine-uploaded"
    groups = quarantine.MAY_QUARANTINE
    title = gettext_lazy("Put what these tokens uploaded to since into quarantine")
    reasons = _DANGEROUS
    nothing_found = gettext_lazy(
        "No API token of these events has uploaded to a project since the first of them."
    )

    def rows(self, events: Sequence[Event]) -> list[Any]:
        """Projects that uploads by one of the tokens are about, from the first event on.

        By the numbers of events, because a file has its time before the event of its upload has.
        """
        if not events:
            return []
        uploads = Event.objects.filter(
            kind=FILE_UPLOADED.name,
            token_id__in={event.token_id for event in events if event.token_id},
            number__gte=min(event.number for event in events),
        )
        about = EventSubject.objects.filter(
            kind="project", event_number__in=uploads.values("number")
        )
        ids = about.order_by().values_list("subject_id", flat=True).distinct()
        found = Project.objects.filter(pk__in=list(ids))
        return list(found.exclude(status=Project.Status.QUARANTINED))

    def consequences(self, count: int) -> list[str]:
        """What will happen."""
        hidden = ngettext("%d project is hidden.", "%d projects are hidden.", count) % count
        return [hidden, *_what_quarantine_does()]

    def act(self, rows: Sequence[Any], *, reason: str, by: Actor) -> str:
        """Hide them."""
        count = quarantine.quarantine_projects(rows, reason=reason, by=by)
        return (
            ngettext(
                "%d project was put into quarantine.",
                "%d projects were put into quarantine.",
                count,
            )
            % count
        )


def roles_of(user: User) -> StaffPanel:
    """In which projects somebody has a role."""
    roles = Role.objects.filter(user=user).select_related("project")
    return StaffPanel(
        title=_("Roles"),
        columns=[_("project"), _("role"), _("status"), _("since")],
        rows=[
            [
                Cell(role.project.name, _page_of("projects_project", role.project_id)),
                Cell(role.get_kind_display()),
                Cell(role.project.get_status_display()),
                Cell(f"{role.created_at:%Y-%m-%d}"),
            ]
            for role in roles.order_by("project__normalized_name")[:200]
        ],
    )


def people_of(project: Project) -> StaffPanel:
    """Who has a role in a project."""
    roles = Role.objects.filter(project=project).select_related("user")
    return StaffPanel(
        title=_("People"),
        columns=[_("account"), _("role"), _("state"), _("since")],
        rows=[
            [
                Cell(
                    role.user.username, reverse("admin:accounts_user_change", args=[role.user_id])
                ),
                Cell(role.get_kind_display()),
                Cell(_("active") if role.user.is_active else _("frozen")),
                Cell(f"{role.created_at:%Y-%m-%d}"),
            ]
            for role in roles
        ],
    )


def newest_files_of(project: Project) -> StaffPanel:
    """What was uploaded last, by whom and with which token."""
    files = File.objects.filter(project=project).order_by("-uploaded_at")[:20]
    return StaffPanel(
        title=_("Newest files"),
        columns=[_("file"), _("uploaded (UTC)"), _("by"), _("API token")],
        rows=[
            [
                Cell(file.filename, _page_of("projects_file", file.pk)),
                Cell(f"{file.uploaded_at:%Y-%m-%d %H:%M}"),
                Cell(file.uploaded_by),
                Cell(file.token_name or "-"),
            ]
            for file in files
        ],
        url=f"{reverse('admin:projects_file_changelist')}?q={project.normalized_name}",
    )


def _page_of(model: str, pk: Any) -> str:
    return reverse(f"admin:{model}_change", args=[pk])


add_staff_panel(User, roles_of, seen_by=EVERYBODY)
add_staff_panel(Project, people_of, seen_by=EVERYBODY)
add_staff_panel(Project, newest_files_of, seen_by=EVERYBODY)
