"""Which texts can be mail addresses; one rule for forms and imports."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

MAX_LENGTH = 254  # characters, in lower case, too: there it can be longer, as "İ" is two


def require_possible(text: str) -> None:
    """Check that a mail can be sent to an address, and that it can be stored.

    Raises:
        ValidationError: with a sentence that says what is wrong.
    """
    if len(text) > MAX_LENGTH or len(text.lower()) > MAX_LENGTH:
        raise ValidationError(_("A mail address has at most %d characters.") % MAX_LENGTH)
    if not text.isprintable():
        raise ValidationError(_("A mail address has no control characters."))
    if '"' in text:
        raise ValidationError(_("A mail address with quotation marks is not accepted here."))
    if text.endswith("]"):  # a network address: the mail server would try any machine it can reach
        raise ValidationError(_("A mail address ends with a domain, such as example.org."))
    validate_email(text)
