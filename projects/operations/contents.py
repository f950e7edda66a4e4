"""Removing stored contents, while uploads of the very same ones may be under way.

A removal is announced by a row before it begins, in a transaction that holds the lock on the head
of the audit chain and finds no file with that content. An upload holds the same lock when it asks,
last of all, whether a removal came after it had begun to store. So one of the two sees the other.

As long as any removal of a content is not finished, that content is published by nobody. Whoever
carries a removal out renews its row before each thing that it takes away, so a process that was
thought dead, and whose removal another one has finished since, takes nothing more away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.permissions import require_staff
from audit.actors import Actor
from audit.connections import give_back
from audit.log import record
from audit.prepared import Prepared
from projects import storage
from projects.events import CONTENT_REMOVED, CONTENT_REMOVED_BY_STAFF, OBJECT_SET_ASIDE
from projects.models import BurntFilename, ContentRemoval, File
from projects.permissions import MAY_STEWARD
from projects.stores import SUFFIXES, relative_path

KEPT_FOR: Final = timedelta(days=7)
ABANDONED_AFTER: Final = timedelta(minutes=10)
_REMOVALS: Final = Prepared(
    lambda content: ContentRemoval.objects.filter(blake2b_256=content).values_list(
        "pk", "finished_at"
    )
)
_REMOVED_SINCE: Final = Prepared(
    lambda content, last: ContentRemoval.objects.filter(blake2b_256=content, pk__gt=last)[:1]
)


class ContentInUse(Exception):
    """A file has this content, so it stays."""


class ContentRemoved(Exception):
    """A content was removed, or is being removed, since it was stored: store it again."""


def find_last_removal(blake2b_256: str) -> int:
    """What `require_kept` needs to know from before a content was stored.

    Raises:
        ContentRemoved: if it is being removed at this moment.
    """
    known = _REMOVALS.all(blake2b_256)
    if any(finished_at is None for _pk, finished_at in known):  # however old it is
        raise ContentRemoved
    return max((pk for pk, _finished_at in known), default=0)


def require_kept(blake2b_256: str, *, since: int) -> None:
    """Check that no removal of a content came in between.

    In the transaction that publishes a file with it, after that was recorded.

    Raises:
        ContentRemoved: if one did.
    """
    if _REMOVED_SINCE.exists(blake2b_256, since):
        raise ContentRemoved


def remove_content(blake2b_256: str, *, by: Actor, sets_aside: bool = False) -> None:
    """Remove a content, and the metadata beside it, at once.

    Args:
        sets_aside: move it to where people can look at it, in place of deleting it.

    Raises:
        ContentInUse: if a file has it.
    """
    with transaction.atomic():
        removal = ContentRemoval.objects.create(blake2b_256=blake2b_256, sets_aside=sets_aside)
        record(CONTENT_REMOVED, by=by, blake2b_256=blake2b_256)
        if File.objects.filter(blake2b_256=blake2b_256).exists():
            raise ContentInUse
    _finish(removal)


def remove_content_as_staff(burnt: BurntFilename, *, reason: str, by: Actor) -> None:
    """Remove the content of a deleted file now, and not days later. Its name stays burnt.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was removed, or another file has the same content.
    """
    with transaction.atomic():
        require_staff(by, MAY_STEWARD)
        left = BurntFilename.objects.filter(pk=burnt.pk, content_settled_at=None)
        if not left.exists():
            raise ValidationError(_("This content was removed."), code="done")
        if File.objects.filter(blake2b_256=burnt.blake2b_256).exists():
            raise _in_use()
        record(
            CONTENT_REMOVED_BY_STAFF,
            by=by,
            filename=burnt.filename,
            blake2b_256=burnt.blake2b_256,
            reason=reason,
        )
    try:
        remove_content(burnt.blake2b_256, by=by)
    except ContentInUse as error:  # uploaded since
        raise _in_use() from error
    left.update(content_settled_at=timezone.now())


def _in_use() -> ValidationError:
    return ValidationError(
        _("Another file has the same content. Delete that file, or its project, first."),
        code="in_use",
    )


def set_orphan_aside(path: str, blake2b_256: str, *, by: Actor) -> bool:
    """Move something that no file has out of the way, to where people can look at it.

    Args:
        path: where it is below the root of the store.
        blake2b_256: the digest that it is kept under; "" if it is no content.

    Returns:
        Whether it was moved: not if it turned out to be a file's.
    """
    if not blake2b_256:
        with transaction.atomic():
            record(OBJECT_SET_ASIDE, by=by, path=path[:500])
        storage.set_aside(path)
        return True
    try:
        remove_content(blake2b_256, by=by, sets_aside=True)
    except ContentInUse:
        return False
    return True


def remove_contents_due(*, by: Actor, now: datetime | None = None) -> int:
    """Remove the contents of files that were deleted a while ago; how many.

    Removals that a killed process left half-done are done first. One that cannot be done keeps none
    of the others up, and is tried again the next time.

    Raises:
        OSError: at the end, if some could not be done; at once, if the store does not answer.
    """
    moment = now or timezone.now()
    failures: list[OSError] = []
    unfinished = ContentRemoval.objects.filter(finished_at=None)
    for removal in list(unfinished.filter(started_at__lte=moment - ABANDONED_AFTER)):
        with _setting_failures_aside(failures):
            _finish(removal)
    count = 0
    due = BurntFilename.objects.filter(content_settled_at=None, burnt_at__lte=moment - KEPT_FOR)
    due = due.exclude(blake2b_256__in=unfinished.values("blake2b_256")).order_by("burnt_at")
    for burnt in list(due[:1000]):
        with _setting_failures_aside(failures):
            count += _remove_if_unused(burnt.blake2b_256, by=by)
            BurntFilename.objects.filter(pk=burnt.pk).update(content_settled_at=moment)
    if failures:
        raise failures[0]
    return count


@contextmanager
def _setting_failures_aside(failures: list[OSError]) -> Iterator[None]:
    """Keep what befell a single content for later; where the store is down, all will fail."""
    try:
        yield
    except OSError as error:
        if isinstance(error, storage.StorageFailed) and error.is_passing:
            raise
        failures.append(error)


def _remove_if_unused(blake2b_256: str, *, by: Actor) -> bool:
    """Whether it was removed: not if another file has the same, whose name is burnt one day."""
    try:
        remove_content(blake2b_256, by=by)
    except ContentInUse:
        return False
    return True


def _finish(removal: ContentRemoval) -> None:
    """No upload publishes this content meanwhile, so it can be taken away in peace."""
    give_back()
    for take_away in _steps(removal):
        if not _renew(removal):
            return  # somebody else does it, or has done it
        take_away()
    _still_ours(removal).update(finished_at=timezone.now())


def _steps(removal: ContentRemoval) -> list[Callable[[], None]]:
    """What has to be done, in parts that a store answers long before ABANDONED_AFTER is over."""
    digest = removal.blake2b_256
    if not removal.sets_aside:
        return [partial(storage.remove, digest)]
    return [partial(storage.set_aside, relative_path(digest, suffix)) for suffix in SUFFIXES]


def _still_ours(removal: ContentRemoval) -> QuerySet[ContentRemoval]:
    """The row, unless another process has taken the removal over since."""
    return ContentRemoval.objects.filter(
        pk=removal.pk, started_at=removal.started_at, finished_at=None
    )


def _renew(removal: ContentRemoval) -> bool:
    """Say that this process carries it out; whether that is so. Others then leave it alone."""
    now = timezone.now()
    if not _still_ours(removal).update(started_at=now):
        return False
    removal.started_at = now
    return True
