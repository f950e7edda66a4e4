"""Accounts as staff see them. Nothing is changed here: every act is a page of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts import switches
from accounts.models import (
    AccountLink,
    AuthenticatorApp,
    EmailAddress,
    OutboxMail,
    ReservedName,
    SwitchState,
    User,
)
from accounts.staff_acts import VerifyAddress
from accounts.staff_invitations import CancelLink, MakeInvitation, TurnSwitch
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
    inlines = [AddressInline, AppInline]

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


@admin.register(AccountLink)
class AccountLinkAdmin(ReadOnlyAdmin):
    """Invitations and set-up links; the links themselves are not known any more."""

    list_display = [
        "__str__",
        "makes_administrator",
        "created_by",
        "created_at",
        "expires_at",
        "spent_at",
        "spent_by",
        "cancel",
    ]
    list_filter = ["makes_administrator", ("spent_at", admin.EmptyFieldListFilter)]
    search_fields = ["note", "spent_by", "created_by"]
    fields = [
        "note",
        "makes_administrator",
        "created_by",
        "created_at",
        "expires_at",
        "spent_at",
        "spent_by",
    ]

    @admin.display(description=_("act"))
    def cancel(self, link: AccountLink) -> str:
        """The page that ends it, while it is open."""
        if not link.is_open(timezone.now()):
            return ""
        url = reverse("admin:cancel-link", args=[link.pk])
        return format_html('<a href="{}">{}</a>', url, _("End it"))

    def get_urls(self) -> list[Any]:
        """Offer the acts' pages."""
        acts = [
            path("make/", MakeInvitation.as_view(), name="make-invitation"),
            path("<int:pk>/cancel/", CancelLink.as_view(), name="cancel-link"),
        ]
        return [*acts, *super().get_urls()]


@admin.register(SwitchState)
class SwitchStateAdmin(ReadOnlyAdmin):
    """Everything that can be switched while the site runs."""

    list_display = ["title", "stands", "changed_by", "changed_at", "reason", "turn"]
    list_display_links = ["title"]
    fields = ["title", "stands", "changed_by", "changed_at", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SwitchState]:
        """Those of this version; a newer one may have left others behind."""
        return super().get_queryset(request).filter(name__in=switches.names())

    @admin.display(description=_("switch"))
    def title(self, state: SwitchState) -> str:
        """What it switches."""
        return str(switches.find(state.name).title)

    @admin.display(description=_("stands"))
    def stands(self, state: SwitchState) -> str:
        """How it stands now."""
        switch = switches.find(state.name)
        now = str(switch.positions[switch.value()])
        return now if state.value else str(_("%s (as the environment says)") % now)

    @admin.display(description=_("act"))
    def turn(self, state: SwitchState) -> str:
        """The page that turns it."""
        url = reverse("admin:turn-switch", args=[state.pk])
        return format_html('<a href="{}">{}</a>', url, _("Turn"))

    def get_urls(self) -> list[Any]:
        """Offer the act's page."""
        act = path("<int:pk>/turn/", TurnSwitch.as_view(), name="turn-switch")
        return [act, *super().get_urls()]


@admin.register(ReservedName)
class ReservedNameAdmin(ReadOnlyAdmin):
    """User names that nobody can have any more."""

    list_display = ["key", "why", "reserved_at"]
    list_filter = ["why"]
    search_fields = ["key"]
