"""Whether somebody may have a name for a new project; if not, one ASCII line for uploaders."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts import switches
from accounts.limits import HOUR, Limit, LimitReached, network_key
from audit.actors import Actor
from projects import names
from projects.models import DeletedProject, ProhibitedName, Project
from projects.names import MAX_NAME, shown

_RENAME: Final = "Choose another name."


def require_name(name: str, *, by: Actor) -> None:
    """Check that a name can become a project's.

    Raises:
        ValidationError: with the reason.
    """
    if refusal := switches.NEW_PROJECTS.refusal():
        raise ValidationError(refusal, code="no_new_projects")
    try:
        names.check_name(name)
    except ValueError as error:
        raise ValidationError(f"The {error}.", code="name") from error
    normalized = names.normalize(name)
    if settings.REFUSE_STANDARD_LIBRARY_NAMES and names.is_standard_library(normalized):
        raise ValidationError(
            f"The name {_named(name)} is that of a module of Python's standard library. {_RENAME}",
            code="standard_library_name",
        )
    prohibited = ProhibitedName.objects.filter(normalized_name=normalized)
    reserved_for = prohibited.values_list("reserved_for_id", flat=True).first()
    if reserved_for is not None and (not reserved_for or reserved_for != by.id):
        raise ValidationError(
            f"The name {_named(name)} is not allowed here. {_RENAME}", code="prohibited_name"
        )
    _require_not_buried(name, by)
    require_unlike_others(name)


def require_unlike_others(name: str) -> None:
    """Check that no other project's name looks the same.

    Asked again after the event of its creation was recorded, so that of two such projects that are
    created at one moment the second one sees the first.

    Raises:
        ValidationError: with the reason.
    """
    alike = Project.objects.filter(ultranormalized_name=names.ultranormalize(name))
    if alike.exclude(normalized_name=names.normalize(name)).exists():
        raise ValidationError(
            f"The name {_named(name)} is too similar to that of another project. {_RENAME}",
            code="confusable_name",
        )


def require_allowance(*, by: Actor) -> None:
    """Use up one of the projects that somebody may create within an hour.

    In the transaction that creates it: what is rolled back does not count.

    Raises:
        ValidationError: if none is left.
    """
    per_user = Limit("new projects", settings.NEW_PROJECTS_PER_USER, HOUR)
    per_address = Limit("new projects by address", settings.NEW_PROJECTS_PER_ADDRESS, HOUR)
    try:
        per_user.take(by.id)
        per_address.take(network_key(by.network_address))
    except LimitReached as reached:
        minutes = max(1, round(reached.retry_after / 60))
        raise ValidationError(
            f"Too many projects were created lately. Try again in {minutes} minutes.",
            code="too_many_projects",
        ) from reached


def _require_not_buried(name: str, by: Actor) -> None:
    """A name that was in use is not given to strangers: people still install by it."""
    stones = DeletedProject.objects.filter(ultranormalized_name=names.ultranormalize(name))
    last = {stone.normalized_name: stone for stone in stones.order_by("deleted_at")}
    if any(not stone.name_freed_at and by.id not in stone.owner_ids for stone in last.values()):
        raise ValidationError(
            f"The name {_named(name)} is that of a deleted project, or too similar to it. Its "
            "former owners may use it again; others can ask the staff of this site.",
            code="deleted_name",
        )


def _named(name: str) -> str:
    return shown(name, MAX_NAME + 2)
