"""What the closing of an account means to projects."""

from __future__ import annotations

from functools import partial

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.closing import Obstacle, Record
from accounts.models import User
from audit.actors import Actor
from audit.log import Subject, record
from projects.events import ROLE_REMOVED
from projects.models import Project, Role


def sole_ownerships(user: User) -> list[Obstacle]:
    """Nobody leaves a project without an owner. The projects are locked, so that of two owners
    who leave at once, one stays.
    """
    roles = Role.objects.filter(user=user, kind=Role.Kind.OWNER).values("project")
    owned = Project.objects.select_for_update(no_key=True).filter(pk__in=roles).order_by("pk")
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
    """End all roles of an account, each of which is recorded with its project."""
    roles = list(Role.objects.filter(user=user).select_related("project").order_by("project_id"))
    Role.objects.filter(user=user).delete()
    subject = Subject.of(user)
    return [
        partial(record, ROLE_REMOVED, by=by, about=[role.project, subject], role=role.kind)
        for role in roles
    ]
