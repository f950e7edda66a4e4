"""The owners of projects, as mail goes to them: what they chose to hear of, and all of them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.audiences import Audience
from accounts.models import User
from accounts.topics import ALWAYS, NEVER, Topic
from audit.actors import Actor
from audit.prepared import Prepared
from projects.models import Project, Role

NOBODY: Final = UUID(int=0)
NOTICE: Final = "release_created"
BY_OTHERS: Final = "by others"
RELEASES: Final = Topic(
    name="releases",
    title=_("New releases of projects that you own"),
    why=_("You get mails about new releases because you own this project."),
    choices={
        BY_OTHERS: _("Those that somebody else uploads"),
        ALWAYS: _("All of them"),
        NEVER: _("None"),
    },
    default=BY_OTHERS,
    notices=frozenset({NOTICE}),
)


_WHO_WANT_TO_HEAR: Final = Prepared(
    lambda project, uploader: RELEASES.with_choices(
        User.objects.filter(
            is_active=True, project_roles__project=project, project_roles__kind=Role.Kind.OWNER
        )
    ).filter(Q(mail_choice=ALWAYS) | Q(mail_choice=BY_OTHERS) & ~Q(pk=uploader))
)


def owners_to_tell(project: Project, *, by: Actor) -> list[User]:
    """The owners who want to hear of a release that somebody makes now, in one query."""
    return _WHO_WANT_TO_HEAR.all(project.pk, UUID(by.id) if by.id else NOBODY)


def all_owners() -> QuerySet[User]:
    """Everybody who owns a project."""
    owners = Role.objects.filter(kind=Role.Kind.OWNER).values("user_id")
    return User.objects.filter(pk__in=owners)


OWNERS: Final = Audience("owners", _("owners of projects"), all_owners, is_for_announcements=True)
