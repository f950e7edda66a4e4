"""Making, renaming, binding and revoking API tokens."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices, switches
from accounts.models import User
from accounts.permissions import lock_own_account
from audit.actors import Actor
from audit.log import record
from projects import claims, permissions
from projects.models import Project, Role
from projects.names import normalize
from tokens import caveats, macaroons
from tokens.credentials import lacks_second_factor, wrap_root_key
from tokens.descriptions import describe_token
from tokens.events import TOKEN_BOUND, TOKEN_CREATED, TOKEN_RENAMED, TOKEN_REVOKED
from tokens.grants import Grant, Scope
from tokens.models import APIToken

MAX_TOKENS = 500
MAX_NAME = 100


class NameTaken(ValidationError):
    """The name is that of another active token of one's own."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "You have an active API token of this name. Choose another name, or revoke that "
                "one first: its text is not shown again."
            ),
            code="taken",
        )


def require_may_create(user: User) -> None:
    """Say why this account cannot make tokens yet.

    Raises:
        PermissionDenied: without a verified address, or without the second factor that it takes;
            as SwitchedOff, if nobody may.
    """
    switches.TOKEN_CREATION.require_on()
    if not user.has_verified_email:
        raise PermissionDenied(_("Verify your mail address before you make an API token."))
    if lacks_second_factor(user):
        raise PermissionDenied(_("Add a second factor before you make an API token."))


@transaction.atomic
def create_token(
    user: User, *, name: str, grant: Grant, factor: str = "", by: Actor
) -> tuple[APIToken, str]:
    """Make an API token.

    Args:
        name: unique among the user's active tokens, 1 to 100 characters.
        grant: what it is to allow.
        factor: the second factor that whoever makes it has signed in with, for the record.

    Returns:
        The token and its text, which is shown once and stored nowhere.

    Raises:
        PermissionDenied: if the account may not make tokens, or not for one of the projects.
        ValidationError: if the name is taken, the choice makes no sense, or the token would be too
            long.
    """
    require_may_create(lock_own_account(user.pk, by=by))  # as it is now
    if APIToken.objects.active().of(user).count() >= MAX_TOKENS:
        raise ValidationError(
            _("You have %d active API tokens. Revoke some before you make more.") % MAX_TOKENS
        )
    require_may_grant(grant, by=by)
    token = APIToken(
        user=user,
        name=require_name(name),
        made_with=factor[:150],
        expires_at=grant.expires_at,
        awaits_project=normalize(grant.new_project) if grant.scope == Scope.NEW else "",
    )
    text = _mint(token, grant)
    _store(token)
    token.projects.set(grant.projects if grant.scope == Scope.PROJECTS else [])
    record(
        TOKEN_CREATED,
        by=by,
        about=[user, *token.projects.all()],
        token_id=str(token.pk),
        name=token.name,
        scope=_scope_in_words(grant),
        expires_at=token.expires_at.isoformat(timespec="seconds") if token.expires_at else "",
    )
    notices.send(
        "token_created",
        [user],
        by=by,
        name=token.name,
        allows=describe_token(token),
    )
    return token, text


def require_may_grant(grant: Grant, *, by: Actor) -> None:
    """Check that a person may make a token that allows this.

    Raises:
        PermissionDenied: if it would allow more than the person may do.
        ValidationError: if the choice makes no sense, or the site forbids it.
    """
    grant.require_sense()
    _require_end(grant)
    if grant.scope == Scope.PROJECTS:
        for project in grant.projects:
            permissions.require(by, "upload" if "upload" in grant.actions else "yank", project)
            if "yank" in grant.actions:
                permissions.require(by, "yank", project)
    elif "yank" in grant.actions and not _owns_any(by):
        raise PermissionDenied(_("You own no project, and only owners may yank releases."))
    if grant.scope == Scope.NEW:
        _require_new(grant.new_project, by=by)


def _require_new(name: str, *, by: Actor) -> None:
    new = normalize(name)
    if Project.objects.filter(normalized_name=new).exists():
        raise ValidationError(
            _("The project %s exists already. If it is yours, choose it among your projects.")
            % new,
            code="exists",
        )
    claims.require_name(name, by=by)


def _require_end(grant: Grant) -> None:
    now = timezone.now()
    if grant.expires_at is not None and grant.expires_at <= now:
        raise ValidationError(_("The token would have expired already."), code="past")
    longest = settings.TOKEN_MAX_LIFETIME
    if longest is not None and (grant.expires_at is None or grant.expires_at > now + longest):
        raise ValidationError(
            _("On this site, API tokens last at most %d days.") % longest.days, code="too_long"
        )


def _owns_any(by: Actor) -> bool:
    return Role.objects.filter(user_id=by.id, kind=Role.Kind.OWNER).exists()


def _mint(token: APIToken, grant: Grant) -> str:
    """Give the token its key and caveats; its text."""
    embedded = grant.embedded(token.user, now=token.created_at)
    token.caveats = grant.stored(embedded)
    key = secrets.token_bytes(macaroons.KEY_BYTES)
    token.root_key = wrap_root_key(token.pk, key)
    return _text_of(token.pk, key, embedded)


def require_short(grant: Grant, user: User) -> None:
    """Check that the text of such a token would not be too long, before it is promised.

    Raises:
        ValidationError: if it would.
    """
    embedded = grant.embedded(user, now=timezone.now())
    _text_of(uuid4(), bytes(macaroons.KEY_BYTES), embedded)


def _text_of(identifier: UUID, key: bytes, embedded: list[str]) -> str:
    try:
        return macaroons.mint(
            location=settings.SITE_HOST, identifier=identifier, key=key, caveats=embedded
        )
    except ValueError as error:
        raise ValidationError(
            _("The names of these projects are too long for one token. Choose fewer projects."),
            code="too_long",
        ) from error


def _scope_in_words(grant: Grant) -> str:
    """For the histories of the account and of each chosen project, which learns of no other."""
    if grant.scope == Scope.PROJECTS:
        return grant.projects[0].name if len(grant.projects) == 1 else "chosen projects"
    if grant.scope == Scope.PATTERNS:
        return ", ".join(grant.patterns)
    return grant.new_project if grant.scope == Scope.NEW else "all projects"


def require_name(name: str) -> str:
    """The name as it is stored.

    Raises:
        ValidationError: if it is none.
    """
    name = " ".join(name.replace("\x00", " ").split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise ValidationError(
            _("A name has 1 to %d characters, all of them printable.") % MAX_NAME, code="name"
        )
    return name


def _store(token: APIToken) -> None:
    try:
        with transaction.atomic():
            token.save(force_insert=True)
    except IntegrityError as error:
        raise NameTaken from error


@transaction.atomic
def rename_token(token: APIToken, *, name: str, by: Actor) -> bool:
    """Give a token another name; what it may do stays.

    Returns:
        False if that is its name already.

    Raises:
        ValidationError: if the name is taken or none, or the token was revoked.
    """
    name, former = require_name(name), token.name
    if name == former:
        return False
    active = APIToken.objects.filter(pk=token.pk, revoked_at=None)
    try:
        with transaction.atomic():
            is_renamed = active.update(name=name) == 1
    except IntegrityError as error:
        raise NameTaken from error
    if not is_renamed:
        raise ValidationError(_("This API token was revoked in the meantime."), code="revoked")
    token.name = name
    record(
        TOKEN_RENAMED,
        by=by,
        about=[token.user, *token.projects.all()],
        token_id=str(token.pk),
        name=name,
        former=former,
    )
    return True


@transaction.atomic
def bind_token(token: APIToken, project: Project, *, by: Actor) -> bool:
    """Tie a token for a new project to that project, now that it exists.

    Another project of that name, registered after this one was deleted, is then none of its
    business. The token's row is locked by `TokenCredential.reopened`.

    Returns:
        False if there was nothing to tie.
    """
    if not token.awaits_project or token.awaits_project != project.normalized_name:
        return False
    bound = [*token.caveats, caveats.dump(caveats.ProjectID((str(project.pk),)))]
    waiting = APIToken.objects.filter(pk=token.pk, awaits_project=project.normalized_name)
    if waiting.update(awaits_project="", caveats=bound) != 1:
        return False
    token.projects.add(project)
    record(TOKEN_BOUND, by=by, about=[token.user, project], token_id=str(token.pk), name=token.name)
    return True


@transaction.atomic
def revoke_token(
    token: APIToken,
    *,
    reason: str,
    cause: str = APIToken.Cause.OWNER,
    tell: bool = True,
    by: Actor,
) -> bool:
    """End a token; its row is kept. It is refused from the next request on.

    Args:
        reason: for the memory and the owner; where the cause is a change of format, for the bearer.
        cause: who or what ends it, one of `APIToken.Cause`.
        tell: False where the caller sends the owner a mail that says more.

    Returns:
        False if it was revoked before.
    """
    reason = " ".join(reason.split())[:200]
    active = APIToken.objects.filter(pk=token.pk, revoked_at=None)
    changes = {"revoked_at": timezone.now(), "revoked_because": reason, "revoked_cause": cause}
    if active.update(**changes) != 1:
        return False
    record(
        TOKEN_REVOKED,
        by=by,
        about=[token.user, *token.projects.all()],
        token_id=str(token.pk),
        name=token.name,
        reason=reason,
    )
    if tell:
        notices.send("token_revoked", [token.user], by=by, name=token.name, reason=reason)
    return True
