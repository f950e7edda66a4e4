"""Recent re-authentication, asked for in place: a half-filled form survives the prompt.

The prompt's form posts to the page itself and carries what was typed, encrypted for this session
and this page, so nothing is stored and nothing is lost. Passwords, codes and files are not carried.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts import sessions
from accounts.forms.sudo import ProofForm, kinds_of_proof
from accounts.gates import account_page
from accounts.login import SUDO_AT, note_recovery_code, open_sudo
from accounts.safety import warn_of_few_codes
from audit import keyring

View = Callable[..., HttpResponse]
LASTS = 30 * 60  # seconds
SHORT = 5 * 60  # seconds, for what would let somebody take the account over or destroy it
CARRIED_FORMS = keyring.declare("forms carried over a prompt")
_PREFIX = "sudo-"
_CARRIED = "sudo-carried"
_PROOFS = ("sudo-password", "sudo-code", "sudo-recovery_code", "sudo-answer")
_SECRET_NAME = re.compile("password|code|token", re.IGNORECASE)


def is_open(request: HttpRequest, *, lasts: int = LASTS) -> bool:
    """Whether the person proved less than `lasts` seconds ago who they are."""
    opened_at = request.session.get(SUDO_AT)
    return isinstance(opened_at, int) and 0 <= time.time() - opened_at < lasts


@dataclass(frozen=True)
class Carried:
    """A form that was sent before the prompt.

    Attributes:
        fields: names and values, in their order.
        is_complete: whether nothing had to be left out.
    """

    fields: list[tuple[str, str]]
    is_complete: bool

    @classmethod
    def from_post(cls, request: HttpRequest) -> Carried:
        """What was typed, without what must not be carried."""
        sent = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name != "csrfmiddlewaretoken" and not name.startswith(_PREFIX)
        ]
        fields = [(name, value) for name, value in sent if not _SECRET_NAME.search(name)]
        return cls(fields, is_complete=len(fields) == len(sent) and not request.FILES)

    def wrap(self, request: HttpRequest) -> str:
        """As it stands in the page: only this session reads it, for this page."""
        text = json.dumps([self.fields, self.is_complete])
        return keyring.wrap(
            CARRIED_FORMS, text.encode("utf-8", "surrogatepass"), context=_place(request)
        )

    @classmethod
    def unwrap(cls, request: HttpRequest) -> Carried:
        """What `wrap` was given.

        Raises:
            ValueError: if the text was made for another session or page, or was changed.
        """
        text = keyring.unwrap(CARRIED_FORMS, request.POST[_CARRIED], context=_place(request))
        fields, is_complete = json.loads(text.decode("utf-8", "surrogatepass"))
        return cls([(name, value) for name, value in fields], is_complete)

    def put_back(self, request: HttpRequest) -> None:
        """Let the view see what was typed, and nothing of the proof."""
        post = QueryDict(mutable=True)
        for name, value in self.fields:
            post.appendlist(name, value)
        post._mutable = False
        request.POST = post  # type: ignore[assignment]
        if not self.is_complete:
            messages.info(
                request, _("Passwords, codes and files are not kept while you confirm. Add them.")
            )


def _place(request: HttpRequest) -> str:
    session = sessions.digest(request.session.session_key or "")
    return f"{request.user.pk}|{session}|{request.get_full_path()}"


def _is_answer(request: HttpRequest) -> bool:
    return request.method == "POST" and any(name in request.POST for name in _PROOFS)


def _forms(request: HttpRequest, *, bound: bool) -> list[ProofForm]:
    """A form for each kind of proof that the account has; the one that was sent may be bound."""
    user: Any = request.user
    forms: list[ProofForm] = []
    for kind in kinds_of_proof(user):
        was_sent = bound and f"{_PREFIX}{kind.kind}" in request.POST
        bound = bound and not was_sent
        forms.append(
            kind(
                request.POST if was_sent else None,
                user=user,
                session=request.session.session_key,
                by=request.actor,  # type: ignore[attr-defined]
            )
        )
    return forms


def _accept(request: HttpRequest, form: ProofForm) -> None:
    user: Any = request.user
    if form.kind == "recovery_code":
        note_recovery_code(user.recovery_codes, user, by=form.by)
        if warning := warn_of_few_codes(user.recovery_codes.unused):
            messages.warning(request, warning)
    open_sudo(request)


def sudo_page(
    view: View, *, lasts: int = LASTS, gate: Callable[[View], View] = account_page
) -> View:
    """An account page that needs sudo mode; asks for a proof where it is over.

    The view gets what was typed before the prompt as `request.POST`, without passwords, codes and
    files, so it must bind its form to every POST.

    Args:
        view: the page.
        lasts: how many seconds old the last proof may be.
        gate: who may see the page at all.
    """

    @gate
    @sensitive_post_parameters()
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not _is_answer(request):
            if is_open(request, lasts=lasts):
                return view(request, *args, **kwargs)
            carried = Carried.from_post(request) if request.method == "POST" else None
            return _prompt(request, _forms(request, bound=False), carried, lasts)
        try:
            carried = Carried.unwrap(request) if request.POST.get(_CARRIED) else None
        except ValueError:
            forms = _forms(request, bound=False)
            return _prompt(request, forms, None, lasts, is_damaged=True)
        forms = _forms(request, bound=True)
        proof = next((form for form in forms if form.is_bound), None)
        if proof is None or not proof.is_valid():
            return _prompt(request, forms, carried, lasts)
        _accept(request, proof)
        if carried is None:
            return HttpResponseRedirect(request.get_full_path())
        carried.put_back(request)
        return view(request, *args, **kwargs)

    return guarded


def _prompt(
    request: HttpRequest,
    forms: list[ProofForm],
    carried: Carried | None,
    lasts: int,
    *,
    is_damaged: bool = False,
) -> HttpResponse:
    context = {
        "forms": forms,
        "form": next((form for form in forms if form.is_bound), None),
        "carried": carried.wrap(request) if carried else "",
        "is_carrying": bool(carried and carried.fields),
        "is_damaged": is_damaged,
        "minutes": lasts // 60,
        "is_first": SUDO_AT not in request.session,  # the device was remembered
    }
    status = 403 if request.method == "POST" else 200
    return render(request, "accounts/sudo.html", context, status=status)
