"""What the closing of an account means to projects."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.closing import Obstacle, Record
from accounts.models import User
from audit.actors import Actor
from audit.log import Subject
from projects import changes
from projects.events import ROLE_REMOVED
from projects.models import Project, Role


def sole_ownerships(user: User) -> list[Obstacle]:
    """Nobody leaves a project without an owner. The projects are locked, so that of two owners
    who leave at once, one stays.
    """
    locked = _lock_projects(user)
    roles = Role.objects.filter(user=user, kind=Role.Kind.OWNER).values_list(
        "project_id", flat=True
    )
    owned = [locked[pk] for pk in sorted(set(roles) & set(locked))]
    return [
        Obstacle(
            sentence=_(
                "You are the only owner of %s. Make somebody else an owner, or delete the project."
            )
            % project.name,
            url=reverse("projects:project-detail", args=[project.normalized_name]),
            action=_("Open the project"),
        )
        for project in owned
        if not project.owners().exclude(pk=user.pk).exists()
    ]


def end_roles(user: User, *, by: Actor) -> list[Record]:
    """End all roles of an account, and tell the owners that are left. Each end is recorded with its
    project, whose pages name its people.
    """
    locked = _lock_projects(user)  # before anything is recorded: nobody waits for a row after that
    roles = list(Role.objects.filter(user=user, project__in=locked).order_by("project_id"))
    Role.objects.filter(user=user).delete()
    for role in roles:
        project, kind = locked[role.project_id], str(role.get_kind_display())
        changes.tell(
            "role_removed", project.owners(), project, by=by, role=kind, person=user.username
        )
    subject = Subject.of(user)
    return [
        partial(
            changes.publish,
            locked[role.project_id],
            ROLE_REMOVED,
            by=by,
            about=[subject],
            role=role.kind,
        )
        for role in roles
    ]


def _lock_projects(user: User) -> dict[UUID, Project]:
    """All projects that an account has a role in, locked in one order."""
    roles = Role.objects.filter(user=user).values("project")
    rows = Project.objects.select_for_update(no_key=True).filter(pk__in=roles).order_by("pk")
    return {project.pk: project for project in rows}
