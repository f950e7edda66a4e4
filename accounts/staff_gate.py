"""Who may enter the staff pages: from the right network, in a staff group, and with a second factor
that was verified a short while ago.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from accounts.events import STAFF_ACT_REFUSED
from accounts.gates import is_fully_signed_in
from accounts.limits import Limit, LimitReached
from accounts.sudo import sudo_page
from audit.failures import record_failure
from audit.groups import NotTheirs, groups_of

View = Callable[..., HttpResponse]
PAGES = Limit("staff pages", 600, 5 * 60)
ACTS = Limit("acts of staff", 60, 3600)


def is_staff_session(request: HttpRequest) -> bool:
    """Whether this is staff of some group, with a second factor verified in this session."""
    user: Any = request.user
    return bool(
        user.is_authenticated
        and groups_of(user)
        and user.is_verified()
        and not user.must_confirm_recovery_codes
    )


def staff_page(view: View) -> View:
    """A page for staff, who are asked for a second factor where the last proof is older than half
    an hour. Whoever does not get in is led on, or told why; nothing is done.
    """
    return sudo_page(_counted(view), gate=_for_staff)


def _for_staff(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = _refusal(request) or view(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


def _counted(view: View) -> View:
    @wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return take_attempt(request, PAGES) or view(request, *args, **kwargs)
        except NotTheirs as refusal:
            refuse(request, refusal.act, "not in the group")
            raise

    return counted


def refuse(request: HttpRequest, act: str, reason: str) -> None:
    """Record that a member of staff tried what is not theirs to do."""
    record_failure(
        STAFF_ACT_REFUSED,
        by=request.actor,  # type: ignore[attr-defined]
        about=[request.user],  # type: ignore[list-item]
        distinct_by=f"{act} {reason}",
        act=act,
        reason=reason,
    )


def take_attempt(request: HttpRequest, limit: Limit) -> HttpResponse | None:
    """Use up one attempt of somebody's limit; the page that says so, if none is left."""
    try:
        limit.take(str(request.user.pk))
    except LimitReached as error:
        refuse(request, limit.name, "too many")
        context = {"title": _("Too much at once"), "what": error.messages[0]}
        response = render(request, "admin/refused.html", context, status=429)
        response["Retry-After"] = str(error.retry_after)
        return response
    return None


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if not _is_from_allowed_network(request):
        if groups_of(request.user):
            refuse(request, "the staff pages", "not from an allowed network")
        what = _("The staff pages cannot be reached from your network.")
        context = {"title": _("Not from here"), "what": what}
        return render(request, "admin/refused.html", context, status=403)
    if not is_staff_session(request):
        if is_fully_signed_in(request) and groups_of(request.user):
            return redirect("accounts:security")  # leads on to what is missing
        if is_fully_signed_in(request):
            what = _("The staff pages are for staff with a second factor.")
            context = {"title": _("Not for you"), "what": what}
            return render(request, "admin/refused.html", context, status=403)
        return redirect_to_login(request.get_full_path())
    return None


def _is_from_allowed_network(request: HttpRequest) -> bool:
    if not settings.STAFF_NETWORKS:
        return True
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in settings.STAFF_NETWORKS)
