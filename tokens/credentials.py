"""From the text of a token to what its bearer may do."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils import timezone

from audit import keyring
from tokens import caveats, macaroons
from tokens.models import APIToken

ROOT_KEYS = keyring.declare("API token root keys")
_USE_IS_NOTED_EVERY = timedelta(minutes=1)
UNKNOWN = (
    "This API token is not known here. Check that all of it was copied, without spaces, and that "
    "it was made on this site."
)


class TokenRefused(PermissionDenied):
    """A token that opens nothing.

    Attributes:
        sentence: what to tell the bearer: one ASCII line.
        reason: what the memory keeps: fixed words, as the bearer can write caveats.
        token: the row, if the bearer proved to hold it.
    """

    def __init__(self, sentence: str, *, reason: str, token: APIToken | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.reason = reason
        self.token = token


@dataclass(frozen=True)
class TokenCredential:
    """A token whose signature is right.

    Attributes:
        token: its row.
        texts: all its caveats, those it carries and those that are stored.
    """

    token: APIToken
    texts: tuple[str, ...] = field(repr=False)

    def require(self, action: str, *, project_name: str, project_id: str | None) -> None:
        """Check every caveat.

        Args:
            action: "upload" (to an existing project) or "create" (a project).
            project_name: the normalized name.
            project_id: the project's UUID as text, None where it does not exist yet.

        Raises:
            TokenRefused: with all reasons in one sentence.
        """
        context = caveats.Context(
            now=int(time.time()),
            user_id=str(self.token.user_id),
            project_name=project_name,
            project_id=project_id,
            action=action,
        )
        reasons = caveats.reasons_against(self.texts, context)
        if reasons:
            raise TokenRefused(
                f"The API token does not allow this: {'; '.join(reasons)}.",
                reason="its restrictions do not allow this",
                token=self.token,
            )

    def require_active(self) -> None:
        """Check that it was not revoked since it was opened: a body may travel for a long time.

        Raises:
            TokenRefused: if it was.
        """
        if not APIToken.objects.active().filter(pk=self.token.pk).exists():
            raise TokenRefused(
                "This API token was revoked while the file was on its way.",
                reason="it was revoked",
                token=self.token,
            )

    def note_use(self) -> None:
        """Remember that it was used, to the minute."""
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_IS_NOTED_EVERY)
        APIToken.objects.filter(stale, pk=self.token.pk).update(last_used_at=now)


def wrap_root_key(token_id: Any, key: bytes) -> str:
    """A root key as it is stored, bound to its token."""
    return keyring.wrap(ROOT_KEYS, key, context=f"token:{token_id}")


def open_token(text: str) -> TokenCredential:
    """Find the token that a text is, and check its signature.

    What is said of a token that is known (revoked, its owner frozen) is said only to who proves,
    by the signature, to hold it.

    Raises:
        TokenRefused: with a sentence for the bearer.
    """
    try:
        parsed = macaroons.parse(text)
    except macaroons.MalformedToken as error:
        raise TokenRefused(
            f"This is not an API token of this site: {error}.", reason="unknown or malformed"
        ) from error
    token = APIToken.objects.select_related("user").filter(pk=parsed.identifier).first()
    if token is None:
        raise TokenRefused(UNKNOWN, reason="unknown or malformed")
    key = keyring.unwrap(ROOT_KEYS, token.root_key, context=f"token:{token.pk}")
    if not macaroons.has_valid_signature(parsed, key):
        raise TokenRefused(UNKNOWN, reason="unknown or malformed")
    if token.revoked_at is not None:
        raise TokenRefused(
            f"This API token was revoked on {token.revoked_at:%Y-%m-%d}. Make another one.",
            reason="it was revoked",
            token=token,
        )
    if not token.user.is_active:
        raise TokenRefused(
            "The account of this API token is closed.", reason="its account is closed", token=token
        )
    if not any(_is_actions(text) for text in token.caveats):
        raise TokenRefused(
            "This API token does not say what it may do. Make another one.",
            reason="it does not say what it may do",
            token=token,
        )
    return TokenCredential(token, (*parsed.caveats, *token.caveats))


def _is_actions(text: str) -> bool:
    try:
        return isinstance(caveats.load(text), caveats.Actions)
    except ValueError:
        return False
