"""What somebody saw when they decided: of two who change one thing, the second looks again.

A form carries a digest of how things stood when it was shown. The operation makes it anew under its
lock, and compares.
"""

from __future__ import annotations

import hashlib

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

CHANGED = "changed"  # the code of such a refusal


def digest_state(*state: object) -> str:
    """A short text that is another one if anything of the state is."""
    return hashlib.sha256(repr(state).encode()).hexdigest()[:32]


def require_as_seen(seen: str | None, *state: object) -> None:
    """Check that things stand as they stood when whoever decides looked.

    Args:
        seen: what `digest_state` said then; None for who decides without a look, as on the command
            line.

    Raises:
        ValidationError: if they changed.
    """
    if seen is not None and seen != digest_state(*state):
        raise changed_meanwhile()


def changed_meanwhile() -> ValidationError:
    """What the second of two is told."""
    return ValidationError(
        _("Somebody else changed this in the meantime. Look at it again."), code=CHANGED
    )
