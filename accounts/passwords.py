"""What makes a password good enough."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

MAX_LENGTH = 4096  # characters
_ZXCVBN_MAX_LENGTH = 72  # it refuses more; a longer password is judged by its beginning
_NEEDED_SCORE = 2  # of 4


class StrengthValidator:
    """Refuses passwords that zxcvbn scores below 2 of 4, the user's own words included."""

    def validate(self, password: str, user: Any = None) -> None:
        """Check one password.

        Raises:
            ValidationError: if it is too long, holds a NUL character, or is too easily guessed.
        """
        if len(password) > MAX_LENGTH:
            raise ValidationError(
                _("The password is longer than %(limit)d characters.") % {"limit": MAX_LENGTH},
                code="password_too_long",
            )
        if "\x00" in password:
            raise ValidationError(_("The password holds a NUL character."), code="password_nul")
        words = _words_of(user)
        result = zxcvbn(password[:_ZXCVBN_MAX_LENGTH], user_inputs=words)
        if result["score"] < _NEEDED_SCORE:
            raise ValidationError(
                _(
                    "This password is too easily guessed. Use a longer one: four or more words "
                    "that have nothing to do with each other are good."
                ),
                code="password_too_weak",
            )

    def get_help_text(self) -> str:
        """What pages say beside the field."""
        return _("Any characters, the more the better. A few unrelated words are good.")


def _words_of(user: Any) -> list[str]:
    if user is None:
        return []
    words = [getattr(user, "username", ""), getattr(user, "name", "")]
    words += getattr(user, "words_to_avoid", [])
    return [str(word) for word in words if word]
