"""A socket: kinds of mail that people may do without. Higher floors add theirs.

Mail about the security of an account is of no topic, so nobody can be without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models import MailChoice, User

NEVER: Final = "never"
ALWAYS: Final = "always"


@dataclass(frozen=True)
class Topic:
    """A kind of mail that people choose about.

    Attributes:
        name: what the database and links call it.
        title: what pages call it.
        why: what a mail of it says of why it came.
        choices: what each choice is called; NEVER is among them.
        default: the choice of whoever made none.
        notices: the notices that are of it.
    """

    name: str
    title: Any
    why: Any
    choices: dict[str, Any]
    default: str
    notices: frozenset[str]

    def with_choices(self, people: QuerySet[User]) -> QuerySet[User]:
        """Some people, each with their choice as `mail_choice`, in one query."""
        chosen = MailChoice.objects.filter(topic=self.name, user_id=OuterRef("pk"))
        choice = Coalesce(Subquery(chosen.values("choice")[:1]), Value(self.default))
        return people.annotate(mail_choice=choice)

    def choice_of(self, user: User) -> str:
        """What somebody chose, or the default."""
        chosen = MailChoice.objects.filter(topic=self.name, user_id=user.pk)
        return chosen.values_list("choice", flat=True).first() or self.default

    def name_of(self, choice: str) -> Any:
        """What pages call a choice; itself, where this version has none of that name."""
        return self.choices.get(choice, choice)

    def unwilling(self) -> QuerySet[Any]:
        """The ids of the people who want none of it."""
        return MailChoice.objects.filter(topic=self.name, choice=NEVER).values("user_id")


ANNOUNCEMENTS: Final = Topic(
    name="announcements",
    title=_("Announcements of this site"),
    why=_("You get announcements because you have an account here."),
    choices={ALWAYS: _("All of them"), NEVER: _("None")},
    default=ALWAYS,
    notices=frozenset({"announcement"}),
)
_topics: dict[str, Topic] = {ANNOUNCEMENTS.name: ANNOUNCEMENTS}


def add_topic(topic: Topic) -> None:
    """Fill the socket; called in `AppConfig.ready()` of a higher floor."""
    _topics[topic.name] = topic


def all_topics() -> list[Topic]:
    """All of this version."""
    return list(_topics.values())


def find(name: str) -> Topic:
    """The topic of that name.

    Raises:
        KeyError: if this version has none.
    """
    return _topics[name]


def topic_of(notice: str) -> Topic | None:
    """What a notice is about, None if nobody may do without it."""
    return next((topic for topic in _topics.values() if notice in topic.notices), None)
