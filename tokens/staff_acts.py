"""What staff can do about API tokens: find one by its text, and end it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from accounts.staff import StaffAct
from audit.actors import Actor
from tokens import macaroons
from tokens.models import APIToken
from tokens.operations.leaks import find_token
from tokens.operations.lifecycle import revoke_token


class RevokeToken(StaffAct):
    """End somebody's token."""

    model = APIToken
    title = gettext_lazy("Revoke an API token")
    consequence = gettext_lazy(
        "It is refused from the next request on, wherever it is used, and this cannot be undone. "
        "Its owner gets a mail with the reason."
    )

    def act(self, row: Any, *, reason: str, by: Actor) -> str:
        """Revoke it."""
        revoke_token(row, reason=reason, cause=APIToken.Cause.STAFF, by=by)
        return _("The API token %s is revoked.") % row.name


class FindTokenForm(forms.Form):
    """A token, or what is left of one."""

    text = forms.CharField(
        label=gettext_lazy("API token"),
        max_length=20_000,
        help_text=gettext_lazy("All of it or a part, from “pypi-” on; or its id."),
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )


@sensitive_post_parameters()
def find_pasted_token(request: HttpRequest) -> HttpResponse:
    """Ask for a text, and lead to the token that it is or names."""
    form = FindTokenForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        text = form.cleaned_data["text"].strip()
        if token := find_token(text):
            messages.warning(request, _("The text is this token's, and its signature is right."))
            return _show(token)
        if token := _named(text):
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
