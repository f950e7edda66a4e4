"""The Django admin, for staff with a second factor; our own tables alone, and no stock doors."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from two_factor.admin import AdminSiteOTPRequired

from accounts.gates import is_fully_signed_in

OUR_APPS = {"audit", "accounts", "projects", "tokens", "uploads"}


class StaffSite(AdminSiteOTPRequired):
    """Shows what happened. Every act of staff is a page of its own, with a reason."""

    index_title = _("Control room")
    enable_nav_sidebar = True
    site_url = "/"

    @property
    def site_header(self) -> str:
        """The site's own name."""
        return str(settings.SITE_NAME)

    site_title = site_header

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take only our own tables: other apps bring doors that bypass reason and memory."""
        models = (
            model_or_iterable
            if isinstance(model_or_iterable, (list, tuple))
            else [model_or_iterable]
        )
        ours = [model for model in models if model._meta.app_label in OUR_APPS]
        if ours:
            super().register(ours, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, active, with a second factor verified in this session."""
        user: Any = request.user
        return bool(
            user.is_active
            and user.is_staff
            and user.is_verified()
            and not user.must_confirm_recovery_codes
        )

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one sign-in page, and it is not here."""
        if is_fully_signed_in(request):
            return redirect("accounts:security")
        return redirect_to_login("/admin/")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The stock page would change a password without memory."""
        return redirect("accounts:security")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Signing out is recorded, so it has one door."""
        from accounts.views.sessions import sign_out

        return sign_out(request)
