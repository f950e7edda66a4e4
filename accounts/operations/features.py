"""Marking features as beta."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.events import FEATURE_MARKED, FEATURE_UNMARKED
from accounts.features import FEATURES
from accounts.models import BetaFeature
from accounts.permissions import MAY_RULE, require_staff
from audit.actors import Actor
from audit.log import record

_IS_WEB_ADDRESS = URLValidator(schemes=["http", "https"])


@transaction.atomic
def mark_beta(name: str, *, text: str, url: str = "", reason: str, by: Actor) -> BetaFeature:
    """Let the pages of a feature say that it is beta; again with other words replaces them.

    Args:
        name: one of `accounts.features.FEATURES`.
        text: what it says.
        url: where it says more, "" for nowhere.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if there is no such feature, or the link is none.
    """
    require_staff(by, MAY_RULE)
    if name not in FEATURES:
        raise ValidationError(_("There is no such feature."))
    if not text.strip():
        raise ValidationError(_("Say what people have to know."))
    if url:
        _IS_WEB_ADDRESS(url)
    row, _is_new = BetaFeature.objects.select_for_update(no_key=True).update_or_create(
        name=name,
        defaults={
            "text": text,
            "url": url,
            "reason": reason,
            "marked_by": by.label[:150],
            "marked_at": timezone.now(),
        },
    )
    record(FEATURE_MARKED, by=by, feature=name, text=text, url=url, reason=reason)
    return row


@transaction.atomic
def unmark_beta(row: BetaFeature, *, reason: str, by: Actor) -> bool:
    """Let its pages say nothing of it.

    Returns:
        False if they say nothing already.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
    """
    require_staff(by, MAY_RULE)
    if not BetaFeature.objects.filter(pk=row.pk).delete()[0]:
        return False
    record(FEATURE_UNMARKED, by=by, feature=row.name, reason=reason)
    return True
