"""“This was not me”: the page of the mail about an unknown device, and what is held after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import View

from accounts.browsers import describe
from accounts.links import read_denial
from accounts.models import EmailAddress, UnknownSignIn
from accounts.operations import denials
from accounts.sudo import sudo_page
from accounts.views.links import hide_link
from audit.actors import from_connection


@method_decorator(never_cache, name="dispatch")
class DenySignInView(View):
    """For whoever has the link, signed in or not. Opening it does nothing: mail scanners do."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Read the link before either method."""
        self.sign_in: UnknownSignIn | None = None
        try:
            pk, self.address = read_denial(request.GET.get("link", ""))
        except signing.BadSignature:
            self.problem = _("This link is not complete. Copy all of it from the mail.")
        else:
            self.sign_in = UnknownSignIn.objects.select_related("user").filter(pk=pk).first()
            is_open = self.sign_in is not None and self.sign_in.is_deniable
            self.problem = "" if is_open else _("This link was used or has ended.")
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the sign-in and the button, or what is wrong."""
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take back what the sign-in could have led to."""
        if self.problem or self.sign_in is None:
            return self._page(request)
        by = from_connection(request).as_user(self.sign_in.user, credential="link")
        try:
            denials.deny_sign_in(self.sign_in, address=self.address, by=by)
        except PermissionDenied as error:  # used since the page was opened
            self.problem = str(error)
            return self._page(request)
        return render(request, "accounts/sign_in_denied.html")

    def _page(self, request: HttpRequest) -> HttpResponse:
        context = {
            "sign_in": self.sign_in,
            "browser": describe(self.sign_in.user_agent) if self.sign_in else "",
            "problem": self.problem,
        }
        status = 400 if self.problem else 200
        return render(request, "accounts/deny_sign_in.html", context, status=status)


@sudo_page
def show_held(request: HttpRequest) -> HttpResponse:
    """What is held since a sign-in was denied; the owner releases or deletes it."""
    user: Any = request.user
    rows = {_name(row): row for row in denials.find_held(user)}
    if request.method == "POST":
        try:
            _act(request, rows)
        except PermissionDenied as error:
            messages.error(request, str(error))
        return redirect("accounts:held")
    denied = [row.held_at for row in rows.values()] + [user.uploads_suspended_at]
    denied_at = min((moment for moment in denied if moment), default=None)
    context = {
        "nav": "security",
        "rows": [(name, row, _kind(row), _added_at(row)) for name, row in rows.items()],
        "are_uploads_suspended": user.uploads_suspended_at is not None,
        "has_second_factor": user.has_second_factor,
        "hindrance": denials.find_hindrance(user, denied_at=denied_at) if denied_at else "",
    }
    return render(request, "accounts/held.html", context)


def _name(row: denials.Held) -> str:
    """What a button of the page calls a held thing."""
    return f"{type(row).__name__.lower()}-{row.pk}"


def _kind(row: denials.Held) -> str:
    table: Any = type(row)
    return str(table._meta.verbose_name)


def _added_at(row: denials.Held) -> datetime:
    return row.added_at if isinstance(row, EmailAddress) else row.created_at


def _act(request: HttpRequest, rows: dict[str, denials.Held]) -> None:
    """Do what the pressed button says; about what is gone meanwhile, nothing."""
    by = request.actor  # type: ignore[attr-defined]
    user: Any = request.user
    released, deleted = (rows.get(request.POST.get(word, "")) for word in ("release", "delete"))
    if released is not None and denials.release_held(released, by=by):
        messages.success(request, _("It is released."))
    if deleted is not None and denials.delete_held(deleted, by=by):
        messages.success(request, _("It is deleted."))
    if "resume" in request.POST and denials.resume_uploads(user, by=by):
        messages.success(request, _("Your API tokens can upload again."))
