"""The memory as staff see it: everything can be looked at, and nothing can be changed."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from audit import vocabulary
from audit.models import ChainHead, Event, EventOrigin, EventSubject
from audit.rendering import sentence

if TYPE_CHECKING:
    AnyAdmin: TypeAlias = admin.ModelAdmin[Any]
    Pages: TypeAlias = Paginator[Event]
else:  # only the stubs know of parameters
    AnyAdmin, Pages = admin.ModelAdmin, Paginator

COUNTED_RESULTS = 10_000


class ReadOnlyAdmin(AnyAdmin):
    """Lists and detail pages for active staff. Acts are pages of their own, with a reason."""

    actions = None  # what the site offers for all models would change several at once
    change_form_template = "admin/audit/read_only.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Active staff may look."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Active staff may look; the staff site itself asks for the second factor."""
        user: Any = request.user
        return bool(user.is_active and user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """There is none: the stock history knows only of changes made in the admin.

        Raises:
            Http404: always.
        """
        raise Http404


class EventPaginator(Pages):
    """Never counts the whole table: its length is the number of the last event.

    Of a search it counts 10,000 results; who finds more needs a narrower one.
    """

    @cached_property
    def count(self) -> int:
        """How many events the pages hold."""
        events: Any = self.object_list
        if not events.query.has_filters():
            return ChainHead.objects.get(pk=1).number
        return int(events.order_by()[:COUNTED_RESULTS].count())


class EventList(ChangeList):
    """A page of events, each with its subjects and its origin, in two more queries."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        self.result_list = attach_surroundings(list(self.result_list))


def attach_surroundings(events: list[Event]) -> list[Event]:
    """Give each event its `about` (list of subjects) and its `origin` (or None if erased)."""
    numbers = [event.number for event in events]
    subjects: dict[int, list[EventSubject]] = defaultdict(list)
    for subject in EventSubject.objects.filter(event_number__in=numbers):
        subjects[subject.event_number].append(subject)
    origins = EventOrigin.objects.in_bulk(numbers)
    for row in events:
        event: Any = row
        event.about, event.origin = subjects[row.number], origins.get(row.number)
    return events


class FamilyFilter(admin.SimpleListFilter):
    """By the first part of the kind's name."""

    title = _("family")
    parameter_name = "family"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All families that are declared."""
        families = sorted({kind.family for kind in vocabulary.kinds()})
        return [(family, family) for family in families]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events of the chosen family."""
        return queryset.filter(kind__startswith=f"{self.value()}:") if self.value() else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The audit log."""

    list_display = (
        "number",
        "recorded_at",
        "what_happened",
        "actor_label",
        "credential_label",
        "about_labels",
        "is_failure",
        "network_address",
    )
    list_display_links = ("number", "what_happened")
    list_filter = (FamilyFilter, "is_failure", "recorded_at")
    sortable_by = ("number",)
    ordering = ("-number",)
    list_per_page = 100
    list_max_show_all = 100
    show_full_result_count = False
    paginator = EventPaginator
    search_fields = ("kind",)  # what is searched says get_search_results
    search_help_text = _(
        "Actor, account, project, kind, credential or network address; several with commas between."
    )
    fieldsets = (
        (None, {"fields": ("number", "recorded_at", "what_happened", "kind", "is_failure")}),
        (_("Who"), {"fields": ("actor_kind", "actor_label", "actor_id")}),
        (_("With what"), {"fields": ("credential", "credential_label", "credential_id")}),
        (_("About"), {"fields": ("about_lines", "details")}),
        (_("From where"), {"fields": ("network_address", "user_agent", "mail_addresses")}),
        (_("Seal"), {"fields": ("origin_digest", "key_id", "seal")}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that reads what surrounds its events at once."""
        return EventList

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Event | None:
        """One event with what surrounds it."""
        event: Event | None = super().get_object(request, *args, **kwargs)
        return attach_surroundings([event])[0] if event is not None else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Events in which each of the terms, with commas between, is found somewhere."""
        for term in filter(None, map(str.strip, search_term.split(","))):
            subjects = EventSubject.objects.filter(label__icontains=term)
            origins = EventOrigin.objects.filter(network_address__startswith=term)
            queryset = queryset.filter(
                Q(actor_label__icontains=term)
                | Q(kind__icontains=term)
                | Q(credential_id=term)
                | Q(credential_label__icontains=term)
                | Q(number__in=subjects.values("event_number"))
                | Q(number__in=origins.values("event_number"))
            )
        return queryset, False

    @admin.display(description=_("what happened"))
    def what_happened(self, event: Any) -> str:
        """The sentence."""
        return sentence(event, event.about)

    @admin.display(description=_("about"))
    def about_labels(self, event: Any) -> str:
        """The names of all subjects."""
        return ", ".join(subject.label for subject in event.about)

    @admin.display(description=_("about"))
    def about_lines(self, event: Any) -> str:
        """All subjects with their ids."""
        return "\n".join(f"{row.kind} {row.label} ({row.subject_id})" for row in event.about)

    @admin.display(description=_("details"))
    def details(self, event: Event) -> str:
        """The fields of the event as they are sealed."""
        return json.dumps(event.fields, indent=2, sort_keys=True, ensure_ascii=False)

    @admin.display(description=_("network address"))
    def network_address(self, event: Any) -> str:
        """From where, unless it was erased."""
        return str(event.origin.network_address) if event.origin else ""

    @admin.display(description=_("user agent"))
    def user_agent(self, event: Any) -> str:
        """With what, unless it was erased."""
        return str(event.origin.user_agent) if event.origin else str(_("erased"))

    @admin.display(description=_("mail addresses"))
    def mail_addresses(self, event: Any) -> str:
        """The mail addresses that the event names, unless they were erased."""
        return ", ".join(event.origin.mail_addresses) if event.origin else str(_("erased"))
