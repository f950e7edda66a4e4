"""Putting the move to API tokens at a stage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from uploads.models import Audience, Enforcement, Stage


def stand_at(stage: Stage, audience: str = Audience.EVERYBODY, **changes: Any) -> Enforcement:
    """Let a stage hold since a minute ago; the stages before it began a day before each other."""
    now = timezone.now() - timedelta(minutes=1)
    place = list(Stage).index(stage)
    begins = [now - timedelta(days=place - number) for number in range(1, place + 1)]
    begins += [None] * (3 - len(begins))  # type: ignore[list-item]
    times = dict(zip(("announce_from", "warn_from", "enforce_from"), begins, strict=True))
    row: Enforcement
    row, _is_new = Enforcement.objects.update_or_create(
        pk=1, defaults={"audience": audience, "brown_outs": [], "notice": ""} | times | changes
    )
    return row
