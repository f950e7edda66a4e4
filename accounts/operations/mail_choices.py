"""What mail somebody wants, beside that about the security of the account."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import topics
from accounts.events import MAIL_CHOSEN
from accounts.models import MailChoice, User
from audit.actors import Actor
from audit.log import record


@transaction.atomic
def choose_mail(user: User, choices: Mapping[str, str], *, by: Actor) -> bool:
    """Keep what somebody chose about some topics; whether any of it is new.

    Args:
        choices: one of its choices for each topic, by names.

    Raises:
        ValidationError: if there is no such topic or choice, or the account is gone.
    """
    if User.objects.select_for_update(no_key=True).filter(pk=user.pk).first() is None:
        raise ValidationError(_("This account was deleted."), code="gone")
    changes = []
    for name, choice in choices.items():
        topic = _require_topic(name, choice)
        former = topic.choice_of(user)
        if former != choice:
            MailChoice.objects.update_or_create(
                user=user, topic=name, defaults={"choice": choice, "chosen_at": timezone.now()}
            )
            changes.append((name, choice, former))
    for name, choice, former in changes:
        record(MAIL_CHOSEN, by=by, about=[user], topic=name, choice=choice, former=former)
    return bool(changes)


def _require_topic(name: str, choice: str) -> topics.Topic:
    try:
        topic = topics.find(name)
    except KeyError:
        topic = None
    if topic is None or choice not in topic.choices:
        raise ValidationError(_("There is no such choice about mail."), code="unknown")
    return topic


def stop_mail(user: User, topic: topics.Topic, *, by: Actor) -> bool:
    """Send somebody no more mails of a topic; whether any came until now.

    Raises:
        ValidationError: if the account is gone.
    """
    return choose_mail(user, {topic.name: topics.NEVER}, by=by)
