"""The page of one token, and another like it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.accounts.doors import text_of_page
from tests.support.people import Person
from tests.support.uploading import grant_for, upload
from tests.tokens.keys import make, project_of
from tests.tokens.test_views import FORM, LIST, MAKE, token_on
from tokens.forms import CreateTokenForm, initial_like
from tokens.grants import Grant, Scope
from tokens.models import APIToken, RefusalCount
from tokens.operations.lifecycle import revoke_token

Browser = Callable[..., Client]


def test_the_page_of_a_token_says_what_it_did(browser: Browser, alice: Person) -> None:
    text = token_on(browser(alice).post(MAKE, FORM))
    token = APIToken.objects.get()
    upload(text, "foo")
    revoke_token(token, reason="old", by=alice.actor)
    upload(text, "foo", "2.0")
    page = text_of_page(browser(alice).get(f"{LIST}{token.pk}/"))
    for words in (
        "Create new projects, and upload new releases of all your projects",
        "signed in with authenticator app phone",
        "from 127.0.0.1",
        "foo: foo-1.0-py3-none-any.whl",
        "alice uploaded foo-1.0-py3-none-any.whl",
        "It was refused once in the last 90 days.",
        "it was revoked",
    ):
        assert words in page
    assert text[-30:] not in page


def test_all_refusals_of_a_token_can_be_read(browser: Browser, alice: Person) -> None:
    token, _text = make(alice)
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=number) for number in range(25)]
    for hour in hours:
        RefusalCount.objects.create(token=token, reason="it was revoked", hour=hour, count=2)
    client, path = browser(alice), f"{LIST}{token.pk}/"
    first = text_of_page(client.get(path))
    assert "It was refused 50 times in the last 90 days." in first
    assert 'href="?refusals=2"' in first
    shown = first + text_of_page(client.get(f"{path}?refusals=2"))
    assert all(f"{hour:%Y-%m-%d %H:%M}" in shown for hour in hours)


def test_the_pages_of_others_tokens_are_not_found(
    browser: Browser, alice: Person, mallory: Person, sam: Person
) -> None:
    token, _text = make(alice, name="secret job")
    for person in (mallory, sam):
        client = browser(person)
        for page in ("", "rename/", "revoke/"):
            assert client.get(f"{LIST}{token.pk}/{page}").status_code == 404
        client.post(f"{LIST}{token.pk}/rename/", {"name": "mine"})
        assert "secret job" not in text_of_page(client.get(f"{MAKE}?like={token.pk}"))
    token.refresh_from_db()
    assert token.name == "secret job"


def test_a_token_is_renamed_with_a_form(browser: Browser, alice: Person) -> None:
    token, _text = make(alice, name="old")
    client = browser(alice)
    path = f"{LIST}{token.pk}/rename/"
    assert 'value="old"' in client.get(path).content.decode()
    assert client.post(path, {"name": ""}).status_code == 200
    assert client.post(path, {"name": "old"})["Location"] == f"{LIST}{token.pk}/"
    assert client.post(path, {"name": "new"})["Location"] == f"{LIST}{token.pk}/"
    token.refresh_from_db()
    assert token.name == "new"


def test_another_like_it_starts_from_its_choices(browser: Browser, alice: Person) -> None:
    foo = project_of(alice, "foo")
    grant = grant_for(foo, actions=("upload", "yank"), networks=("10.0.0.0/8",))
    token, _text = make(alice, "old", grant=grant)
    client = browser(alice)
    page = client.get(f"{MAKE}?like={token.pk}").content.decode()
    checked = re.findall(r"<input[^>]*checked[^>]*>", page)
    values = [found.group(1) for tag in checked if (found := re.search(r'value="([^"]*)"', tag))]
    assert values == ["projects", str(foo.pk), "upload", "yank", "90"]
    assert 'value="10.0.0.0/8"' in page
    form = FORM | {
        "like": str(token.pk),
        "scope": "projects",
        "projects": [str(foo.pk)],
        "actions": ["upload"],
    }
    made = text_of_page(client.post(MAKE, form))
    assert f'href="{LIST}{token.pk}/revoke/"' in made


@pytest.mark.parametrize(
    "grant",
    [
        grant_for(is_wide=True),
        grant_for(scope=Scope.PATTERNS, patterns=("foo-*", "bar"), actions=("upload",)),
        grant_for(scope=Scope.NEW, new_project="fresh", actions=("upload", "create")),
    ],
    ids=lambda grant: grant.scope,
)
def test_another_like_it_allows_the_same(alice: Person, grant: Grant) -> None:
    token, _text = make(alice, "old", grant=grant)
    initial = initial_like(token)
    fields = {name: value for name, value in initial.items() if value}
    fields |= {"name": "new", "expiry": "never"}
    form = CreateTokenForm(fields, user=alice.fresh_user, by=alice.actor)
    assert form.is_valid(), form.errors
    again, _text = make(alice, "again", grant=form.grant)
    assert again.allowance == token.allowance


def test_another_like_a_revoked_one_starts_from_its_choices_and_its_name(
    browser: Browser, alice: Person
) -> None:
    foo = project_of(alice, "foo")
    token, _text = make(alice, "release job", projects=[foo])
    revoke_token(token, reason="old", by=alice.actor)
    client = browser(alice)
    page = client.get(f"{MAKE}?like={token.pk}").content.decode()
    assert re.search(rf'value="{foo.pk}"[^>]*checked', page)
    assert 'value="release job"' in page
    form = FORM | {"like": str(token.pk), "scope": "projects", "projects": [str(foo.pk)]}
    made = text_of_page(client.post(MAKE, form | {"actions": ["upload"]}))
    assert "pypi-" in made
    assert "Revoke the old API token" not in made


def test_another_like_one_whose_projects_are_gone_chooses_none(
    browser: Browser, alice: Person
) -> None:
    foo = project_of(alice, "foo")
    project_of(alice, "bar")
    token, _text = make(alice, "old", projects=[foo])
    foo.delete()
    page = browser(alice).get(f"{MAKE}?like={token.pk}").content.decode()
    tags = re.findall(r'<input[^>]*name="(?:scope|projects)"[^>]*>', page)
    assert tags
    assert not any("checked" in tag for tag in tags)


@pytest.mark.parametrize("like", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_another_like_none_is_an_empty_form(browser: Browser, alice: Person, like: str) -> None:
    assert browser(alice).get(f"{MAKE}?like={like}").status_code == 200


def test_snippets_name_the_site_and_never_a_second_index(browser: Browser, alice: Person) -> None:
    page = text_of_page(browser(alice).post(MAKE, FORM))
    for words in (
        "[[tool.uv.index]]",
        'publish-url = "http://localhost:8000/legacy/"',
        "TWINE_REPOSITORY_URL=http://localhost:8000/legacy/",
        "FLIT_INDEX_URL",
        "POETRY_PYPI_TOKEN_INDEXSITE",
        "HATCH_INDEX_AUTH",
        "${{ secrets.INDEXSITE_TOKEN }}",
        ".gitlab-ci.yml",
        ".travis.yml",
        "attenuate_token",
        "pypitoken",
        "--index-url http://localhost:8000/simple/",
    ):
        assert words in page
    assert "extra-index-url" not in page
