"""What an uploader proves itself with: an API token, or a password where the policy lets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from tokens.credentials import TokenCredential
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

    def require(self, action: str, *, project_name: str, project_id: str | None) -> None:
        """A password has no restrictions of its own: its account's roles are all that is asked."""

    def require_active(self) -> None:
        """Check that it was not changed since: a body may travel for a long time.

        Raises:
            UploadRefused: if it was, or the account was frozen.
        """
        if not User.objects.filter(pk=self.user.pk, is_active=True, password=self.stored).exists():
            raise UploadRefused(
                "The password was changed, or the account frozen, while the file was on its way.",
                code="password_changed",
                status=403,
            )

    def note_use(self) -> None:
        """Nothing is kept of it beside the event."""


Credential = TokenCredential | PasswordCredential


def facts_of(credential: Credential) -> dict[str, Any]:
    """What a file keeps of the credential that it came with."""
    if isinstance(credential, TokenCredential):
        token = credential.token
        return {
            "token_id": str(token.pk),
            "token_name": token.name,
            "uploader_factor": "API token",
        }
    return {"uploader_factor": "password"}
