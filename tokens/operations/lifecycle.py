"""Making and revoking API tokens."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.models import User
from audit.actors import Actor
from audit.log import record
from projects import permissions
from projects.models import Project
from tokens import caveats, macaroons
from tokens.credentials import wrap_root_key
from tokens.events import TOKEN_CREATED, TOKEN_REVOKED
from tokens.models import APIToken

MAX_TOKENS = 500
MAX_PROJECTS = 40
_ACTIONS = caveats.Actions(("upload", "create"))


def require_may_create(user: User) -> None:
    """Say why this account cannot make tokens yet.

    Raises:
        PermissionDenied: without a verified address, or without a second factor.
    """
    if not user.has_verified_email:
        raise PermissionDenied(_("Verify your mail address before you make an API token."))
    if not user.has_second_factor:
        raise PermissionDenied(_("Add a second factor before you make an API token."))


@transaction.atomic
def create_token(
    user: User, *, name: str, projects: Sequence[Project] | None, by: Actor
) -> tuple[APIToken, str]:
    """Make an API token.

    Args:
        name: unique among the user's active tokens, 1 to 100 characters.
        projects: what it is for, 1 to 40 projects in which the user has a role; None for all of
            the user's projects, future ones included.

    Returns:
        The token and its text, which is shown once and stored nowhere.

    Raises:
        PermissionDenied: if the account may not make tokens, or not for one of the projects.
        ValidationError: if the name is taken, or the token would be too long.
    """
    require_may_create(User.objects.select_for_update(no_key=True).get(pk=user.pk))  # as it is now
    if APIToken.objects.active().of(user).count() >= MAX_TOKENS:
        raise ValidationError(
            _("You have %d active API tokens. Revoke some before you make more.") % MAX_TOKENS
        )
    embedded = _scope_caveats(user, projects, by=by)
    token_id = uuid.uuid4()
    key = secrets.token_bytes(32)
    try:
        text = macaroons.mint(
            location=urlsplit(settings.SITE_URL).hostname or "",
            identifier=token_id,
            key=key,
            caveats=embedded,
        )
    except ValueError as error:
        raise ValidationError(
            _("The names of these projects are too long for one token. Choose fewer projects."),
            code="too_long",
        ) from error
    stored = [*embedded, caveats.dump(_ACTIONS)]
    token = _store(user, token_id, name=name, root_key=key, stored=stored)
    token.projects.set(projects or [])
    record(
        TOKEN_CREATED,
        by=by,
        about=[user, *(projects or [])],
        token_id=str(token.pk),
        name=name,
        scope="all projects" if projects is None else ", ".join(row.name for row in projects),
        caveats=stored,
    )
    notices.send("token_created", [user], by=by, name=name)
    return token, text


def _scope_caveats(user: User, projects: Sequence[Project] | None, *, by: Actor) -> list[str]:
    if projects is None:
        return [caveats.dump(caveats.RequestUser(str(user.pk)))]
    if not 1 <= len(projects) <= MAX_PROJECTS:
        raise ValidationError(_("Choose between 1 and %d projects.") % MAX_PROJECTS)
    for project in projects:
        permissions.require(by, "upload", project)
    return [
        caveats.dump(caveats.ProjectName(tuple(row.normalized_name for row in projects))),
        caveats.dump(caveats.ProjectID(tuple(str(row.pk) for row in projects))),
    ]


def _store(
    user: User, token_id: uuid.UUID, *, name: str, root_key: bytes, stored: list[str]
) -> APIToken:
    try:
        with transaction.atomic():
            return APIToken.objects.create(
                id=token_id,
                user=user,
                name=name,
                root_key=wrap_root_key(token_id, root_key),
                caveats=stored,
            )
    except IntegrityError as error:
        raise ValidationError(
            _("You have an active API token of this name. Choose another name."), code="taken"
        ) from error


@transaction.atomic
def revoke_token(token: APIToken, *, reason: str, by: Actor) -> bool:
    """End a token; its row is kept. It is refused from the next request on.

    Returns:
        False if it was revoked before.
    """
    active = APIToken.objects.filter(pk=token.pk, revoked_at=None)
    if active.update(revoked_at=timezone.now(), revoked_because=reason[:200]) != 1:
        return False
    record(
        TOKEN_REVOKED,
        by=by,
        about=[token.user, *token.projects.all()],
        token_id=str(token.pk),
        name=token.name,
        reason=reason,
    )
    notices.send("token_revoked", [token.user], by=by, name=token.name, reason=reason)
    return True
