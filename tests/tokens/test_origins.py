"""From where tokens are used: seen by owners and by staff who may, forgotten on demand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from audit.groups import EVERYBODY, SEE_ORIGINS
from projects.models import Project, Role
from tests.support.people import Person, make_person
from tests.support.uploading import upload
from tests.tokens.keys import make, project_of
from tokens.models import APIToken
from tokens.operations.denials import deny_token

Browser = Callable[..., Client]
FROM = "127.0.0.1"  # of the test client's uploads


@pytest.fixture
def used(alice: Person, bob: Person) -> APIToken:
    """A token of bob's that has uploaded to a project that alice owns."""
    foo = project_of(alice, "foo")
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.OWNER)
    token, text = make(bob, "bob's job", projects=[foo])
    assert upload(text, "foo").status_code == 200
    return APIToken.objects.get(pk=token.pk)


@pytest.mark.parametrize("group", sorted(EVERYBODY))
def test_staff_who_see_no_origins_see_none_of_a_token(
    browser: Browser, used: APIToken, group: str
) -> None:
    client = browser(make_person("someone", group=group))
    page = client.get(f"/admin/tokens/apitoken/{used.pk}/change/")
    assert page.status_code == (200 if group in SEE_ORIGINS else 403)
    assert (FROM in page.content.decode()) is (group in SEE_ORIGINS)


def test_staff_of_projects_see_a_project_without_where_its_uploads_came_from(
    browser: Browser, used: APIToken
) -> None:
    client = browser(make_person("someone", group="Projects"))
    for path in (
        f"/admin/projects/project/{used.projects.get().pk}/change/",
        f"/admin/audit/event/?project={used.projects.get().pk}",
    ):
        page = client.get(path)
        assert page.status_code == 200
        assert "bob" in page.content.decode()
        assert FROM not in page.content.decode()


def test_another_owner_sees_who_uploaded_and_not_from_where(
    browser: Browser, alice: Person, bob: Person, used: APIToken
) -> None:
    deny_token(used, Project.objects.get(), by=bob.actor)
    for path in ("history/", "history.csv", "history.json", "uploaders/"):
        own, others = (
            b"".join(browser(person).get(f"/manage/project/foo/{path}")).decode()  # type: ignore[call-overload]
            for person in (bob, alice)
        )
        assert "bob" in others
        assert FROM not in others
        assert (FROM in own) is (path != "uploaders/")


def test_where_a_token_was_used_last_is_forgotten_with_other_origins(used: APIToken) -> None:
    call_command("erase_origins", "--older-than", "1")
    used.refresh_from_db()
    assert used.last_used_from == FROM
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        call_command("erase_origins", "--older-than", "1")
    used.refresh_from_db()
    assert (used.last_used_from, used.last_used_client) == ("", "")
    assert used.last_used_file == "foo-1.0-py3-none-any.whl"
