"""The features that staff can mark as beta, and the pages that then say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from accounts.models import BetaFeature


@dataclass(frozen=True)
class Feature:
    """Something that staff can mark as beta.

    Attributes:
        title: what pages call it.
        pages: the URL names of the pages that it is used or explained on.
    """

    title: Any
    pages: frozenset[str]


# docs/settings.md lists them, too
FEATURES: Final = {
    "passkeys": Feature(_("Passkeys"), frozenset({"accounts:add-passkey"})),
    "security-keys": Feature(_("Security keys"), frozenset({"accounts:add-key"})),
    "token-patterns": Feature(
        _("API tokens for name patterns"), frozenset({"tokens:token-create"})
    ),
    "yank-api": Feature(
        _("Yanking with an API token"),
        frozenset({"tokens:token-create", "projects:release-yank", "projects:release-unyank"}),
    ),
    "invitations": Feature(
        _("Inviting one person to many projects"), frozenset({"projects:invite-to-many"})
    ),
    "transfers": Feature(_("Transferring projects"), frozenset({"projects:project-transfer"})),
    "archiving": Feature(_("Archiving projects"), frozenset({"projects:project-archive"})),
    "reports": Feature(_("Reporting projects"), frozenset({"projects:project-report"})),
    "search": Feature(_("Search"), frozenset({"projects:search"})),
}
_OF_PAGE: Final = {
    page: [name for name, feature in FEATURES.items() if page in feature.pages]
    for page in {page for feature in FEATURES.values() for page in feature.pages}
}


@dataclass(frozen=True)
class Mark:
    """What a page says of a feature that is beta."""

    title: str
    text: str
    url: str


def marks_of_page(view_name: str) -> list[Mark]:
    """What a page says; one query for pages of a feature, and none for others."""
    names = _OF_PAGE.get(view_name, [])
    if not names:
        return []
    rows = BetaFeature.objects.filter(name__in=names)
    return [Mark(str(FEATURES[row.name].title), row.text, row.url) for row in rows]
