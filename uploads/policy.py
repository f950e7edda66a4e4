"""Which kind of credential may upload to what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from projects.models import Project
from uploads.errors import UploadRefused

Credential = Literal["token", "password"]


@dataclass(frozen=True)
class Decision:
    """What becomes of an upload.

    Attributes:
        answer: "pass", "warn" (it passes, and the uploader is told) or "refuse".
        sentence: what to tell the uploader, one ASCII line; "" where it passes.
    """

    answer: Literal["pass", "warn", "refuse"]
    sentence: str = ""

    @property
    def refuses(self) -> bool:
        """Whether nothing is published."""
        return self.answer == "refuse"


_PASS: Final = Decision("pass")


def decide(
    user: User | None, project: Project | None, credential: Credential, now: datetime
) -> Decision:
    """Decide on an upload. Tokens always pass; what they may do is asked of them.

    Args:
        user: who uploads. None before that is known: the answer then refuses only what would be
            refused to everybody.
        project: where to; None if that is not known or does not exist yet.
        credential: what the uploader proves itself with.
        now: the time of the upload, by which stages of a change would be told apart.
    """
    if credential == "token" or settings.PASSWORD_UPLOADS == "allowed":  # noqa: S105
        return _PASS
    return Decision(
        "refuse",
        "Passwords are not accepted for uploads here. Use the user name __token__ and an API token "
        f"as the password. Make one at {settings.SITE_URL}/account/tokens/.",
    )


def require(user: User | None, project: Project | None, credential: Credential) -> None:
    """Check that this kind of credential is taken at this moment.

    Raises:
        UploadRefused: with what to do instead.
    """
    decision = decide(user, project, credential, timezone.now())
    if decision.refuses:
        raise UploadRefused(decision.sentence, code="password_policy", status=403)
