"""API tokens as staff see them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from audit.admin import ReadOnlyAdmin
from tokens.models import APIToken


@admin.register(APIToken)
class APITokenAdmin(ReadOnlyAdmin):
    """What uploads in whose name. The root key is shown to nobody."""

    list_display = ["name", "user", "created_at", "last_used_at", "revoked_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["id", "name", "user__username_key"]
    fields = [
        "id",
        "user",
        "name",
        "caveats",
        "projects",
        "created_at",
        "last_used_at",
        "revoked_at",
        "revoked_because",
    ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the pages show: filters in addresses could otherwise spell out the key."""
        is_shown = lookup.split("__")[0] in self.fields
        return is_shown and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
