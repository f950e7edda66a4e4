"""What an uploader proves itself with: an API token, or a password where the policy lets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from audit.actors import Actor
from projects import permissions
from projects.models import Project
from tokens.credentials import TokenCredential, account_problem
from uploads.errors import UploadRefused


@dataclass(frozen=True)
class PasswordCredential:
    """A user name and a password that were right.

    Attributes:
        user: whose they are.
        stored: the stored form of the password at that moment.
    """

    user: User
    stored: str = field(repr=False)

    def authorize(self, action: str, *, name: str, project: Project | None, by: Actor) -> None:
        """Check the role, then the account's state: a password has no restrictions of its own.

        Whether passwords are taken from accounts without a second factor is the policy's business.

        Raises:
            PermissionDenied: without a role.
            UploadRefused: if the account's owner has to do something first.
        """
        if project is not None:
            permissions.require(by, action, project)
        self._require_account(self.user)

    def require_allowed(self, action: str, *, name: str, project: Project | None) -> None:
        """Nothing: a password has no restrictions of its own."""

    def reopened(self) -> PasswordCredential:
        """The same, if it was not changed since: a body may travel for a long time.

        Raises:
            UploadRefused: if it was, or the account was frozen or its uploads suspended.
        """
        user = User.objects.filter(pk=self.user.pk, is_active=True, password=self.stored).first()
        if user is None:
            raise UploadRefused(
                "The password was changed, or the account frozen, while the file was on its way.",
                code="password_changed",
                status=403,
            )
        if user.uploads_suspended_at is not None:
            self._require_account(user)
        return self

    def _require_account(self, user: User) -> None:
        if problem := account_problem(user, needs_factor=False):
            raise UploadRefused(problem.sentence, code=problem.code, status=403)

    def note_use(self, *, by: Actor, project: str, file: str) -> None:
        """Nothing is kept of it beside the event."""


Credential = TokenCredential | PasswordCredential


def facts_of(credential: Credential) -> dict[str, Any]:
    """What a file keeps of the credential that it came with.

    Once it was authorized: the factors of a token's owner were looked up for that.
    """
    if isinstance(credential, TokenCredential):
        token = credential.token
        return {
            "token_id": str(token.pk),
            "token_name": token.name,
            "uploader_factor": _factor_of(token.user),
        }
    return {"uploader_factor": _factor_of(credential.user)}


def _factor_of(user: Any) -> str:
    """The kind of the second factor that an account used last, "" if it has none."""
    return user.second_factors[0].kind if user.second_factors else ""
