"""What is given to prove again who one is: one form for each kind of proof."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import security_keys, verification
from accounts.forms.fields import (
    answer_field,
    code_field,
    recovery_code_field,
    require_answer,
)
from accounts.forms.sign_in import KEY_NOT_ACCEPTED
from accounts.models import User
from audit.actors import Actor


class ProofForm(forms.Form):
    """A proof by the user who is signed in. The one field of a subclass is named as its kind.

    Attributes:
        kind: "password", "code", "recovery_code" or "answer".
    """

    kind: str
    prefix = "sudo"

    def __init__(
        self, *args: Any, user: User, session: str | None, by: Actor, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.session, self.by = user, session, by


class PasswordProof(ProofForm):
    """The password, where the account has no second factor."""

    kind = "password"
    password = forms.CharField(
        label=_("Your password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def clean_password(self) -> str:
        """Check it, within the limits of sign-in.

        Raises:
            ValidationError: if it is wrong, or after too many attempts.
        """
        password: str = self.cleaned_data["password"]
        if not verification.confirm_password(self.user, password, by=self.by):
            raise ValidationError(_("That is not your password."), code="wrong")
        return password


class CodeProof(ProofForm):
    """A code from one of the account's apps."""

    kind = "code"
    code = code_field(_("Code from your authenticator app"))

    def clean_code(self) -> str:
        """Spend it.

        Raises:
            ValidationError: if it is wrong, or after too many attempts.
        """
        if not verification.confirm_code(self.user, self.cleaned_data["code"], by=self.by):
            raise ValidationError(
                _("This code is wrong or was used before. Wait for the next one, and type that."),
                code="wrong",
            )
        return ""


class KeyProof(ProofForm):
    """The answer of one of the account's keys."""

    kind = "answer"
    answer = answer_field()

    def clean(self) -> dict[str, Any]:
        """Check it; its challenge is spent by this.

        Raises:
            ValidationError: if it is not accepted, or after too many attempts.
        """
        cleaned = super().clean() or {}
        answer = require_answer(cleaned.get("answer"))
        key = security_keys.check_key(
            self.user, answer, security_keys.CONFIRM, session=self.session, by=self.by
        )
        if key is None:
            raise ValidationError(KEY_NOT_ACCEPTED, code="wrong")
        return cleaned


class RecoveryCodeProof(ProofForm):
    """A recovery code."""

    kind = "recovery_code"
    recovery_code = recovery_code_field()

    def clean_recovery_code(self) -> str:
        """Use it up.

        Raises:
            ValidationError: if it is none of the unused ones, or after too many attempts.
        """
        code: str = self.cleaned_data["recovery_code"]
        if not verification.confirm_recovery_code(self.user, code, by=self.by):
            raise ValidationError(
                _("This is none of your unused recovery codes. Each works once."), code="wrong"
            )
        return ""


def kinds_of_proof(user: User) -> list[type[ProofForm]]:
    """What the account may prove itself with: any second factor, the kind last used first; the
    password only where there is none."""
    if not user.has_second_factor:
        return [PasswordProof]
    kinds: list[type[ProofForm]] = []
    for factor in user.second_factors:
        kind = CodeProof if factor.kind == "app" else KeyProof
        if kind not in kinds:
            kinds.append(kind)
    return [*kinds, RecoveryCodeProof] if user.recovery_codes else kinds
