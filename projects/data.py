"""What a person takes along of projects: roles, invitations and reports."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q

from accounts.models import User
from projects.models import Invitation, Report, Role

Rows = list[Any]  # mappings of plain data


def gather_roles(user: User) -> Rows:
    """In which projects, which, and since when."""
    roles = Role.objects.filter(user=user).order_by("created_at")
    return list(roles.values("kind", "created_at", project_name=F("project__name")))


def gather_invitations(user: User) -> Rows:
    """Those that this person got, and those that they sent."""
    people = Q(user=user) | Q(invited_by=user)
    shown = ("kind", "is_transfer", "created_at", "expires_at", "answered_at")
    names = {
        "project_name": F("project__name"),
        "invited": F("user__username"),
        "inviting": F("invited_by__username"),
    }
    return list(Invitation.objects.filter(people).order_by("created_at").values(*shown, **names))


def gather_reports(user: User) -> Rows:
    """What this person told the staff about projects, and what came of it."""
    shown = ("project_name", "kind", "text", "made_at", "answered_at", "outcome", "answer")
    return list(Report.objects.filter(reporter=user).values(*shown))
