"""Marking projects critical: who may, what is kept, and who is told."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import OutboxMail
from audit.models import Event
from projects.models import Project
from projects.operations.critical import mark_critical, unmark_critical
from tests.support.people import Person, make_person
from tests.tokens.keys import project_of

REASON = "Many other projects depend on it."


@pytest.fixture
def foo(alice: Person) -> Project:
    """A project."""
    return project_of(alice, "foo")


def test_a_mark_is_kept_recorded_and_told(alice: Person, foo: Project) -> None:
    paul = make_person("paul", group="Projects")
    mark_critical(foo, reason=REASON, by=paul.actor)
    foo.refresh_from_db()
    assert foo.critical_since is not None
    event = Event.objects.get(kind="project:project:marked-critical")
    assert event in Event.objects.for_project(foo)
    assert event.fields == {"reason": REASON}
    assert OutboxMail.objects.get(notice="project_marked_critical").recipient == alice.email


def test_the_mark_can_be_taken_away(sam: Person, foo: Project) -> None:
    mark_critical(foo, reason=REASON, by=sam.actor)
    unmark_critical(foo, reason=REASON, by=sam.actor)
    foo.refresh_from_db()
    assert foo.critical_since is None
    assert OutboxMail.objects.filter(notice="project_unmarked_critical").exists()


def test_a_mark_is_set_once_and_taken_once(sam: Person, foo: Project) -> None:
    mark_critical(foo, reason=REASON, by=sam.actor)
    with pytest.raises(ValidationError):
        mark_critical(foo, reason=REASON, by=sam.actor)
    unmark_critical(foo, reason=REASON, by=sam.actor)
    with pytest.raises(ValidationError):
        unmark_critical(foo, reason=REASON, by=sam.actor)


@pytest.mark.parametrize("group", ["", "Support", "Auditor"])
def test_only_staff_of_projects_mark(foo: Project, group: str) -> None:
    somebody = make_person("somebody", group=group)
    for act in (mark_critical, unmark_critical):
        with pytest.raises(PermissionDenied):
            act(foo, reason=REASON, by=somebody.actor)
