"""The memory as staff see it: everything can be looked at, and nothing can be changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from audit import checking, exports
from audit.acts import event_acts
from audit.forms import EventFilterForm
from audit.groups import BLOCK_ORIGINS, EVERYBODY, EXPORTERS, SEE_ORIGINS, is_in, require_in
from audit.models import (
    ChainCheck,
    ChainHead,
    Event,
    RefusalEvent,
    SignInEvent,
    TokenCreationEvent,
    TokenRevocationEvent,
)
from audit.rendering import sentence
from audit.search import EventPage, attach_surroundings

if TYPE_CHECKING:
    AnyAdmin: TypeAlias = admin.ModelAdmin[Any]
else:  # only the stubs know of parameters
    AnyAdmin = admin.ModelAdmin


class ReadOnlyAdmin(AnyAdmin):
    """Lists and detail pages for staff. Acts are pages of their own, with a reason.

    Attributes:
        seen_by: the staff groups that may look.
        subject_kind: the kind of the subjects of events that these rows are, "token" for what acts
            in somebody's name, "" for other rows.
        events_of: by which filters the events around a row are found, and the row's attribute that
            each takes.
    """

    seen_by: ClassVar[frozenset[str]] = EVERYBODY
    subject_kind: ClassVar[str] = ""
    events_of: ClassVar[dict[str, str]] = {}
    actions = None  # what the site offers for all models would change several at once
    change_form_template = "admin/audit/read_only.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who may look sees it in the menu."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Staff of the right groups may look; the site itself asks for the second factor."""
        return is_in(request.user, self.seen_by)

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

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """One row, and the way to the events around it."""
        row = kwargs.get("obj")
        if row is not None:
            context["events_url"] = self.events_url(row)
        return super().render_change_form(request, context, *args, **kwargs)

    def events_url(self, row: Any) -> str:
        """Where the events around a row are; "" where it names nothing that they know."""
        values = {name: getattr(row, attribute) for name, attribute in self.events_of.items()}
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{reverse('admin:audit_event_changelist')}?{query}" if query else ""


_GAP = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Link:
    """A name, and the page of what bears it; "" where the reader may not see that page."""

    label: str
    url: str


class EventPages(ReadOnlyAdmin):
    """A list of events with a filter of its own: Django's would count and sort a million rows.

    Attributes:
        fixed: what every event of this page has in common, as `EventSearch` takes it.
    """

    fixed: ClassVar[dict[str, Any]] = {}
    fieldsets = (
        (None, {"fields": ("number", "recorded_at", "what_happened", "kind", "is_failure")}),
        (_("Who"), {"fields": ("actor_kind", "actor_label", "actor_id")}),
        (_("With what"), {"fields": ("credential", "credential_label", "credential_id")}),
        (_("About"), {"fields": ("about_lines", "details")}),
        (_("From where"), {"fields": ("network_address", "user_agent", "mail_addresses")}),
        (_("Seal"), {"fields": ("origin_digest", "key_id", "seal")}),
    )
    change_form_template = "admin/audit/event.html"

    def get_urls(self) -> list[Any]:
        """Offer the export beside the list."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        export = path("export/", self.admin_site.admin_view(self.export_view), name=name)
        return [export, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The newest events that the filter finds, or those before `?before=`.

        Raises:
            PermissionDenied: for staff of other groups.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = EventFilterForm(
            request.GET,
            fixed=self.fixed,
            sees_origins=self._sees_origins(request),
            beside=["before"],
        )
        page = EventPage([], None, is_full=False)
        if form.is_valid():
            page = form.search().page(before=_number(request.GET.get("before", "")))
        used, pages = form.used(), self._pages_of(request)
        older: dict[str, Any] = {**used, "before": page.older}
        context = {
            **self.admin_site.each_context(request),
            "title": str(self.opts.verbose_name_plural).capitalize(),
            "form": form,
            "page": page,
            "lines": [self._line(event, pages) for event in page.events],
            "used": used,
            "query": urlencode(used),
            "older": urlencode(older) if page.older else "",
            "is_newest": "before" not in request.GET,
            "acts": event_acts(request.user) if form.is_valid() and not form.is_empty() else [],
            "act_query": urlencode({**used, **self._as_filter()}),
            "export_url": self._export_url() if self._may_export(request) else "",
            "may_check": self._may_export(request),
            "sees_origins": self._sees_origins(request),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/audit/events.html", context)

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Everything that the filter finds, as a file. Recorded, so it takes a POST.

        Raises:
            NotTheirs: for staff of other groups.
        """
        message = str(_("Your staff group may not export events."))
        require_in(request.user, EXPORTERS, act="export-events", message=message)
        if request.method != "POST":
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        form = EventFilterForm(
            request.POST,
            fixed=self.fixed,
            sees_origins=self._sees_origins(request),
            beside=["csrfmiddlewaretoken", "form"],
        )
        kind = "csv" if request.POST.get("form") == "csv" else "jsonl"
        if not form.is_valid():
            return HttpResponse(str(form.errors.as_text()), status=400, content_type="text/plain")
        search = form.search()
        event = exports.begin_export(
            search,
            form=kind,
            filters={**form.used(), **self._as_filter()},
            by=request.actor,  # type: ignore[attr-defined]
        )
        lines = exports.export_search(search, form=kind, before=event.number)
        types = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
        response = StreamingHttpResponse(lines, content_type=types[kind])
        name = f"events-{timezone.now():%Y%m%dT%H%M%SZ}-{event.number - 1}.{kind}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without "from where" for whom the pages of accounts are closed."""
        if self._sees_origins(request):
            return self.fieldsets
        return [part for part in self.fieldsets if "network_address" not in part[1]["fields"]]

    def _sees_origins(self, request: HttpRequest) -> bool:
        return is_in(request.user, SEE_ORIGINS)

    def _may_export(self, request: HttpRequest) -> bool:
        return is_in(request.user, EXPORTERS)

    def _export_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")

    def _as_filter(self) -> dict[str, str]:
        """What this page is about, in the words of the filter of the page of everything."""
        words = {key: value for key, value in self.fixed.items() if key != "is_failure"}
        return {**words, "outcome": "failed"} if "is_failure" in self.fixed else words

    def _pages_of(self, request: HttpRequest) -> dict[str, str]:
        """The page of each kind of subject that the reader may see, with a gap for the id."""
        return {
            pages.subject_kind: reverse(
                f"admin:{pages.opts.app_label}_{pages.opts.model_name}_change", args=[_GAP]
            )
            for pages in self.admin_site._registry.values()
            if isinstance(pages, ReadOnlyAdmin)
            and pages.subject_kind
            and pages.has_view_permission(request)
        }

    def _line(self, event: Any, pages: dict[str, str]) -> dict[str, Any]:
        """What the list shows of one event."""
        moment = event.recorded_at.astimezone(UTC)
        return {
            "number": str(event.number),
            "is_failure": event.is_failure,
            "at": moment.isoformat(timespec="seconds"),
            "time": f"{moment:%Y-%m-%d %H:%M:%S}",
            "sentence": sentence(event, event.about),
            "actor": _link(pages, event.actor_kind, event.actor_id, event.actor_label),
            "credential": event.credential_label,
            "token_id": _token_of(event),
            "token": _link(pages, "token", _token_of(event), event.credential_label),
            "about": [_link(pages, row.kind, row.subject_id, row.label) for row in event.about],
            "address": event.origin.network_address if event.origin else "",
        }

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """One event, with ways to what is around it."""
        event = kwargs.get("obj")
        if event is not None:
            context["line"] = self._line(event, self._pages_of(request))
            context["sees_origins"] = self._sees_origins(request)
            context["may_block"] = is_in(request.user, BLOCK_ORIGINS)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Event | None:
        """One event with what surrounds it."""
        event: Event | None = super().get_object(request, *args, **kwargs)
        return attach_surroundings([event])[0] if event is not None else None

    @admin.display(description=_("what happened"))
    def what_happened(self, event: Any) -> str:
        """The sentence."""
        return sentence(event, event.about)

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


@admin.register(Event)
class EverythingAdmin(EventPages):
    """The whole memory, and whether it holds."""

    def get_urls(self) -> list[Any]:
        """Offer the page of checks."""
        check = path(
            "check/", self.admin_site.admin_view(self.check_view), name="audit_event_check"
        )
        return [check, *super().get_urls()]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """How far the check of the chain is, and what the last ones found; a POST begins one.

        Raises:
            NotTheirs: for staff of other groups.
        """
        message = str(_("Your staff group may not check the chain."))
        require_in(request.user, EXPORTERS, act="check-chain", message=message)
        if request.method == "POST":
            checking.start_check(by=request.actor)  # type: ignore[attr-defined]
            return redirect("admin:audit_event_check")
        checks = list(ChainCheck.objects.all()[:10])
        going_on = next((check for check in checks if check.finished_at is None), None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Check of the chain"),
            "head": ChainHead.objects.get(pk=1),
            "going_on": going_on,
            "checks": [check for check in checks if check.finished_at],
        }
        response = TemplateResponse(request, "admin/audit/check.html", context)
        if going_on is not None:
            response["Refresh"] = "2"  # seconds; works without JavaScript
        return response


@admin.register(SignInEvent)
class SignInAdmin(EventPages):
    """Sign-ins, those that were refused too."""

    fixed = {"family": "sign-in"}


@admin.register(TokenCreationEvent)
class TokenCreationAdmin(EventPages):
    """New API tokens."""

    fixed = {"kind": "token:token:created"}


@admin.register(TokenRevocationEvent)
class TokenRevocationAdmin(EventPages):
    """Revoked API tokens."""

    fixed = {"kind": "token:token:revoked"}


@admin.register(RefusalEvent)
class RefusalAdmin(EventPages):
    """What was refused or failed."""

    fixed = {"is_failure": True}


def _number(text: str) -> int | None:
    """A number below which a page begins; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _token_of(event: Event) -> str:
    """The id of the API token that acted, or that the event is about; "" if none did."""
    named = event.fields.get("token_id", "")
    return str(named or (event.credential_id if event.credential == "token" else ""))


def _link(pages: dict[str, str], kind: str, pk: str, label: str) -> Link:
    return Link(label, pages[kind].replace(_GAP, quote(pk)) if pk and kind in pages else "")
