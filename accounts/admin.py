"""Accounts as staff see them. Nothing is changed here: every act is a page of its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from accounts import (  # noqa: F401  (the acts put themselves on the pages)
    features,
    notices,
    staff_acts,
    staff_addresses,
    staff_announcements,
    staff_campaigns,
    staff_domains,
    staff_features,
    staff_names,
    staff_recovery,
    staff_sessions,
    switches,
    topics,
)
from accounts.finding import find_accounts
from accounts.limits import current_count
from accounts.models import (
    AccountLink,
    AuthenticatorApp,
    BetaFeature,
    BlockedRange,
    EmailAddress,
    MailChoice,
    OutboxMail,
    ProhibitedDomain,
    RateCount,
    RecoveryCase,
    ReservedName,
    SecurityKey,
    SwitchState,
    User,
)
from accounts.models.counts import find_users
from accounts.staff import Cell, ObjectAdmin, StaffPanel, add_staff_panel
from accounts.staff_invitations import MakeInvitation
from audit.admin import ReadOnlyAdmin
from audit.groups import ADMINISTRATOR, AUDITOR, EVERYBODY, SEE_ORIGINS, SUPPORT, is_in
from audit.models import Event
from audit.rendering import history

SEEN_BY = frozenset({AUDITOR, SUPPORT, ADMINISTRATOR})
LAST_EVENTS = 20


class ShownInline(admin.TabularInline):  # type: ignore[type-arg]  # in the stubs alone
    """What an account has, to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the account."""
        return is_in(request.user, SEEN_BY)


class AddressInline(ShownInline):
    """An account's addresses, each with the way to its page: there, staff verify it."""

    model = EmailAddress
    show_change_link = True
    fields = readonly_fields = ("address", "is_primary", "verified_at", "added_at")


class AppInline(ShownInline):
    """An account's authenticator apps."""

    model = AuthenticatorApp
    fields = readonly_fields = ("name", "confirmed", "created_at", "last_used_at")


class KeyInline(ShownInline):
    """An account's security keys and passkeys."""

    model = SecurityKey
    fields = readonly_fields = ("name", "is_passkey", "created_at", "last_used_at")


class AccountList(ChangeList):
    """The list of accounts, with one look at each kind of second factor for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        """One page of rows."""
        super().get_results(request)
        User.objects.load_second_factors(list(self.result_list))


@admin.register(User)
class UserAdmin(ObjectAdmin):
    """People: everything that the site knows of one, on one page."""

    events_of = {"account": "pk"}
    seen_by = SEEN_BY
    subject_kind = "user"
    list_display = ["username", "state", "staff_groups", "factors", "joined_at", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["username_key", "name", "email_addresses__address_key"]
    search_help_text = _(
        "User name, name, mail address, or id; the id of an API token; a network address; "
        "the whole name of a project."
    )
    show_full_result_count = False
    list_per_page = 50
    fields = [
        "id",
        "username",
        "name",
        "state",
        "staff_groups",
        "factors",
        "recovery",
        "joined_at",
        "last_login",
        "uploads_suspended_at",
    ]
    inlines = [AddressInline, AppInline, KeyInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With the staff groups, which the list shows."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that looks factors up once."""
        return AccountList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By parts of names and addresses; or by something else, as a whole, that leads to it."""
        ids = find_accounts(search_term, sees_origins=is_in(request.user, SEE_ORIGINS))
        try:
            return queryset.filter(pk__in={UUID(search_term.strip()), *ids}), False
        except ValueError:
            pass
        found, has_repeats = super().get_search_results(request, queryset, search_term.lower())
        if not ids:
            return found, has_repeats
        named = found.order_by().values("pk")
        return queryset.filter(Q(pk__in=named) | Q(pk__in=ids)), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the pages show: filters in addresses could otherwise spell out the hash."""
        is_shown = lookup.split("__")[0] in {*self.fields, *self.list_filter}
        return is_shown and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description=_("state"))
    def state(self, user: User) -> str:
        """Whether the account is frozen."""
        return str(_("active") if user.is_active else _("frozen"))

    @admin.display(description=_("staff groups"))
    def staff_groups(self, user: User) -> str:
        """What the account may do as staff."""
        return ", ".join(sorted(group.name for group in user.groups.all())) or "-"

    @admin.display(description=_("second factors"))
    def factors(self, user: User) -> str:
        """The factors that count."""
        return ", ".join(str(factor) for factor in user.second_factors) or str(_("none"))

    @admin.display(description=_("recovery codes"))
    def recovery(self, user: User) -> str:
        """How many are left."""
        return str(user.recovery_codes.unused if user.recovery_codes else 0)


@admin.register(EmailAddress)
class EmailAddressAdmin(ObjectAdmin):
    """Mail addresses, and the way to verify one by hand."""

    events_of = {"account": "user_id"}
    seen_by = SEEN_BY
    list_display = ["address", "user", "is_primary", "verified_at"]
    list_filter = [("verified_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["address_key", "user__username_key"]
    show_full_result_count = False


class NoticeFilter(admin.SimpleListFilter):
    """By notice. The choices are those that the code knows: Django would read the whole outbox."""

    title = _("notice")
    parameter_name = "notice"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [(kind, kind) for kind in notices.kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the choice, of one that only a former version knew, too."""
        return queryset.filter(notice=self.value()) if self.value() else queryset


@admin.register(OutboxMail)
class OutboxMailAdmin(ReadOnlyAdmin):
    """Mail that is to be sent, or failed."""

    seen_by = SEEN_BY

    list_display = ["notice", "recipient", "queued_at", "sent_at", "attempts", "failure"]
    list_filter = [NoticeFilter, ("sent_at", admin.EmptyFieldListFilter)]
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


class LimitList(ChangeList):
    """The list of limits, with one look for all accounts that it names."""

    def get_results(self, request: HttpRequest) -> None:
        """One page of rows."""
        super().get_results(request)
        find_users(list(self.result_list))


@admin.register(RateCount)
class RateCountAdmin(ObjectAdmin):
    """What was tried lately and failed, and the way to let somebody try again."""

    seen_by = SEEN_BY
    list_display = ["limit", "of", "state", "ends_at"]
    list_filter = ["limit"]
    fields = ["limit", "of", "state", "ends_at"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that looks for accounts once."""
        return LimitList

    @admin.display(description=_("whose"))
    def of(self, row: RateCount) -> str:
        """An account, perhaps on one device, or a network address."""
        return row.whose

    @admin.display(description=_("attempts"))
    def state(self, row: RateCount) -> str:
        """How much of the limit is used up."""
        used = current_count(row)
        text = _("%(used)d of %(times)d in %(per)d seconds")
        shown = str(text % {"used": used, "times": row.times, "per": row.per})
        return f"{shown}: {_('reached')}" if used >= row.times else shown


def mail_choices(user: User) -> StaffPanel:
    """Which mail somebody gets, beside that about security: what was chosen, and when."""
    chosen = {row.topic: row for row in MailChoice.objects.filter(user=user)}
    rows = [(topic, chosen.get(topic.name)) for topic in topics.all_topics()]
    return StaffPanel(
        title=str(_("Mail choices")),
        columns=[str(_("mail")), str(_("choice")), str(_("chosen"))],
        rows=[
            [
                Cell(topic.title),
                Cell(topic.name_of(row.choice if row else topic.default)),
                Cell(f"{row.chosen_at:%Y-%m-%d %H:%M} UTC" if row else _("by default")),
            ]
            for topic, row in rows
        ],
    )


def last_events(user: User) -> StaffPanel:
    """The newest events about an account."""
    lines = history(Event.objects.for_user(user)[:LAST_EVENTS], is_staff=True)
    address = reverse("admin:audit_event_changelist")
    return StaffPanel(
        title=str(_("Last events")),
        columns=[str(_("time (UTC)")), str(_("what happened")), str(_("network address"))],
        rows=[
            [
                Cell(f"{line.recorded_at:%Y-%m-%d %H:%M:%S}"),
                Cell(line.sentence, reverse("admin:audit_event_change", args=[line.event.number])),
                Cell(line.network_address or "-"),
            ]
            for line in lines
        ],
        url=f"{address}?account={user.pk}",
    )


add_staff_panel(User, mail_choices, seen_by=SEEN_BY)
add_staff_panel(User, last_events, seen_by=EVERYBODY)


@admin.register(AccountLink)
class AccountLinkAdmin(ObjectAdmin):
    """Invitations and set-up links; the links themselves are not known any more."""

    change_list_template = "admin/accounts/accountlink/change_list.html"
    list_display = [
        "__str__",
        "makes_administrator",
        "created_by",
        "created_at",
        "expires_at",
        "spent_at",
        "spent_by",
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

    def get_urls(self) -> list[Any]:
        """Offer the page that makes one."""
        make = path("make/", MakeInvitation.as_view(), name="make-invitation")
        return [make, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, with the way to make one for whom may do so."""
        may = is_in(request.user, MakeInvitation.groups)
        return super().changelist_view(request, {"may_invite": may, **(extra_context or {})})


@admin.register(RecoveryCase)
class RecoveryCaseAdmin(ObjectAdmin):
    """The queue of recovery cases: what is open first, the oldest on top."""

    events_of = {"account": "user_id"}
    seen_by = SEEN_BY
    list_display = ["user", "state", "age", "opened_at", "opened_by", "due_at"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), "outcome"]
    list_select_related = ["user"]
    search_fields = ["user__username_key", "opened_by"]
    ordering = [F("ended_at").desc(nulls_first=True), "opened_at", "pk"]
    show_full_result_count = False
    fields = [
        "user",
        "state",
        "evidence",
        "reason",
        "opened_by",
        "opened_at",
        "age",
        "due_at",
        "ended_at",
        "ended_by",
        "ended_because",
    ]

    @admin.display(description=_("state"))
    def state(self, case: RecoveryCase) -> str:
        """Whether it waits, can be completed, or how it ended."""
        if not case.is_open:
            return str(case.get_outcome_display())
        return str(_("can be completed") if case.is_due else _("waiting"))

    @admin.display(description=_("age"))
    def age(self, case: RecoveryCase) -> str:
        """How long it has been, or was, open."""
        return timesince(case.opened_at, case.ended_at)


def last_events_of_owner(case: RecoveryCase) -> StaffPanel:
    """The newest events about the account of a case: who looks at it sees what happened there."""
    return last_events(case.user)


add_staff_panel(RecoveryCase, last_events_of_owner, seen_by=SEEN_BY)


@admin.register(SwitchState)
class SwitchStateAdmin(ObjectAdmin):
    """Everything that can be switched while the site runs."""

    list_display = ["title", "stands", "ends_at", "changed_by", "changed_at", "reason"]
    list_display_links = ["title"]
    fields = ["title", "stands", "banner", "ends_at", "changed_by", "changed_at", "reason"]

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
        is_free = switch.follows_environment and switch.state() is None
        return str(_("%s (as the environment says)") % now) if is_free else now


@admin.register(ReservedName)
class ReservedNameAdmin(ObjectAdmin):
    """User names that nobody can have any more, and the way to prohibit others."""

    list_display = ["key", "why", "reason", "reserved_by", "reserved_at"]
    fields = ["key", "why", "reason", "reserved_by", "reserved_at"]
    list_filter = ["why"]
    search_fields = ["key"]


@admin.register(ProhibitedDomain)
class ProhibitedDomainAdmin(ObjectAdmin):
    """Mail domains at which no new addresses are accepted."""

    seen_by = SEEN_BY
    list_display = ["domain", "prohibited_by", "prohibited_at", "reason"]
    search_fields = ["domain"]
    fields = ["domain", "prohibited_by", "prohibited_at", "reason"]


@admin.register(BetaFeature)
class BetaFeatureAdmin(ObjectAdmin):
    """Features whose pages say that they are beta, and the way to mark others."""

    list_display = ["__str__", "text", "url", "marked_by", "marked_at", "reason"]
    fields = ["text", "url", "marked_by", "marked_at", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BetaFeature]:
        """Those of this version; another one may have left others behind."""
        return super().get_queryset(request).filter(name__in=features.FEATURES)


@admin.register(BlockedRange)
class BlockedRangeAdmin(ObjectAdmin):
    """Network addresses from which nothing is taken, and the way to block others."""

    seen_by = SEEN_BY
    list_display = ["network", "ends_at", "blocked_by", "blocked_at", "reason"]
    search_fields = ["network"]
    fields = ["network", "ends_at", "blocked_by", "blocked_at", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockedRange]:
        """Those that hold: what has ended is forgotten a minute later."""
        return super().get_queryset(request).filter(pk__in=BlockedRange.objects.in_force())
