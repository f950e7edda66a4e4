"""Queries that are compiled once give what Django's own would."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Exists, OuterRef
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from accounts.models import User
from audit.models import EventSubject
from audit.prepared import Prepared, PreparedInsert, PreparedUpdate
from projects.models import Project, Release, Role, SearchEntry
from tests.support.people import make_person
from tests.tokens.keys import project_of

pytestmark = pytest.mark.django_db


def same(prepared: Prepared[Any], queryset: models.QuerySet[Any], *arguments: Any) -> None:
    """Compare what both give, to the last column, more than once."""
    for _time in range(2):
        given = prepared.all(*arguments)
        assert [vars(one) | {"_state": None} for one in given] == [
            vars(one) | {"_state": None} for one in queryset.all()
        ]
        assert [one._state.adding for one in given] == [False] * len(given)


def test_rows_are_as_django_reads_them() -> None:
    """Booleans, times, UUIDs and empty columns included."""
    user = make_person("ann").user
    make_person("bob")
    same(Prepared(lambda pk: User.objects.filter(pk=pk)), User.objects.filter(pk=user.pk), user.pk)


def test_each_call_has_its_own_arguments() -> None:
    """What one call was given does not stay for the next."""
    people = {name: make_person(name).user for name in ("ann", "bob")}
    by_name = Prepared(lambda name, pk: User.objects.filter(username=name, pk=pk).order_by())
    for name, user in people.items():
        assert by_name.first(name, user.pk) == user
    assert by_name.first("ann", people["bob"].pk) is None
    assert not by_name.exists("nobody", uuid.uuid4())


def test_related_rows_come_with_their_row(django_assert_num_queries: Any) -> None:
    """One query for both; None where there is none."""
    person = make_person("ann")
    user, project = person.user, project_of(person, "one")
    roles = Prepared(lambda pk: Role.objects.select_related("user").filter(project=pk))
    with django_assert_num_queries(1):
        role = roles.first(project.pk)
        assert role is not None
        assert role.user == user
    entries = Prepared(
        lambda pk: SearchEntry.objects.select_related("release").filter(project_id=pk)
    )
    SearchEntry.objects.filter(project=project).update(release=None)
    with django_assert_num_queries(1):
        entry = entries.first(project.pk)
        assert entry is not None
        assert entry.release is None


def test_tuples_defers_annotations_and_times() -> None:
    """The forms that hot paths use."""
    person = make_person("ann")
    user, project = person.user, project_of(person, "one")
    now = timezone.now()
    kinds = Prepared(lambda pk: Role.objects.filter(project=pk).values_list("kind", "user_id"))
    assert kinds.all(project.pk) == [("owner", user.pk)]
    deferred = Prepared(lambda pk: Project.objects.defer("name").filter(pk=pk))
    found = deferred.first(project.pk)
    assert found is not None
    assert "name" in found.get_deferred_fields()
    made = Exists(Role.objects.filter(project=OuterRef("pk"), user__is_active=True))
    until = Prepared(
        lambda moment: Project.objects.annotate(held=made).filter(created_at__lte=moment)
    )
    (row,) = until.all(now)
    assert vars(row)["held"] is True
    assert until.all(now - timedelta(days=1)) == []


def test_sql_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queryset is built at the first call, and never again."""
    calls = []

    def build(name: Any) -> models.QuerySet[Project, Project]:
        calls.append(name)
        return Project.objects.filter(normalized_name=name)

    prepared = Prepared(build)
    for name in ("one", "two", "three"):
        prepared.first(name)
    assert len(calls) == 1


def test_rows_are_locked_within_transactions_only(django_user_model: Any) -> None:
    """As Django has it, at the first call and at every other."""
    prepared = Prepared(lambda pk: User.objects.select_for_update(no_key=True).filter(pk=pk))
    user = make_person("ann").user
    assert prepared.first(user.pk) == user
    connection.in_atomic_block, inside = False, connection.in_atomic_block
    try:
        with pytest.raises(TransactionManagementError):
            prepared.first(user.pk)
    finally:
        connection.in_atomic_block = inside


@pytest.mark.parametrize("arguments", [(), ("a", "b"), (None,), (["a"],)])
def test_what_is_no_argument_is_refused(arguments: tuple[Any, ...]) -> None:
    """NULL compares with nothing, so None would find nothing and say nothing."""
    prepared = Prepared(lambda name: Project.objects.filter(normalized_name=name))
    with pytest.raises(TypeError):
        prepared.all(*arguments)


def test_an_update_says_how_many_rows_there_were() -> None:
    """Conditions hold at each call, and values are those of the call."""
    user = make_person("ann").user
    moment = timezone.now() - timedelta(days=3)
    suspend = PreparedUpdate(
        lambda pk, now: (
            User.objects.filter(pk=pk, uploads_suspended_at=None),
            {"uploads_suspended_at": now},
        )
    )
    with transaction.atomic():
        assert suspend(user.pk, moment) == 1
        assert suspend(user.pk, timezone.now()) == 0
    user.refresh_from_db()
    assert user.uploads_suspended_at == moment


def test_rows_are_stored_as_django_stores_them() -> None:
    """Every column, with the key that the database gave."""
    person = make_person("ann")
    project = project_of(person, "one")
    insert = PreparedInsert(Release)
    given = Release(project=project, version="7", canonical_version="7", metadata={"name": "ä"})
    insert(given)
    assert not given._state.adding
    stored = Release.objects.get(pk=given.pk)
    for field in Release._meta.concrete_fields:
        assert getattr(stored, field.attname) == getattr(given, field.attname), field


def test_several_rows_are_stored_in_one_statement(django_assert_num_queries: Any) -> None:
    """Each with its own values, and with its own key."""
    insert = PreparedInsert(EventSubject)
    rows = [
        EventSubject(event_number=99, position=place, kind="user", subject_id="1", label=label)
        for place, label in enumerate(["a", "b", "c"])
    ]
    with django_assert_num_queries(1):
        insert(*rows)
    stored = EventSubject.objects.filter(event_number=99)
    assert [(row.pk, row.label) for row in stored] == [(row.pk, row.label) for row in rows]


def test_a_row_that_the_database_refuses_is_not_stored() -> None:
    """As Django tells it, so that operations find the same errors."""
    insert = PreparedInsert(Project)
    project_of(make_person("ann"), "one")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Project(name="one", normalized_name="one"))
