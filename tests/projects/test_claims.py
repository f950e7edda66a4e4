"""Which names a new project may have, and how many projects somebody may create."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import RateCount
from projects.models import DeletedProject, ProhibitedName, Project
from projects.operations.publishing import create_project
from tests.support.people import Person

pytestmark = pytest.mark.django_db


def code_of(person: Person, name: str) -> str:
    """Why somebody may not create a project; "" if it was created."""
    try:
        create_project(name, by=person.actor)
    except ValidationError as error:
        (sentence,) = error.messages
        assert sentence.isascii()
        assert len(sentence) < 400
        return str(error.code)
    return ""


@pytest.mark.parametrize("name", ["İnspect", "_z", ".,;", ""])
def test_what_is_no_name_is_refused(alice: Person, name: str) -> None:
    assert code_of(alice, name) == "name"


# As PyPI refuses them
LIBRARY = "xml XML PiCKle main future al uU test encodings.utf_8_sig xml.etree.ElementTree"
LIBRARY += " CGIHTTPServer typing xml-etree tomllib"


@pytest.mark.parametrize("name", LIBRARY.split())
def test_names_of_the_standard_library_are_refused(alice: Person, name: str) -> None:
    assert code_of(alice, name) == "standard_library_name"


def test_names_of_the_standard_library_can_be_allowed(alice: Person, settings: Any) -> None:
    settings.REFUSE_STANDARD_LIBRARY_NAMES = False
    assert code_of(alice, "site") == ""


@pytest.mark.parametrize("name", ["requirements.txt", "rrequirements_TXT", "Bad.Name"])
def test_prohibited_names_are_refused_in_any_spelling(alice: Person, name: str) -> None:
    ProhibitedName.objects.create(normalized_name="bad-name")
    assert code_of(alice, name) == "prohibited_name"


@pytest.mark.parametrize("name", ["toast1ng", "toastlng", "t0asting", "toast-ing", "toast.ing"])
def test_a_name_that_looks_like_anothers_is_refused(alice: Person, bob: Person, name: str) -> None:
    assert code_of(alice, "toasting") == ""
    assert code_of(bob, name) == "confusable_name"
    assert code_of(alice, name) == "confusable_name"


def bury(person: Person, name: str) -> DeletedProject:
    """A tombstone of a project that somebody owned."""
    project = create_project(name, by=person.actor)
    stone = DeletedProject.objects.bury(project, deleted_by=person.username)
    project.delete()
    return stone


@pytest.mark.parametrize("name", ["foo", "FOO", "f00", "f.oo"])
def test_the_name_of_a_deleted_project_is_not_given_to_strangers(
    alice: Person, mallory: Person, name: str
) -> None:
    bury(alice, "foo")
    assert code_of(mallory, name) == "deleted_name"


def test_a_former_owner_may_use_the_name_again(alice: Person) -> None:
    stone = bury(alice, "foo")
    assert code_of(alice, "foo") == ""
    assert Project.objects.get().serial > stone.serial


def test_only_the_last_owners_of_a_name_may_use_it_again(alice: Person, bob: Person) -> None:
    bury(alice, "foo")
    DeletedProject.objects.update(name_freed_at=timezone.now())
    bury(bob, "foo")
    assert code_of(alice, "foo") == "deleted_name"
    assert code_of(bob, "foo") == ""


def test_a_name_that_staff_have_let_go_is_anybodys(alice: Person, mallory: Person) -> None:
    bury(alice, "foo")
    DeletedProject.objects.update(name_freed_at=timezone.now())
    assert code_of(mallory, "foo") == ""


def test_a_person_creates_so_many_projects_in_an_hour(
    alice: Person, bob: Person, settings: Any
) -> None:
    settings.NEW_PROJECTS_PER_USER = 2
    assert [code_of(alice, f"foo{letter}") for letter in "abc"] == ["", "", "too_many_projects"]
    assert code_of(bob, "food") == ""


def test_so_many_projects_are_created_from_one_address_in_an_hour(
    alice: Person, bob: Person, settings: Any
) -> None:
    settings.NEW_PROJECTS_PER_ADDRESS = 2
    assert [code_of(alice, f"foo{letter}") for letter in "ab"] == ["", ""]
    assert code_of(bob, "fooc") == "too_many_projects"


def test_a_project_that_was_refused_is_not_counted(alice: Person) -> None:
    code_of(alice, "toasting")
    code_of(alice, "t0asting")
    code_of(alice, "toasting")
    counted = RateCount.objects.get(limit="new projects")
    assert sum(counted.slots.values()) == 1
