"""What a project's name leads to, for who looks for accounts."""

from __future__ import annotations

from accounts.finding import Found
from projects.models import Role
from projects.names import normalize


def find_people(name: str) -> Found:
    """Who has a role in the project of that name, however it is spelt."""
    roles = Role.objects.filter(project__normalized_name=normalize(name))
    return roles.order_by("pk").values_list("user_id", flat=True)
