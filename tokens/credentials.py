"""From the text of a token to what its bearer may do, and why not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied

from accounts import policy
from audit import keyring
from audit.actors import Actor
from audit.prepared import Prepared
from projects import permissions
from projects.models import Project
from projects.names import shown
from tokens import caveats, diagnosis, macaroons, uses
from tokens.caveats import Actions, Caveat, Context, Expiration, Networks, RequestUser
from tokens.models import APIToken, TokenDenial

ROOT_KEYS = keyring.declare("API token root keys")
UNKNOWN = (
    "This API token is not known here. Check that all of it was copied, without spaces, and that "
    "it was made on this site."
)
_BY_KEY = Prepared(lambda pk: APIToken.objects.select_related("user").filter(pk=pk))
_LOCKED = Prepared(
    lambda pk: (
        APIToken.objects.select_related("user")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=pk)
    )
)
_DENIAL = Prepared(
    lambda token, project: (
        TokenDenial.objects.filter(token=token, project=project).order_by().values_list("pk")
    )
)
_HOST_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}\Z")
_BY_CAUSE = {
    APIToken.Cause.OWNER: "by its owner",
    APIToken.Cause.STAFF: "by the staff of this site",
    APIToken.Cause.LEAK: "because it was found where others could read it",
    APIToken.Cause.UPLOAD: "because it was inside a file that was uploaded",
}


class TokenRefused(PermissionDenied):
    """A token that opens nothing.

    Attributes:
        sentence: what to tell the bearer: one ASCII line.
        reason: what the memory keeps: fixed words, as the bearer can write caveats.
        token: the row, if the bearer proved to hold it.
        project: the project that was asked for, if the token's restrictions allow it.
    """

    def __init__(
        self,
        sentence: str,
        *,
        reason: str,
        token: APIToken | None = None,
        project: Project | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.reason = reason
        self.token = token
        self.project = project


@dataclass(frozen=True)
class TokenCredential:
    """A token whose signature is right.

    Attributes:
        token: its row, with its user.
        texts: all its caveats, those it carries and those that are stored.
        network_address: where it is used from.
    """

    token: APIToken
    texts: tuple[str, ...] = field(repr=False)
    network_address: str

    def authorize(self, action: str, *, name: str, project: Project | None, by: Actor) -> None:
        """Check everything that a use depends on: caveats, then role, then the account's state.

        In this order, so that who holds a token for something else learns nothing of the account
        or the project.

        Args:
            action: "upload" (to an existing project), "create" (a project) or "yank".
            name: the project's normalized name.
            project: its row, or None where it does not exist yet.

        Raises:
            TokenRefused: with the reasons in a sentence.
        """
        self.require_allowed(action, name=name, project=project)
        if project is not None:
            self._require_role(action, project, by=by)
        self.require_account()

    def require_welcome(self, action: str, project: Project, *, by: Actor) -> None:
        """Check what the project has to say: that no owner has cut the token off, and the role.

        Raises:
            TokenRefused: with the reason in a sentence.
        """
        self._require_not_denied(project)
        self._require_role(action, project, by=by)

    def require_here_and_now(self) -> None:
        """Check the caveats that hold whatever is asked for: whose, when, and from where.

        Raises:
            TokenRefused: with all reasons in one sentence.
        """
        everywhere = self._context("", project_name=None, project_id=None)
        self._refuse(
            reason
            for text in self.texts
            if isinstance(caveat := _load(text), Expiration | RequestUser | Networks)
            and (reason := caveat.reason_against(everywhere)) is not None
        )

    def require_allowed(self, action: str, *, name: str, project: Project | None) -> None:
        """Check what the token itself allows: its caveats, and that no owner has cut it off.

        Raises:
            TokenRefused: with the reasons in a sentence.
        """
        self.require(action, project_name=name, project_id=str(project.pk) if project else None)
        if project is not None:
            self._require_not_denied(project)

    def require(self, action: str, *, project_name: str, project_id: str | None) -> None:
        """Check every caveat.

        Args:
            action: one of `caveats.ACTIONS`.
            project_name: the normalized name.
            project_id: the project's UUID as text, None where it does not exist yet.

        Raises:
            TokenRefused: with all reasons in one sentence.
        """
        context = self._context(action, project_name=project_name, project_id=project_id)
        self._refuse(caveats.reasons_against(self.texts, context))

    def _context(self, action: str, *, project_name: str | None, project_id: str | None) -> Context:
        return Context(
            now=int(time.time()),
            user_id=str(self.token.user_id),
            project_name=project_name,
            project_id=project_id,
            action=action,
            network_address=self.network_address,
        )

    def _refuse(self, reasons: Iterable[str]) -> None:
        reasons = list(dict.fromkeys(reasons))
        if reasons:
            raise TokenRefused(
                f"The API token does not allow this: {'; '.join(reasons)}.",
                reason="its restrictions do not allow this",
                token=self.token,
            )

    def require_account(self) -> None:
        """Check that the account of the token may act by tokens at all.

        Raises:
            TokenRefused: if its owner has to do something first.
        """
        self._refuse_account(self.token.user)

    def _refuse_account(self, user: Any) -> None:
        problem = account_problem(user, needs_factor=True)
        if problem is not None:
            raise TokenRefused(problem.sentence, reason=problem.reason, token=self.token)

    def note_use(self, *, by: Actor, project: str = "", file: str = "") -> None:
        """Remember when, from where, with what and for what it was used."""
        uses.note_use(self.token, by=by, project=project, file=file)

    def reopened(self) -> TokenCredential:
        """The same token as it is now: much can happen while a body travels.

        To be called in the transaction that follows, where roles are asked anew, too. A token for a
        new project is locked, as it will be bound.

        Raises:
            TokenRefused: if it was revoked, has expired, or its account was frozen or suspended.
        """
        token = (_LOCKED if self.token.awaits_project else _BY_KEY).first(self.token.pk)
        if token is None or token.revoked_at is not None:
            raise TokenRefused(
                "This API token was revoked while the file was on its way.",
                reason="it was revoked",
                token=self.token,
            )
        carried = self.texts[: len(self.texts) - len(self.token.caveats)]
        _require_open(token, carried)
        if token.user.uploads_suspended_at is not None:
            self._refuse_account(token.user)
        return TokenCredential(token, (*carried, *token.caveats), self.network_address)

    def _require_not_denied(self, project: Project) -> None:
        if _DENIAL.exists(self.token.pk, project.pk):
            raise TokenRefused(
                f"An owner of the project {shown(project.name)} has cut this API token off from "
                "it. The role of the token's owner is as it was: ask the owners of the project.",
                reason="it was cut off from the project",
                token=self.token,
                project=project,
            )

    def _require_role(self, action: str, project: Project, *, by: Actor) -> None:
        try:
            permissions.require(by, action, project)
        except PermissionDenied as error:
            sentence = str(error)
            if self.token.projects.filter(pk=project.pk).exists() and not has_role(by, project):
                sentence = (
                    f"User {shown(by.label)} no longer has a role in the project "
                    f"{shown(project.name)}, for which this API token was made."
                )
            raise TokenRefused(
                sentence, reason="its owner may not do this", token=self.token, project=project
            ) from error


def has_role(by: Actor, project: Project) -> bool:
    """Whether somebody has any role in a project."""
    return project.roles.filter(user_id=by.id).exists()


@dataclass(frozen=True)
class AccountProblem:
    """Why an account uploads nothing until its owner has done something.

    Attributes:
        code: what staff filter refusals by.
        reason: fixed words for the memory.
        sentence: one ASCII line for the uploader.
    """

    code: str
    reason: str
    sentence: str


def account_problem(user: Any, *, needs_factor: bool) -> AccountProblem | None:
    """What keeps an account from uploading, if anything does.

    Args:
        needs_factor: whether uploads in this way take an account with a second factor.
    """
    where = f"{settings.SITE_URL}/account/security/"
    if user.uploads_suspended_at is not None:
        return AccountProblem(
            "uploads_suspended",
            "uploads of its account are suspended",
            f"Uploads of the account {user.username} are suspended since "
            f"{user.uploads_suspended_at:%Y-%m-%d}. Sign in at {where} to see why.",
        )
    if not user.has_verified_email:
        return AccountProblem(
            "address_unverified",
            "the mail address of its account is not verified",
            f"The mail address of the account {user.username} is not verified. Verify it at "
            f"{where} and upload again.",
        )
    if needs_factor and lacks_second_factor(user):
        return AccountProblem(
            "no_second_factor",
            "its account has no second factor",
            f"The account {user.username} has no second factor. Add one at {where} and upload "
            "again.",
        )
    return None


def lacks_second_factor(user: Any) -> bool:
    """Whether an account needs a second factor to make and use tokens, and has none."""
    return not policy.may_publish(user)


def wrap_root_key(token_id: Any, key: bytes) -> str:
    """A root key as it is stored, bound to its token."""
    return keyring.wrap(ROOT_KEYS, key, context=f"token:{token_id}")


def open_token(text: str, *, network_address: str = "") -> TokenCredential:
    """Find the token that a text is, check its signature, and that its time is not over.

    What is said of a token that is known (revoked, its owner frozen) is said only to who proves,
    by the signature, to hold it.

    Args:
        text: as it was sent, without white space around it.
        network_address: where it was sent from.

    Raises:
        TokenRefused: with a sentence for the bearer.
    """
    try:
        parsed = macaroons.parse(text)
    except macaroons.MalformedToken as error:
        raise TokenRefused(
            diagnosis.explain(text, str(error)), reason="unknown or malformed"
        ) from error
    token = _BY_KEY.first(parsed.identifier)
    return open_row(parsed, token, network_address=network_address)


def open_row(
    parsed: macaroons.ParsedToken, token: APIToken | None, *, network_address: str
) -> TokenCredential:
    """The same, once its row was looked for.

    Raises:
        TokenRefused: with a sentence for the bearer.
    """
    if token is None or not _is_genuine(parsed, token):
        raise TokenRefused(_unknown(parsed.location), reason="unknown or malformed")
    if token.revoked_at is not None:
        raise TokenRefused(_revoked(token), reason="it was revoked", token=token)
    _require_open(token, parsed.caveats)
    return TokenCredential(token, (*parsed.caveats, *token.caveats), network_address)


def find_genuine(parsed: macaroons.ParsedToken) -> APIToken | None:
    """The row of a token whose signature is right, be it revoked or not; None for all others."""
    token = APIToken.objects.select_related("user").filter(pk=parsed.identifier).first()
    return token if token is not None and _is_genuine(parsed, token) else None


def _is_genuine(parsed: macaroons.ParsedToken, token: APIToken) -> bool:
    key = keyring.unwrap(ROOT_KEYS, token.root_key, context=f"token:{token.pk}")
    return macaroons.has_valid_signature(parsed, key)


def _require_open(token: APIToken, carried: tuple[str, ...]) -> None:
    """Refuse what no request can be allowed by: it is not even read then."""
    if not token.user.is_active:
        raise TokenRefused(
            "The account of this API token is frozen or closed. Its owner can write to the staff "
            "of this site.",
            reason="its account is frozen",
            token=token,
        )
    read = [_load(text) for text in (*carried, *token.caveats)]
    end = min((one.expires_at for one in read if isinstance(one, Expiration)), default=None)
    if end is not None and time.time() >= end:
        raise TokenRefused(
            f"This API token expired on {caveats.as_time(end)}. {_make_another()}",
            reason="it has expired",
            token=token,
        )
    if not any(isinstance(one, Actions) for one in read[len(carried) :]):
        raise TokenRefused(
            f"This API token does not say what it may do. {_make_another()}",
            reason="it does not say what it may do",
            token=token,
        )


def _unknown(location: str) -> str:
    """What is said of a token that is not ours; no signature covers the location that it names."""
    ours = {settings.SITE_HOST, *settings.FORMER_SITE_NAMES}
    if location in ours or not _HOST_NAME.match(location):
        return UNKNOWN
    return (
        f"This API token belongs to {location}; this index is {settings.SITE_HOST}. Each index "
        f"needs its own token: make one at {settings.SITE_URL}/account/tokens/"
    )


def _revoked(token: APIToken) -> str:
    day = f"{token.revoked_at:%Y-%m-%d}"
    if token.revoked_cause == APIToken.Cause.FORMAT:
        return f"This API token was revoked on {day}: {token.revoked_because}. {_make_another()}"
    cause = _BY_CAUSE.get(token.revoked_cause, "")  # type: ignore[call-overload]
    return f"This API token was revoked on {day}{cause and f' {cause}'}. {_make_another()}"


def _make_another() -> str:
    return f"Make another one at {settings.SITE_URL}/account/tokens/"


def _load(text: str) -> Caveat | None:
    try:
        return caveats.load(text)
    except ValueError:  # whoever asks for more than the time is told
        return None
