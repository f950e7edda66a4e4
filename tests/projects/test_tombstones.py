"""What stays of deleted projects and files: their names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects import names
from projects.models import BurntFilename, DeletedProject, File, ProhibitedName, Project
from tests.support.people import Person

pytestmark = pytest.mark.django_db


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.from_regex(names._NAME, fullmatch=True).map(lambda name: name[:200].rstrip("._-")))
def test_the_database_and_the_pure_room_agree_on_what_is_confusable(name: str) -> None:
    normalized = names.normalize(name)
    project, _new = Project.objects.get_or_create(
        normalized_name=normalized, defaults={"name": name}
    )
    project.refresh_from_db()
    assert project.ultranormalized_name == names.ultranormalize(name)


@pytest.mark.parametrize("name", ["toast1ng", "toastlng", "t0asting", "toast-ing", "Toast.Ing"])
def test_names_that_look_alike_have_one_ultranormalized_name(name: str) -> None:
    assert names.ultranormalize(name) == names.ultranormalize("toasting") == "t0ast1ng"


def test_a_tombstone_keeps_the_name_the_serial_and_who_may_have_it_again(
    foo: Project, alice: Person
) -> None:
    stone = DeletedProject.objects.bury(foo, deleted_by="alice")
    stone.refresh_from_db()
    assert stone.project_id == foo.pk
    assert (stone.normalized_name, stone.ultranormalized_name) == ("foo", "f00")
    assert stone.serial == foo.serial > 0
    assert stone.owner_ids == [str(alice.user.pk)]


def test_burying_a_project_burns_the_names_of_its_files(
    foo: Project, publish: Callable[..., File]
) -> None:
    file = publish("1.0")
    DeletedProject.objects.bury(foo, deleted_by="alice")
    burnt = BurntFilename.objects.get()
    assert (burnt.filename, burnt.blake2b_256) == (file.filename, file.blake2b_256)


def test_what_people_mistype_for_a_file_is_prohibited_from_the_start() -> None:
    assert ProhibitedName.objects.filter(normalized_name="requirements-txt").exists()
