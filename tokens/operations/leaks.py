"""What is done about a token that somebody has found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db import transaction

from accounts import notices
from accounts.limits import DAY, Limit, LimitReached
from accounts.models import User
from accounts.permissions import require_staff
from audit.actors import Actor
from audit.groups import AUDITOR
from audit.log import record
from tokens import macaroons
from tokens.credentials import find_genuine
from tokens.events import LEAK_REPORTED, TOKEN_LOOKED_UP
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token
from tokens.operations.revoking import MAY_REVOKE
from tokens.uses import concerned_projects

MAY_SEE = MAY_REVOKE | {AUDITOR}
SCANNER, VISITOR, UPLOAD = "a secret scanner", "a visitor", "an upload"
NAMED_MAILS = Limit("mail about a named token", 1, DAY)
_MAX_PLACE = 1300  # characters: a file name, and a path inside of the file
_SECRET = re.compile(r"pypi-Ag[A-Za-z0-9_-]{20,}|Ag[E-H][A-Za-z0-9_-]{60,}")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")


def report_leak(text: str, *, source: str, place: str = "", by: Actor) -> APIToken | None:
    """Revoke a token that was found, if its signature is right; whatever its caveats.

    The signature is the proof: who has it could as well use the token. Of a text that only names a
    token, such as one that is cut off, its owner and the staff are told.

    Args:
        text: what was found.
        source: SCANNER, VISITOR or UPLOAD.
        place: where it was found, as the finder says; an address loses what may hold secrets.

    Returns:
        The token, if its signature was right.
    """
    text = text.strip()
    token = find_token(text)
    if token is not None:
        _burn(token, source=source, place=_plain(place), by=by)
        return token
    identifier = macaroons.find_identifier(text) or macaroons.as_identifier(text)
    if identifier is None:
        return None
    named = APIToken.objects.active().filter(pk=identifier).select_related("user").first()
    if named is not None:
        _mention(named, source=source, place=_plain(place), by=by)
    return None


def find_token(text: str) -> APIToken | None:
    """The token that a text is, if its signature is right."""
    try:
        return find_genuine(macaroons.parse(text))
    except macaroons.MalformedToken:
        return None


@transaction.atomic
def note_lookup(token: APIToken, *, is_whole: bool, by: Actor) -> None:
    """Record that staff came to a token by a text, which itself is kept nowhere.

    Not in the owner's history: who looks into an account need not tell it.

    Args:
        is_whole: whether the text is the token itself, and so would work.

    Raises:
        PermissionDenied: if whoever acts may not see tokens.
    """
    require_staff(by, MAY_SEE)
    record(
        TOKEN_LOOKED_UP,
        by=by,
        token_id=str(token.pk),
        name=token.name,
        owner=token.user.username,
        match="is" if is_whole else "names",
    )


@transaction.atomic
def _burn(token: APIToken, *, source: str, place: str, by: Actor) -> None:
    cause = APIToken.Cause.UPLOAD if source == UPLOAD else APIToken.Cause.LEAK
    reason = f"it was found by {source}"
    if not revoke_token(token, reason=reason, cause=cause, tell=False, by=by):
        return
    _record(token, source=source, outcome="it is revoked", by=by)
    _mail("token_leaked", [token.user], token, place, by=by)


def _mention(token: APIToken, *, source: str, place: str, by: Actor) -> None:
    try:
        NAMED_MAILS.take(str(token.pk))
    except LimitReached:
        return
    with transaction.atomic():
        _record(token, source=source, outcome="its signature was not there", by=by)
        staff = User.objects.administrators().exclude(pk=token.user_id)
        _mail("token_named", [token.user, *staff], token, place, by=by)


def _record(token: APIToken, *, source: str, outcome: str, by: Actor) -> None:
    record(
        LEAK_REPORTED,
        by=by,
        about=[token.user, *concerned_projects(token)],
        token_id=str(token.pk),
        name=token.name,
        source=source,
        outcome=outcome,
    )


def _mail(notice: str, users: Iterable[User], token: APIToken, place: str, *, by: Actor) -> None:
    """To the primary address even if it was never verified: this does not wait."""
    for user in users:
        if user.primary_email is not None:
            notices.send_to_address(
                notice,
                user.primary_email,
                by=by,
                name=token.name,
                owner=token.user.username,
                place=place,
                token_id=str(token.pk),
            )


def _plain(place: str) -> str:
    """Where something was found, as a mail can say it: no secret, no link that hides its target."""
    known = _SECRET.sub("pypi-...", place)[:_MAX_PLACE]
    text = "".join(mark if mark.isprintable() else " " for mark in known)
    return _ADDRESS.sub(_plain_address, text).strip()


def _plain_address(found: re.Match[str]) -> str:
    """The host and path of an address of the web; nothing of any other."""
    try:
        parts = urlsplit(found.group())
    except ValueError:
        return ""
    return f"{parts.hostname or ''}{parts.path}" if parts.scheme in {"http", "https"} else ""
