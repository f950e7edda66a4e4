"""The groups of staff. The ground names them, because its own pages are not for all of them."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import PermissionDenied

AUDITOR: Final = "Auditor"  # sees everything and exports it; changes nothing
SUPPORT: Final = "Support"  # accounts and their API tokens
PROJECTS: Final = "Projects"  # projects, and names
ADMINISTRATOR: Final = "Administrator"  # everything
EVERYBODY: Final = frozenset({AUDITOR, SUPPORT, PROJECTS, ADMINISTRATOR})
SEE_ORIGINS: Final = EVERYBODY - {PROJECTS}  # from where somebody acted, and their addresses
BLOCK_ORIGINS: Final = frozenset({SUPPORT, ADMINISTRATOR})
EXPORTERS: Final = frozenset({AUDITOR, ADMINISTRATOR})


def groups_of(user: Any) -> frozenset[str]:
    """The staff groups of an account, asked for once; none unless it is active and staff."""
    if not (user.is_active and user.is_staff):
        return frozenset()
    if not hasattr(user, "_staff_groups"):
        named = user.groups.filter(name__in=EVERYBODY).values_list("name", flat=True)
        user._staff_groups = frozenset(named)
    found: frozenset[str] = user._staff_groups
    return found


def is_in(user: Any, groups: frozenset[str]) -> bool:
    """Whether an account is in one of the groups."""
    return bool(groups_of(user) & groups)


class NotTheirs(PermissionDenied):
    """Somebody of the staff tried what their group may not do; the gate of their pages records it.

    Attributes:
        act: what they tried.
    """

    def __init__(self, message: str, act: str) -> None:
        super().__init__(message)
        self.act = act


def require_in(user: Any, groups: frozenset[str], *, act: str, message: str) -> None:
    """Stand before an act on a page of the staff site.

    Raises:
        NotTheirs: with the message, if the account is in none of the groups.
    """
    if not is_in(user, groups):
        raise NotTheirs(message, act)
