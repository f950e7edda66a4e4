"""Accounts as staff see them. Nothing is changed here: every act is a page of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import AuthenticatorApp, EmailAddress, OutboxMail, SecurityKey, User
from accounts.staff_acts import VerifyAddress
from audit.admin import ReadOnlyAdmin


class AddressInline(admin.TabularInline):  # type: ignore[type-arg]
    """An account's addresses."""

    model = EmailAddress
    fields = readonly_fields = ("address", "is_primary", "verified_at", "added_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff."""
        return admin.site.has_permission(request)


class AppInline(admin.TabularInline):  # type: ignore[type-arg]
    """An account's authenticator apps."""

    model = AuthenticatorApp
    fields = readonly_fields = ("name", "confirmed", "created_at", "last_used_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff."""
        return admin.site.has_permission(request)


class KeyInline(AppInline):
    """An account's security keys and passkeys."""

    model = SecurityKey
    fields = readonly_fields = ("name", "is_passkey", "created_at", "last_used_at")


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People."""

    list_display = ["username", "is_staff", "is_active", "joined_at", "last_login"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["username_key", "email_addresses__address_key"]
    fields = [
        "id",
        "username",
        "name",
        "is_active",
        "is_staff",
        "joined_at",
        "last_login",
        "events",
    ]
    inlines = [AddressInline, AppInline, KeyInline]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the pages show: filters in addresses could otherwise spell out the hash."""
        is_shown = lookup.split("__")[0] in self.fields
        return is_shown and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description=_("history"))
    def events(self, user: User) -> str:
        """Where the account's events are."""
        url = reverse("admin:audit_event_changelist")
        return format_html('<a href="{}?q={}">{}</a>', url, user.username, _("Events"))


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    """Mail addresses, and the way to verify one by hand."""

    list_display = ["address", "user", "is_primary", "verified_at", "verify"]
    list_filter = [("verified_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["address_key", "user__username_key"]

    @admin.display(description=_("act"))
    def verify(self, address: EmailAddress) -> str:
        """The page of the act, where there is something to do."""
        if address.verified_at is not None:
            return ""
        url = reverse("admin:verify-address", args=[address.pk])
        return format_html('<a href="{}">{}</a>', url, _("Declare verified"))

    def get_urls(self) -> list[Any]:
        """Offer the act's page."""
        act = path("<int:pk>/verify/", VerifyAddress.as_view(), name="verify-address")
        return [act, *super().get_urls()]


@admin.register(OutboxMail)
class OutboxMailAdmin(ReadOnlyAdmin):
    """Mail that is to be sent, or failed."""

    list_display = ["notice", "recipient", "queued_at", "sent_at", "attempts", "failure"]
    list_filter = ["notice", ("sent_at", admin.EmptyFieldListFilter)]
    fields = [
        "notice",
        "recipient",
        "language",
        "queued_at",
        "next_try_at",
        "attempts",
        "sent_at",
        "failure",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxMail]:
        """Newest first."""
        return super().get_queryset(request).order_by("-pk")
