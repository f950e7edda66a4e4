"""Cancelling a recovery case: with the link from the mail, or signed in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import View

from accounts.gates import account_page
from accounts.links import read_recovery
from accounts.models import RecoveryCase
from accounts.operations import recovery
from accounts.views.links import hide_link
from audit.actors import from_connection


@method_decorator(never_cache, name="dispatch")
class CancelRecoveryView(View):
    """For whoever has the link, signed in or not. Opening it does nothing: mail scanners do."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Read the link before either method."""
        self.case: RecoveryCase | None = None
        try:
            pk = read_recovery(request.GET.get("link", ""))
        except signing.BadSignature:
            self.problem = _("This link is not complete. Copy all of it from the mail.")
        else:
            cases = RecoveryCase.objects.open().select_related("user")
            self.case = cases.filter(pk=pk).first()
            self.problem = "" if self.case else _("This link was used or has ended.")
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the case and the button, or what is wrong."""
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Cancel the case."""
        if self.case is None:
            return self._page(request)
        by = from_connection(request).as_user(self.case.user, credential="link")
        try:
            recovery.cancel_case(self.case, by=by)
        except ValidationError as error:  # ended since the page was opened
            self.problem = " ".join(error.messages)
            return self._page(request)
        return self._page(request, is_cancelled=True)

    def _page(self, request: HttpRequest, *, is_cancelled: bool = False) -> HttpResponse:
        context = {"case": self.case, "problem": self.problem, "is_cancelled": is_cancelled}
        status = 400 if self.problem else 200
        return render(request, "accounts/cancel_recovery.html", context, status=status)


@account_page
@require_POST
def cancel_own_recovery(request: HttpRequest) -> HttpResponse:
    """The button of the banner: whoever is signed in has not lost the account."""
    user: Any = request.user
    case = user.open_recovery_case
    try:
        if case is not None:
            recovery.cancel_case(case, by=request.actor)  # type: ignore[attr-defined]
            messages.success(request, _("The removal of your second factors is cancelled."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("accounts:security")
