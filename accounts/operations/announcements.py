"""What staff tell many people, in their own words."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audiences, notices, topics
from accounts.events import ANNOUNCEMENT_REWRITTEN, ANNOUNCEMENT_TESTED, ANNOUNCEMENT_WRITTEN
from accounts.models import Announcement, Campaign, User
from accounts.operations.campaigns import start_campaign
from accounts.permissions import MAY_RULE, require_staff
from audit.actors import Actor, system
from audit.log import record

NOTICE: Final = "announcement"
MAX_TITLE: Final = 150  # characters
MAX_TEXT: Final = 10_000


@notices.adds_facts(NOTICE)
def _read_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Its words stand in one row, and not in each of many mails."""
    announcement = Announcement.objects.get(pk=facts["announcement_id"])
    return {
        "title": announcement.title,
        "text": announcement.text,
        "by": _("the staff of this site"),
    }


def require_sense(title: str, text: str, audience: str) -> None:
    """Check what is to be announced to whom.

    Raises:
        ValidationError: with what is wrong.
    """
    if len(title.splitlines()) != 1 or len(title) > MAX_TITLE or _has_controls(title):
        raise ValidationError(_("The subject is one line of at most %d characters.") % MAX_TITLE)
    if not text.strip() or len(text) > MAX_TEXT or _has_controls(text):
        raise ValidationError(
            _("The text is plain, and has at most %d characters, none of them for control.")
            % MAX_TEXT
        )
    if audience not in {offered.name for offered in audiences.for_announcements()}:
        raise ValidationError(_("There is no such audience."))


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in text)


@transaction.atomic
def write_announcement(
    title: str, text: str, audience: str, *, reason: str, by: Actor
) -> Announcement:
    """Keep a draft; nobody is written to.

    Args:
        text: plain: what looks like HTML, or like a template, is shown as it stands.
        audience: the name of one of `audiences.for_announcements`.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it makes no sense.
    """
    require_staff(by, MAY_RULE)
    text = _with_plain_lines(text)
    require_sense(title, text, audience)
    row = Announcement.objects.create(
        title=title, text=text, audience=audience, written_by=by.label
    )
    record(
        ANNOUNCEMENT_WRITTEN,
        by=by,
        title=title,
        audience=audience,
        digest=row.digest,
        reason=reason,
    )
    return row


@transaction.atomic
def rewrite_announcement(
    announcement: Announcement,
    title: str,
    text: str,
    audience: str,
    *,
    version: int,
    reason: str,
    by: Actor,
) -> None:
    """Put other words in the place of a draft's.

    Args:
        version: that of the draft which whoever writes has seen.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it makes no sense, was sent, or somebody else was quicker.
    """
    require_staff(by, MAY_RULE)
    text = _with_plain_lines(text)
    require_sense(title, text, audience)
    _change_draft(
        announcement,
        version,
        title=title,
        text=text,
        audience=audience,
        version=version + 1,
        written_by=by.label,
        written_at=timezone.now(),
    )
    record(
        ANNOUNCEMENT_REWRITTEN,
        by=by,
        title=title,
        audience=audience,
        digest=announcement.digest,
        reason=reason,
    )


@transaction.atomic
def send_test(announcement: Announcement, *, reason: str, by: Actor) -> str:
    """Send an announcement to whoever acts, alone, exactly as others would get it.

    Returns:
        The mail address.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if they have no verified mail address.
    """
    require_staff(by, MAY_RULE)
    user = User.objects.get(pk=by.id)
    address = user.primary_email
    if address is None or not user.has_verified_email:
        raise ValidationError(_("You have no verified mail address."), code="address")
    notices.send_to_address(
        NOTICE, address, by=system(), announcement_id=announcement.pk, is_asked_for=True
    )
    record(
        ANNOUNCEMENT_TESTED,
        by=by,
        about=[user],
        title=announcement.title,
        digest=announcement.digest,
        reason=reason,
    )
    return address.address


@transaction.atomic
def send_announcement(
    announcement: Announcement, *, version: int, people: int, reason: str, by: Actor
) -> Campaign:
    """Begin to send a draft to its audience; its words stay as they are from then on.

    Args:
        version: that of the draft which whoever sends has seen.
        people: how many get it, as whoever sends believes.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it was sent or rewritten in between; if others get it than expected; if
            another one is on its way.
    """
    require_staff(by, MAY_RULE)
    count = find_recipients(announcement.audience)
    if people != count:
        raise ValidationError(
            _("%(count)d people get it now, and not %(people)d.")
            % {"count": count, "people": people},
            code="people",
        )
    _change_draft(announcement, version, sent_at=timezone.now())
    return start_campaign(
        NOTICE,
        announcement.audience,
        facts={"announcement_id": announcement.pk},
        announcement=announcement,
        reason=reason,
        by=by,
    )


def find_recipients(audience: str) -> int:
    """How many people get an announcement to an audience."""
    return audiences.find(audience).addresses(topics.topic_of(NOTICE)).count()


def _change_draft(announcement: Announcement, seen: int, /, **changes: Any) -> None:
    draft = Announcement.objects.filter(pk=announcement.pk, version=seen, sent_at=None)
    if draft.update(**changes) != 1:
        raise ValidationError(
            _("It was sent, or somebody else rewrote it in the meantime. Look at it again."),
            code="changed",
        )
    announcement.refresh_from_db()


def _with_plain_lines(text: str) -> str:
    """The text as typed, with the line ends of all systems made one."""
    return "\n".join(text.splitlines()).strip()
