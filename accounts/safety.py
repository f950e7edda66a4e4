"""How safe an account is, in one sentence, and what is missing. Knows neither database nor request.

The first thing that is missing is named: each is only worth doing once those before it are done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

FEW_CODES = 2


@dataclass(frozen=True)
class Standing:
    """What the sentence depends on.

    Attributes:
        has_verified_address: whether notices reach the person.
        factors: how many second factors count.
        has_key: whether one of them is a security key or a passkey, which cannot be phished.
        has_kept_codes: whether a recovery code was typed back.
        codes_left: how many recovery codes are unused.
        held: how many factors and addresses are held, because the owner said they were not theirs.
        is_suspended: whether uploads in this person's name are suspended.
        may_publish: whether this site lets people without a second factor have API tokens.
    """

    has_verified_address: bool
    factors: int
    has_key: bool
    has_kept_codes: bool
    codes_left: int
    held: int = 0
    is_suspended: bool = False
    may_publish: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the page says.

    Attributes:
        tone: "success", "warning" or "danger".
        title: how it stands, in a few words.
        sentence: why, and what to do.
    """

    tone: str
    title: Any
    sentence: Any


def judge(standing: Standing) -> Verdict:
    """The verdict on an account."""
    if standing.is_suspended or standing.held:
        return Verdict(
            "danger",
            _("Your account was in other hands, or may have been"),
            _(
                "Uploads in your name are suspended, and what was added in the meantime is held: "
                "choose a new password, and look through everything below."
            )
            if standing.is_suspended
            else _("What was added in the meantime is held: look through everything below."),
        )
    if not standing.has_verified_address:
        return Verdict(
            "warning",
            _("Your mail address is not verified"),
            _(
                "Until it is, you cannot add a second factor, make API tokens or do anything else "
                "with your account, and notices do not reach you: open the link in the mail, or "
                "correct the address below."
            ),
        )
    if not standing.factors:
        return Verdict(
            "warning",
            _("Your account has no second factor"),
            _(
                "Whoever learns your password can sign in as you: add a passkey, a security key or "
                "an authenticator app."
            )
            if standing.may_publish
            else _(
                "Whoever learns your password can sign in as you, and API tokens need a second "
                "factor, too: add a passkey, a security key or an authenticator app."
            ),
        )
    return _judge_ways_back(standing)


def _judge_ways_back(standing: Standing) -> Verdict:
    """Signing in is safe; but what if the device is lost?"""
    if not standing.has_kept_codes:
        return Verdict(
            "warning",
            _("You have not shown that you kept recovery codes"),
            _("Without them, a lost phone or key locks you out of your account: type one back."),
        )
    if standing.codes_left <= FEW_CODES:
        left = standing.codes_left
        return Verdict(
            "warning",
            ngettext("%d recovery code is left", "%d recovery codes are left", left) % left,
            _("Without them, a lost phone or key locks you out of your account: make new ones."),
        )
    if standing.factors == 1:
        return Verdict(
            "success",
            _("Your account is safe"),
            _(
                "Signing in takes your password and a second factor, and recovery codes let you in "
                "if you lose that; a second device would spare you the codes."
            ),
        )
    if not standing.has_key:
        return Verdict(
            "success",
            _("Your account is safe"),
            _(
                "Signing in takes your password and a second factor; a passkey or a security key "
                "would also protect you from false copies of the sign-in page."
            ),
        )
    return Verdict(
        "success",
        _("Your account is safe"),
        _(
            "Signing in takes one of several devices, of which one cannot be phished, and recovery "
            "codes let you in if you lose them all: nothing is missing."
        ),
    )


def warn_of_few_codes(left: int) -> str:
    """What somebody is told who has just used a recovery code; "" while enough are left."""
    if left > FEW_CODES:
        return ""
    if not left:
        return gettext("That was your last recovery code. Make new ones now, under Security.")
    return (
        ngettext(
            "%d recovery code is left. Make new ones soon, under Security.",
            "%d recovery codes are left. Make new ones soon, under Security.",
            left,
        )
        % left
    )
