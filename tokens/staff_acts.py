"""What staff can do about API tokens: find one by its text, and end it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from accounts.staff import Cell, StaffAct, StaffPanel, add_staff_panel, offered_on
from accounts.staff_bulk import ROWS_ACTED_ON, BulkAct, offered_on_events
from audit.actors import Actor
from audit.groups import require_in
from audit.models import Event
from tokens import macaroons
from tokens.models import APIToken
from tokens.operations.leaks import MAY_SEE, find_token, note_lookup
from tokens.operations.revoking import MAY_REVOKE, revoke_tokens

SEEN_BY = MAY_SEE
_MAX_TRIED = 20
_LEAKED = (
    gettext_lazy("The token was published by mistake."),
    gettext_lazy("The token was used by somebody else."),
    gettext_lazy("The owner asked for it."),
)


@offered_on(APIToken)
class RevokeToken(StaffAct):
    """End somebody's token."""

    slug = "revoke"
    groups = MAY_REVOKE
    title = gettext_lazy("Revoke API token")
    reasons = _LEAKED

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Unless it is revoked."""
        return row.revoked_at is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _(
                "The token %(name)s of %(owner)s is refused from the next request on, wherever it "
                "is used. This cannot be undone."
            )
            % {"name": row.name, "owner": row.user.username},
            _("What it uploaded stays."),
            _("Its owner is told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Revoke it."""
        revoke_tokens([row], reason=reason, by=by)
        return _("The API token %s is revoked.") % row.name


@offered_on(User)
class RevokeTokensOfAccount(StaffAct):
    """End all tokens of somebody."""

    slug = "revoke-tokens"
    groups = MAY_REVOKE
    title = gettext_lazy("Revoke all API tokens")
    reasons = _LEAKED

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If there are any."""
        return APIToken.objects.active().of(row).exists()

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = APIToken.objects.active().of(row).count()
        return [
            ngettext(
                "%(count)d API token of %(name)s is refused from the next request on.",
                "%(count)d API tokens of %(name)s are refused from the next request on.",
                count,
            )
            % {"count": count, "name": row.username},
            _("This cannot be undone. What they uploaded stays."),
            _("The person is told by mail of each of them, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Revoke them."""
        count = revoke_tokens(list(APIToken.objects.active().of(row)), reason=reason, by=by)
        return ngettext("%d API token was revoked.", "%d API tokens were revoked.", count) % count


@offered_on_events
class RevokeTokensOfEvents(BulkAct):
    """End the tokens that the events of a list name."""

    slug = "revoke-tokens"
    groups = MAY_REVOKE
    title = gettext_lazy("Revoke the API tokens concerned")
    reasons = _LEAKED
    nothing_found = gettext_lazy("No event of these names an API token that is still active.")

    def rows(self, events: Sequence[Event]) -> list[Any]:
        """Tokens that acted, or that the events are about, and were not revoked."""
        ids = {event.token_id for event in events if event.token_id}
        known = [pk for pk in map(macaroons.as_identifier, ids) if pk is not None]
        return list(APIToken.objects.active().filter(pk__in=known).order_by("name", "pk"))

    def consequences(self, count: int) -> list[str]:
        """What will happen."""
        return [
            ngettext(
                "%d API token is refused from the next request on.",
                "%d API tokens are refused from the next request on.",
                count,
            )
            % count,
            _("This cannot be undone. What they uploaded stays."),
            _("Their owners are told by mail, with the reason."),
        ]

    def act(self, rows: Sequence[Any], *, reason: str, by: Actor) -> str:
        """Revoke them."""
        count = revoke_tokens(rows, reason=reason, by=by)
        return ngettext("%d API token was revoked.", "%d API tokens were revoked.", count) % count


class RevokeListedTokens(RevokeTokensOfEvents):
    """End the tokens that the list of tokens shows, by its own filter and search."""

    slug = "revoke-listed-tokens"
    title = gettext_lazy("Revoke the API tokens listed")
    nothing_found = gettext_lazy("The list shows no API token that is still active.")
    list_name = gettext_lazy("API tokens")

    def _found(self, request: HttpRequest) -> list[Any]:
        repeated = [name for name, values in request.GET.lists() if len(values) > 1]
        if repeated:  # of two values the list takes the last one
            raise _wrong_filter(repeated)
        try:
            found = admin.site.get_model_admin(APIToken).get_changelist_instance(request)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup) as error:
            raise _wrong_filter(request.GET) from error
        if not (found.get_filters_params() or found.query):
            raise ValidationError(_("Without a filter this would reach all. Filter the list."))
        active = found.queryset.filter(revoked_at=None).order_by("name", "pk")
        return self._acted_on(list(active.select_related("user")[: ROWS_ACTED_ON + 1]))

    def _list_url(self, request: HttpRequest) -> str:
        return f"{reverse('admin:tokens_apitoken_changelist')}?{request.GET.urlencode()}"


def _wrong_filter(names: Iterable[str]) -> ValidationError:
    quoted = ", ".join(f"“{name}”" for name in sorted(names)[:5])
    return ValidationError(_("The filter is not right, so nothing is listed: %s.") % quoted)


class FindTokenForm(forms.Form):
    """A token, or what is left of one."""

    text = forms.CharField(
        label=gettext_lazy("API token"),
        max_length=macaroons.MAX_PASTED,
        help_text=gettext_lazy("All of it or a part, from “pypi-” on; or its id."),
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )


@sensitive_post_parameters()
def find_pasted_token(request: HttpRequest) -> HttpResponse:
    """Ask for a text, and lead to the token that it is or names.

    What was found is recorded: whoever pastes a whole token had it in hand.

    Raises:
        NotTheirs: for staff of other groups.
    """
    message = _("Your staff group may not see API tokens.")
    require_in(request.user, SEEN_BY, act="find-token", message=message)
    form = FindTokenForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        text = form.cleaned_data["text"].strip()
        by = request.actor  # type: ignore[attr-defined]
        texts = macaroons.find_pasted(text, _MAX_TRIED)
        if token := next(filter(None, map(find_token, texts)), None):
            note_lookup(token, is_whole=True, by=by)
            messages.warning(
                request, _("The text holds all of this token: its signature is right.")
            )
            return _show(token)
        if token := next(filter(None, map(_named, [text, *texts])), None):
            note_lookup(token, is_whole=False, by=by)
            messages.info(request, _("The text names this token. It proves nothing more."))
            return _show(token)
        form.add_error("text", _("This names no API token of this site."))
    context = {**admin.site.each_context(request), "title": _("Find an API token"), "form": form}
    return render(request, "admin/tokens/find.html", context)


def _named(text: str) -> APIToken | None:
    identifier = macaroons.find_identifier(text) or macaroons.as_identifier(text)
    return APIToken.objects.filter(pk=identifier).first() if identifier is not None else None


def _show(token: APIToken) -> HttpResponse:
    return redirect("admin:tokens_apitoken_change", token.pk)


def tokens_of(user: User) -> StaffPanel:
    """The tokens of an account, the newest first."""
    address = reverse("admin:tokens_apitoken_changelist")
    return StaffPanel(
        title=_("API tokens"),
        columns=[_("name"), _("made"), _("last used"), _("expires"), _("state")],
        rows=[
            [
                Cell(token.name, reverse("admin:tokens_apitoken_change", args=[token.pk])),
                Cell(f"{token.created_at:%Y-%m-%d}"),
                Cell(_day(token.last_used_at)),
                Cell(_day(token.expires_at)),
                Cell(_("active") if token.revoked_at is None else _("revoked")),
            ]
            for token in APIToken.objects.of(user)[:50]
        ],
        url=f"{address}?q={user.username_key}",
    )


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


add_staff_panel(User, tokens_of, seen_by=SEEN_BY)
