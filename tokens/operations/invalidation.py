"""Ending tokens whose format is no longer accepted."""

from __future__ import annotations

from django.db import transaction

from accounts import notices
from audit.actors import Actor
from tokens.descriptions import describe_token
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token


@transaction.atomic
def invalidate_token(token: APIToken, *, reason: str, by: Actor) -> bool:
    """Revoke a token through no fault of its owner, and say what to do now.

    Args:
        reason: one ASCII sentence without a full stop; the bearer is told it, too.

    Returns:
        False if the token was revoked before.
    """
    is_done = revoke_token(token, reason=reason, cause=APIToken.Cause.FORMAT, tell=False, by=by)
    if is_done:
        notices.send(
            "token_invalidated",
            [token.user],
            by=by,
            name=token.name,
            reason=reason,
            allows=describe_token(token),
        )
    return is_done
