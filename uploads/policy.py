"""Which kind of credential may upload to what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from projects.models import Project
from uploads.errors import UploadRefused
from uploads.models import Enforcement, Stage

Credential = Literal["token", "password"]
NOTICE: Final = (
    "Passwords are not accepted for uploads here. Use the user name __token__ and an API token as "
    "the password."
)


@dataclass(frozen=True)
class Decision:
    """What becomes of an upload.

    Attributes:
        answer: "pass", "warn" (it passes, and the uploader is told) or "refuse".
        sentence: what to tell the uploader, one ASCII line; "" where it passes.
        code: what staff filter such refusals by.
    """

    answer: Literal["pass", "warn", "refuse"]
    sentence: str = ""
    code: str = ""

    @property
    def refuses(self) -> bool:
        """Whether nothing is published."""
        return self.answer == "refuse"

    @property
    def warns(self) -> bool:
        """Whether the uploader has to hear of what is coming."""
        return self.answer == "warn"


_PASS: Final = Decision("pass")
_WARN: Final = Decision("warn")


def decide(
    user: User | None, project: Project | None, credential: Credential, now: datetime
) -> Decision:
    """Decide on an upload, in one query. Tokens always pass; what they may do is asked of them.

    Args:
        user: who uploads. None before that is known: the answer then refuses only what would be
            refused to everybody.
        project: where to; None if that is not known or does not exist yet.
        credential: what the uploader proves itself with.
        now: the time of the upload, by which stages are told apart.
    """
    if credential == "token":
        return _PASS
    enforcement = Enforcement.objects.asked_of(user, project)
    if not enforcement.is_concerned:
        return _PASS
    stage = enforcement.stage_at(now)
    if stage == Stage.ENFORCE:
        return Decision("refuse", refusal_of(enforcement), "password_policy")
    ends_at = enforcement.brown_out_at(now)
    if ends_at is not None:
        trial = f"Passwords are refused on trial until {ends_at:%Y-%m-%d %H:%M} UTC."
        return Decision("refuse", f"{trial} {refusal_of(enforcement)}", "brown_out")
    return _WARN if stage == Stage.WARN else _PASS


def refusal_of(enforcement: Enforcement) -> str:
    """What refused uploaders read: the notice that staff wrote, or the usual one, and a link."""
    return f"{enforcement.notice or NOTICE} See {help_address()}"


def help_address() -> str:
    """Where it says what to do."""
    return f"{settings.SITE_URL}{reverse('uploads:token-help')}"


def require(user: User | None, project: Project | None, credential: Credential) -> Decision:
    """Check that this kind of credential is taken at this moment.

    Returns:
        The decision, which passes or warns.

    Raises:
        UploadRefused: with what to do instead.
    """
    decision = decide(user, project, credential, timezone.now())
    if decision.refuses:
        raise UploadRefused(decision.sentence, code=decision.code, status=403)
    return decision
