"""What the closing of an account means to API tokens."""

from __future__ import annotations

from functools import partial

from accounts.closing import Record
from accounts.models import User
from audit.actors import Actor
from audit.log import Subject, record
from tokens.events import TOKEN_REVOKED
from tokens.models import APIToken


def end_tokens(user: User, *, by: Actor) -> list[Record]:
    """The rows go with the account's; what is recorded tells the projects that a key has ended."""
    subject = Subject.of(user)
    return [
        partial(
            record,
            TOKEN_REVOKED,
            by=by,
            about=[subject, *token.projects.all()],
            token_id=str(token.pk),
            name=token.name,
            reason="the account was deleted",
        )
        for token in APIToken.objects.active().of(user).prefetch_related("projects")
    ]
