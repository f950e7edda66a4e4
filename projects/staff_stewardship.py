"""What staff do with projects whose people do not: archive, delete, limit and hand over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.forms.fields import AccountField, ExactInput
from accounts.staff import ReasonForm, SightedForm, StaffAct, offered_on
from audit.actors import Actor
from projects.models import BurntFilename, Project
from projects.operations import contents, lifecycle, roles, size_limits
from projects.permissions import MAY_STEWARD

_ABANDONED = (
    gettext_lazy("The project is abandoned, and its owners do not answer."),
    gettext_lazy("Its owners asked for it."),
)


def _told() -> str:
    return _("All who have a role in it are told by mail, with the reason.")


@offered_on(Project)
class ArchiveProject(StaffAct):
    """Freeze an abandoned project."""

    slug = "archive"
    groups = MAY_STEWARD
    title = gettext_lazy("Archive")
    reasons = _ABANDONED

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If it takes files."""
        return bool(row.status == Project.Status.ACTIVE)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("The project takes no new files. What was released can still be installed."),
            _("An owner can make it active again."),
            _told(),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Freeze it."""
        lifecycle.archive_project_as_staff(row, is_archived=True, reason=reason, by=by)
        return _("The project %s is archived.") % row.name


@offered_on(Project)
class UnarchiveProject(StaffAct):
    """Let a project take files again."""

    slug = "unarchive"
    groups = MAY_STEWARD
    title = gettext_lazy("Make active again")
    reasons = (gettext_lazy("Somebody maintains the project again."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If it is archived."""
        return bool(row.is_archived)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [_("Who has a role in the project can upload to it again."), _told()]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Open it."""
        lifecycle.archive_project_as_staff(row, is_archived=False, reason=reason, by=by)
        return _("The project %s is active again.") % row.name


class DeletionForm(ReasonForm):
    """The name, typed as a proof of reading; and what becomes of it."""

    typed = forms.CharField(
        label=gettext_lazy("Name of the project, to confirm"),
        widget=ExactInput,
    )
    prohibits_name = forms.BooleanField(
        label=gettext_lazy("Prohibit the name, for its former owners as well"), required=False
    )
    field_order = ("typed", "prohibits_name", "reason")

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.expected = row.name

    def clean_typed(self) -> str:
        """Compare it exactly.

        Raises:
            ValidationError: if it is something else.
        """
        typed: str = self.cleaned_data["typed"]
        if typed != self.expected:
            raise ValidationError(_("This is not “%s”. Nothing was deleted.") % self.expected)
        return typed


@offered_on(Project)
class DeleteProject(StaffAct):
    """Remove a project for good."""

    slug = "delete-project"
    groups = MAY_STEWARD
    title = gettext_lazy("Delete")
    form_class = DeletionForm
    reasons = (
        gettext_lazy("The project holds malware and nothing else."),
        gettext_lazy("The project holds no software."),
        gettext_lazy("The name imitates another project."),
    )

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = row.files.count()
        return [
            ngettext(
                "%(count)d file of %(name)s is gone from the next request on, for good.",
                "%(count)d files of %(name)s are gone from the next request on, for good.",
                count,
            )
            % {"count": count, "name": row.name},
            _(
                "Names of its files are never used again. Its own name can be used again by its "
                "owners alone, unless you prohibit it."
            ),
            _("Quarantine hides it just as fast, and can be taken back."),
            _told(),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Remove it."""
        lifecycle.delete_project_as_staff(
            row, prohibits_name=fields["prohibits_name"], reason=reason, by=by
        )
        return _("The project %s is deleted.") % row.name


class LimitsForm(SightedForm):
    """Mebibytes, or nothing for the site's own limit."""

    file = forms.IntegerField(
        label=gettext_lazy("Limit of a file, in MiB"), required=False, min_value=1
    )
    total = forms.IntegerField(
        label=gettext_lazy("Limit of all files together, in MiB"),
        required=False,
        min_value=1,
        max_value=2**40,
    )
    field_order = ("file", "total", "reason")

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        for name, limit, of_site in (
            ("file", row.file_size_limit, settings.UPLOAD_SIZE_LIMIT),
            ("total", row.total_size_limit, settings.PROJECT_SIZE_LIMIT),
        ):
            self.fields[name].initial = None if limit is None else limit >> 20
            text = _("Leave it empty for the site's own limit, which is %d MiB.")
            self.fields[name].help_text = text % (of_site >> 20)

    def state_of(self, row: Any) -> tuple[object, ...]:
        """The limits it has."""
        return size_limits.find_state(row)


@offered_on(Project)
class ChangeLimits(StaffAct):
    """Let a project hold more, or less."""

    slug = "limits"
    groups = MAY_STEWARD
    title = gettext_lazy("Change limits")
    form_class = LimitsForm
    reasons = (
        gettext_lazy("The project needs larger files, and says why."),
        gettext_lazy("The project fills the storage with what it does not need."),
    )

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        used = row.files.order_by().aggregate(sum=Sum("size"))["sum"] or 0
        return [
            _("The limits hold for uploads from the next one on. What is there stays."),
            _("The project has %d MiB now.") % (used >> 20),
            _told(),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Change them."""
        file, total = (
            None if fields[name] is None else fields[name] << 20 for name in ("file", "total")
        )
        size_limits.change_limits(
            row, file=file, total=total, seen=fields["seen"], reason=reason, by=by
        )
        return _("The limits of %s were changed.") % row.name


class OwnerForm(ReasonForm):
    """Who gets the project."""

    username = AccountField(label=gettext_lazy("User name of the new owner"))
    field_order = ("username", "reason")


@offered_on(Project)
class TransferProject(StaffAct):
    """Give an abandoned project to somebody who wants to maintain it."""

    slug = "transfer"
    groups = MAY_STEWARD
    title = gettext_lazy("Hand over")
    form_class = OwnerForm
    reasons = _ABANDONED

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        people = ", ".join(row.people().values_list("username", flat=True)) or _("nobody")
        return [
            _("The role of everybody else in %(name)s ends. They are now: %(people)s.")
            % {"name": row.name, "people": people},
            _("The new owner can upload at once, and to every installation this is an update."),
            _told(),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Hand it over."""
        user = fields["username"]
        roles.transfer_as_staff(row, user, reason=reason, by=by)
        return _("%(user)s is the only owner of %(name)s.") % {
            "user": user.username,
            "name": row.name,
        }


@offered_on(BurntFilename)
class RemoveContent(StaffAct):
    """Remove the content of a deleted file before its time."""

    slug = "remove-content"
    groups = MAY_STEWARD
    title = gettext_lazy("Remove the content now")
    tells_people = False
    reasons = (
        gettext_lazy("The file holds a secret, or data of people."),
        gettext_lazy("The file is malware."),
        gettext_lazy("The law asks for it."),
    )

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """While it is kept."""
        return row.content_settled_at is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("The stored content of %s is removed at once, and not days after the deletion.")
            % row.filename,
            _("It cannot be brought back. Its name is never used again."),
            _("Copies of mirrors and backups are not reached."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Remove it."""
        contents.remove_content_as_staff(row, reason=reason, by=by)
        return _("The content of %s is removed.") % row.filename
