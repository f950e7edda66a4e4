"""API tokens as staff see them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.staff import ObjectAdmin
from audit.admin import ReadOnlyAdmin
from audit.groups import is_in
from audit.rendering import history
from tokens.caveats import Caveat, ProjectID, ProjectName, ProjectPatterns
from tokens.descriptions import describe_token
from tokens.models import APIToken, TokenDenial
from tokens.staff_acts import SEEN_BY, RevokeListedTokens, find_pasted_token
from tokens.uses import uses_of

_SHOWN_USES = 20
SOON = timedelta(days=14)
LONG_UNUSED = timedelta(days=90)


def _chosen(value: str | None, choices: dict[str, Q]) -> Q:
    """What a filter leaves, everything if it is not used.

    Raises:
        IncorrectLookupParameters: if it has no such choice: what filters nothing would have all
            that is listed revoked.
    """
    if value is None:
        return Q()
    if value not in choices:
        raise IncorrectLookupParameters(value)
    return choices[value]


class ExpiryFilter(admin.SimpleListFilter):
    """By when tokens end."""

    title = _("expiry")
    parameter_name = "ends"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [("never", _("never")), ("soon", _("within 14 days")), ("over", _("expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the choice."""
        now = timezone.now()
        choices = {
            "never": Q(expires_at=None),
            "soon": Q(expires_at__gt=now, expires_at__lte=now + SOON),
            "over": Q(expires_at__lte=now),
        }
        return queryset.filter(_chosen(self.value(), choices))


class UseFilter(admin.SimpleListFilter):
    """By when tokens were used last."""

    title = _("use")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [("never", _("never used")), ("long-ago", _("not used for 90 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the choice; a token that is new has had no time to be used."""
        before = timezone.now() - LONG_UNUSED
        choices = {
            "never": Q(last_used_at=None),
            "long-ago": Q(last_used_at__lt=before) | Q(last_used_at=None, created_at__lt=before),
        }
        return queryset.filter(_chosen(self.value(), choices))


class ScopeFilter(admin.SimpleListFilter):
    """By what tokens are for, as their caveats say: projects may be deleted meanwhile."""

    title = _("scope")
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [
            ("some", _("named projects")),
            ("patterns", _("name patterns")),
            ("all", _("all projects")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the choice."""
        named = _has_caveat(ProjectName) | _has_caveat(ProjectID)
        patterned = _has_caveat(ProjectPatterns)
        choices = {"some": named, "patterns": patterned, "all": ~named & ~patterned}
        as_text = Cast("caveats", TextField())
        return queryset.alias(caveats_text=as_text).filter(_chosen(self.value(), choices))


def _has_caveat(kind: type[Caveat]) -> Q:
    """Tokens with such a caveat: each is a text that begins with its tag, in a list of texts."""
    return Q(caveats_text__contains=f'"[{kind.tag},')


@admin.register(APIToken)
class APITokenAdmin(ObjectAdmin):
    """What uploads in whose name. The root key is shown to nobody."""

    subject_kind = "token"
    events_of = {"used_key": "pk"}
    seen_by = SEEN_BY
    change_list_template = "admin/tokens/list.html"
    list_display = ["name", "user", "created_at", "expires_at", "last_used_at", "revoked_at"]
    list_filter = [
        ("revoked_at", admin.EmptyFieldListFilter),
        ExpiryFilter,
        UseFilter,
        ScopeFilter,
        "revoked_cause",
        "format",
    ]
    show_full_result_count = False
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
    ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the pages show: filters in addresses could otherwise spell out the key."""
        own = {"ends", "used", "scope"}
        is_shown = lookup.split("__")[0] in own.union(self.fields)
        return is_shown and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, with a way to end all that it shows for whom may do so."""
        context = {
            "may_revoke": is_in(request.user, RevokeListedTokens.groups),
            "list_query": request.GET.urlencode(),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def get_urls(self) -> list[Any]:
        """Offer the look-up, and the act on all that is listed, beside the list."""
        find = self.admin_site.admin_view(find_pasted_token)
        return [
            path("find/", find, name="find-token"),
            path(
                "revoke-listed/",
                RevokeListedTokens.as_view(),
                name="revoke-listed-tokens",
            ),
            *super().get_urls(),
        ]

    @admin.display(description=_("allows"))
    def allows(self, token: APIToken) -> str:
        """What it may do, in a sentence."""
        return describe_token(token)

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

    events_of = {"used_key": "token_id", "project": "project_id"}
    seen_by = SEEN_BY

    list_display = ["token", "project", "denied_by", "denied_at"]
    list_select_related = ["token", "project"]
