"""What tokens add to pages of lower floors."""

from __future__ import annotations

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.finding import Found
from accounts.models import User
from accounts.panels import SecurityPanel, Survivor
from tokens import macaroons
from tokens.models import APIToken


def describe_tokens(user: User) -> SecurityPanel:
    """How many API tokens can act in this person's name."""
    return SecurityPanel(
        title=_("API tokens"),
        sentence=_count_tokens(user),
        url=reverse("tokens:token-list"),
        action=_("Manage API tokens"),
    )


def _count_tokens(user: User) -> str:
    count = APIToken.objects.usable().of(user).count()
    if not count:
        return _("No API token can act in your name.")
    if user.uploads_suspended_at is not None:
        sentence = ngettext(
            "%d API token could act in your name, were your uploads not suspended.",
            "%d API tokens could act in your name, were your uploads not suspended.",
            count,
        )
    else:
        sentence = ngettext(
            "%d API token can act in your name.", "%d API tokens can act in your name.", count
        )
    return sentence % count


def surviving_tokens(user: User) -> list[Survivor]:
    """The API tokens, which a new password does not end."""
    tokens = APIToken.objects.usable().of(user)
    return [
        Survivor(
            name=token.name,
            detail=_("API token, last used %s") % date_format(token.last_used_at, "Y-m-d")
            if token.last_used_at
            else _("API token, never used"),
            url=reverse("tokens:token-revoke", args=[token.pk]),
        )
        for token in tokens
    ]


def find_holder(text: str) -> Found:
    """Whose API token has that id."""
    identifier = macaroons.as_identifier(text)
    if identifier is None:
        return []
    return APIToken.objects.filter(pk=identifier).values_list("user_id", flat=True)
