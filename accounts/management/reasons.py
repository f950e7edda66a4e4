"""The reason that commands ask for: the same as on the pages of staff."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

from django.core.exceptions import ValidationError

from accounts.forms.fields import SHORTEST_REASON, ReasonField


def add_reason(parser: ArgumentParser, *, use: str) -> None:
    """Take `--reason`; a command that is given none that will do ends before it does anything.

    Args:
        use: what becomes of it, for the help.
    """
    text = f"why, at least {SHORTEST_REASON} characters; {use}"
    parser.add_argument("--reason", required=True, type=_read_reason, help=text)


def _read_reason(text: str) -> str:
    try:
        reason: str = ReasonField().clean(text)
    except ValidationError as error:
        raise ArgumentTypeError(" ".join(error.messages)) from error
    return reason
