"""What makes a password good enough."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

from accounts import breaches

MAX_LENGTH = 4096  # characters
_ZXCVBN_MAX_LENGTH = 72  # it refuses more; a longer password is judged by its beginning
_SUBSTITUTES = frozenset("4@8({[<369!1|0$57+%2")  # it tries all letters that they may stand for
_MANY, _SHORT = 8, 20  # of so many, it takes seconds for 72 characters, and little for so few
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
        result = zxcvbn(_beginning(password), user_inputs=words)
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


def _beginning(password: str) -> str:
    """What a password is judged by; it is no better than that, and mostly as good."""
    beginning = password[:_ZXCVBN_MAX_LENGTH]
    return beginning[:_SHORT] if len(_SUBSTITUTES & set(beginning)) > _MANY else beginning


def _words_of(user: Any) -> list[str]:
    """What somebody who guesses would try first: names and addresses, whole and in parts."""
    if user is None:
        return []
    words = [getattr(user, "username", ""), getattr(user, "name", "")]
    words += getattr(user, "words_to_avoid", [])
    if not user._state.adding:
        words += user.email_addresses.values_list("address", flat=True)
    parts = [part for word in words for part in re.split(r"[\W_]+", str(word))]
    return [word for word in dict.fromkeys([*map(str, words), *parts]) if word]


def require_good(password: str, user: Any) -> None:
    """Judge a password that is to be set. Looks at a list of breached ones, so in no transaction.

    Args:
        user: whose it is to be; `words_to_avoid` on it are words that are not stored yet.

    Raises:
        ValidationError: if it is too easily guessed, or known to be breached.
    """
    validate_password(password, user)
    if breaches.is_breached(password):
        raise ValidationError(
            _(
                "This password is on a list of passwords that were stolen from other sites, so "
                "that programs try it. Use another one, here and wherever else you use it."
            ),
            code="password_breached",
        )
