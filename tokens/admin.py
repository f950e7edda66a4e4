"""API tokens as staff see them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from audit.admin import ReadOnlyAdmin
from audit.rendering import history
from tokens.descriptions import describe_token
from tokens.models import APIToken, TokenDenial
from tokens.staff_acts import RevokeToken, find_pasted_token
from tokens.uses import uses_of

_SHOWN_USES = 20


@admin.register(APIToken)
class APITokenAdmin(ReadOnlyAdmin):
    """What uploads in whose name. The root key is shown to nobody."""

    change_list_template = "admin/tokens/list.html"
    list_display = ["name", "user", "created_at", "expires_at", "last_used_at", "revoked_at", "act"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), "revoked_cause", "format"]
    list_select_related = ["user"]
    search_fields = ["id", "name", "user__username_key"]
    fields = [
        "id",
        "user",
        "name",
        "allows",
        "caveats",
        "format",
        "projects",
        "awaits_project",
        "created_at",
        "made_with",
        "expires_at",
        "last_used_at",
        "last_used_from",
        "last_used_client",
        "last_used_project",
        "last_used_file",
        "refused",
        "uses",
        "revoked_at",
        "revoked_cause",
        "revoked_because",
        "act",
    ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the pages show: filters in addresses could otherwise spell out the key."""
        is_shown = lookup.split("__")[0] in self.fields
        return is_shown and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def get_urls(self) -> list[Any]:
        """Offer the pages of the acts."""
        find = self.admin_site.admin_view(find_pasted_token)
        return [
            path("find/", find, name="find-token"),
            path("<uuid:pk>/revoke/", RevokeToken.as_view(), name="revoke-token"),
            *super().get_urls(),
        ]

    @admin.display(description=_("allows"))
    def allows(self, token: APIToken) -> str:
        """What it may do, in a sentence."""
        return describe_token(token)

    @admin.display(description=_("act"))
    def act(self, token: APIToken) -> str:
        """The page of the act, where there is something to do."""
        if token.revoked_at is not None:
            return ""
        url = reverse("admin:revoke-token", args=[token.pk])
        return format_html('<a href="{}">{}</a>', url, _("Revoke"))

    @admin.display(description=_("refusals"))
    def refused(self, token: APIToken) -> str:
        """How often it was refused, by hour and reason."""
        rows = token.refusals.all()[:_SHOWN_USES]
        return "\n".join(f"{row.hour:%Y-%m-%d %H:%M} {row.reason}: {row.count}" for row in rows)

    @admin.display(description=_("uses"))
    def uses(self, token: APIToken) -> str:
        """What it did last."""
        lines = history(uses_of(token)[:_SHOWN_USES], is_staff=True)
        rows = (
            (f"{line.recorded_at:%Y-%m-%d %H:%M:%S}", line.sentence, line.network_address)
            for line in lines
        )
        return format_html_join("", "<div>{} {} {}</div>", rows)


@admin.register(TokenDenial)
class TokenDenialAdmin(ReadOnlyAdmin):
    """Which tokens owners have cut off from their projects."""

    list_display = ["token", "project", "denied_by", "denied_at"]
    list_select_related = ["token", "project"]
