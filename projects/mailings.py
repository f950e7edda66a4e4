"""The owners of projects, as mail goes to them: what they chose to hear of, and all of them."""

from __future__ import annotations

from typing import Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.audiences import Audience
from accounts.models import User
from accounts.topics import ALWAYS, NEVER, Topic
from audit.actors import Actor
from projects.models import Project, Role

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


def owners_to_tell(project: Project, *, by: Actor) -> list[User]:
    """The owners who want to hear of a release that somebody makes now, in one query."""
    is_told = Q(mail_choice=ALWAYS) | Q(mail_choice=BY_OTHERS) & ~Q(pk=by.id or None)
    return list(RELEASES.with_choices(project.owners()).filter(is_told))


def all_owners() -> QuerySet[User]:
    """Everybody who owns a project."""
    owners = Role.objects.filter(kind=Role.Kind.OWNER).values("user_id")
    return User.objects.filter(pk__in=owners)


OWNERS: Final = Audience("owners", _("owners of projects"), all_owners, is_for_announcements=True)
