"""The move to API tokens, as administrators see it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import path
from django.utils.translation import gettext_lazy as _

from accounts.permissions import MAY_RULE
from accounts.staff import ObjectAdmin
from uploads.models import Enforcement
from uploads.policy import refusal_of
from uploads.staff_acts import PasswordUploads


@admin.register(Enforcement)
class EnforcementAdmin(ObjectAdmin):
    """The one row, with its timetable and what it means."""

    seen_by = MAY_RULE
    list_display = ["__str__", "audience", "stage_now", "enforce_from"]
    fields = [
        "audience",
        "stage_now",
        "announce_from",
        "warn_from",
        "enforce_from",
        "trials",
        "refusal",
        "changed_by",
        "changed_at",
    ]

    def get_urls(self) -> list[Any]:
        """Offer the page of password uploads."""
        uploads = path("password-uploads/", PasswordUploads.as_view(), name="password-uploads")
        return [uploads, *super().get_urls()]

    @admin.display(description=_("stage now"))
    def stage_now(self, row: Enforcement) -> str:
        """Which stage holds."""
        return str(row.stage.label)

    @admin.display(description=_("brown-outs (UTC)"))
    def trials(self, row: Enforcement) -> str:
        """When passwords are refused on trial."""
        lines = [f"{begin:%Y-%m-%d %H:%M} - {end:%Y-%m-%d %H:%M}" for begin, end in row.windows()]
        return "\n".join(lines) or "-"

    @admin.display(description=_("what refused uploaders read"))
    def refusal(self, row: Enforcement) -> str:
        """The line as tools print it."""
        return refusal_of(row)
