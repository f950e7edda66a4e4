"""The Django admin, for staff with a second factor; our own tables alone, and no stock doors."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from two_factor.admin import AdminSiteOTPRequired

from accounts import staff_gate
from accounts.gates import is_fully_signed_in
from audit.acts import event_act_urls
from audit.groups import NotTheirs

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

    def get_urls(self) -> list[Any]:
        """Offer the numbers, and the acts on lists of events, beside the pages of tables."""
        from indexsite import staff_numbers  # models, which are loaded after this site

        numbers = [
            path("numbers/", self.admin_view(staff_numbers.show_numbers), name="numbers"),
            path(
                "numbers/publish/",
                staff_numbers.PublishNumbers.as_view(),
                name="publish-numbers",
            ),
            path(
                "numbers/<slug:key>/export/",
                self.admin_view(staff_numbers.export_sheet),
                name="export-numbers",
            ),
        ]
        return [*numbers, *event_act_urls(), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """What is wrong, the numbers that people look at, and the menu."""
        from indexsite.numbers import groups_for  # models, which are loaded after this site
        from indexsite.troubles import find_troubles

        context = {
            "troubles": find_troubles(),
            "number_groups": groups_for(request.user),
            **(extra_context or {}),
        }
        return super().index(request, context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The menu: the numbers first, which are no table, then the tables of each app."""
        apps: list[Any] = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        url = reverse("admin:numbers")
        page = {"name": _("All numbers, by month"), "object_name": "numbers", "admin_url": url}
        menu = {"name": _("Numbers"), "app_label": "numbers", "app_url": url, "models": [page]}
        return [menu, *apps]

    def has_permission(self, request: HttpRequest) -> bool:
        """Somebody of a staff group, with a second factor verified in this session."""
        return staff_gate.is_staff_session(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page is behind the gate: network, group, fresh second factor, limit."""
        return staff_gate.staff_page(super().admin_view(self._noting_refusals(view), cacheable))

    def _noting_refusals(self, view: Any) -> Any:
        """A view whose refusals to members of the staff are recorded, as those of acts are."""

        @wraps(view)
        def noting(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                response: HttpResponse = view(request, *args, **kwargs)
            except NotTheirs:  # the gate records it
                raise
            except PermissionDenied:
                if request.method == "POST":
                    page = request.resolver_match
                    name = page.url_name if page else None
                    staff_gate.refuse(request, name or "a page", "not allowed")
                raise
            return response

        return noting

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
