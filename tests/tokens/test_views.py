from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuthenticatorApp, EmailAddress, User
from audit.models import Event
from projects.models import Role
from tests.accounts.doors import text_of_page
from tests.support.people import NETWORK_ADDRESS, Person
from tests.support.uploading import upload
from tests.tokens.keys import everything_stored, make, project_of, secret_parts
from tokens.events import TOKEN_CREATED, TOKEN_REVOKED
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token

Browser = Callable[..., Client]
LIST = "/account/tokens/"
MAKE = "/account/tokens/make/"
FORM: dict[str, Any] = {
    "name": "release job",
    "scope": "account",
    "actions": ["upload", "create"],
    "expiry": "90",
    "confirm": "1",
}


def token_on(response: object) -> str:
    found = re.search(r"pypi-[A-Za-z0-9_-]{80,}", text_of_page(response))
    assert found
    return found.group()


# Making


def test_the_page_makes_a_token_that_works(browser: Browser, alice: Person) -> None:
    text = token_on(browser(alice).post(MAKE, FORM))
    assert upload(text, "foo").status_code == 200


def test_the_page_makes_a_token_for_the_chosen_projects_alone(
    browser: Browser, alice: Person
) -> None:
    foo = project_of(alice, "foo")
    project_of(alice, "bar")
    form = FORM | {"scope": "projects", "projects": [str(foo.pk)], "actions": ["upload"]}
    text = token_on(browser(alice).post(MAKE, form))
    assert upload(text, "foo").status_code == 200
    assert upload(text, "bar").status_code == 403
    assert upload(text, "new").status_code == 403


def test_nothing_is_selected_in_advance(browser: Browser, alice: Person) -> None:
    project_of(alice, "foo")
    page = browser(alice).get(MAKE).content.decode()
    inputs = re.findall(r'<input[^>]*name="(?:scope|projects|actions)"[^>]*>', page)
    assert len(inputs) == 4 + 1 + 3
    assert not any("checked" in tag for tag in inputs)


@pytest.mark.parametrize(
    "form",
    [
        {"scope": None},
        {"scope": ""},
        {"scope": "everything"},
        {"scope": "projects"},
        {"scope": "patterns"},
        {"scope": "new"},
        {"actions": None},
        {"actions": ["delete"]},
        {"actions": ["upload", "yank", "manage"]},
        {"expiry": None},
        {"expiry": "91"},
        {"expiry": "date"},
        {"expiry": "date", "expires_on": "2020-01-01"},
        {"expiry": "date", "expires_on": "9999-12-31"},
        {"expiry": "date", "expires_on": "soon"},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"name": None},
        {"networks": "everywhere"},
        {"networks": "0.0.0.0/0"},
        {"networks": "10.0.0.0/8, ::/0"},
        {"networks": "10.0.0.1/8"},
        {"networks": "0.0.0.0/1, 128.0.0.0/1"},
        {"networks": "0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/3"},
        {"networks": "2000::/3"},
        {"networks": "::ffff:0:0/96"},
        {"scope": "patterns", "patterns": "*"},
        {"scope": "patterns", "patterns": "*foo"},
        {"scope": "patterns", "patterns": "foo-*-bar"},
        {"scope": "new", "new_project": "foo"},
        {"scope": "new", "new_project": "FOO"},
        {"scope": "new", "new_project": "a b"},
        {"scope": "new", "new_project": "json"},
        {"scope": "new", "new_project": "f0o"},
        {"scope": "new", "new_project": "fresh", "actions": ["upload"]},
        {"new_project": "other"},
        {"patterns": "foo-*"},
        {"expires_on": "2099-01-01"},
    ],
)
def test_a_form_that_does_not_say_what_for_makes_no_token(
    browser: Browser, alice: Person, form: dict[str, Any]
) -> None:
    project_of(alice, "foo")
    changed = {name: value for name, value in (FORM | form).items() if value is not None}
    assert browser(alice).post(MAKE, changed).status_code == 200
    assert not APIToken.objects.exists()


def test_all_projects_and_some_projects_together_are_refused(
    browser: Browser, alice: Person
) -> None:
    foo = project_of(alice, "foo")
    form = {"name": "job", "scope": "account", "projects": [str(foo.pk)]}
    assert browser(alice).post(MAKE, form).status_code == 200
    assert not APIToken.objects.exists()


def test_the_projects_of_others_are_neither_offered_nor_taken(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    hers, mine = project_of(alice, "hers"), project_of(mallory, "mine")
    client = browser(mallory)
    page = client.get(MAKE).content.decode()
    assert str(mine.pk) in page
    assert str(hers.pk) not in page
    for chosen in ([str(hers.pk)], [str(mine.pk), str(hers.pk)], ["nonsense"]):
        client.post(MAKE, FORM | {"scope": "projects", "projects": chosen, "actions": ["upload"]})
    assert not APIToken.objects.exists()


def test_a_project_whose_role_has_ended_is_not_taken(
    browser: Browser, alice: Person, bob: Person
) -> None:
    foo = project_of(alice, "foo")
    role = Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    client = browser(bob)
    assert str(foo.pk) in client.get(MAKE).content.decode()
    role.delete()
    chosen = {"scope": "projects", "projects": [str(foo.pk)], "actions": ["upload"]}
    client.post(MAKE, FORM | chosen)
    assert not APIToken.objects.exists()


def test_forty_one_projects_are_refused_in_words(browser: Browser, alice: Person) -> None:
    chosen = [str(project_of(alice, f"p{number}").pk) for number in range(41)]
    form = FORM | {"scope": "projects", "projects": chosen, "actions": ["upload"]}
    assert "between 1 and 40 projects" in text_of_page(browser(alice).post(MAKE, form))
    assert not APIToken.objects.exists()


def test_the_five_hundred_and_first_token_is_refused_in_words(
    browser: Browser, alice: Person
) -> None:
    APIToken.objects.bulk_create(
        APIToken(user=alice.user, name=f"token {number}", root_key="x") for number in range(500)
    )
    page = text_of_page(browser(alice).post(MAKE, FORM))
    assert "500 active API tokens" in page
    assert APIToken.objects.count() == 500


@pytest.mark.parametrize("missing", ["address", "factor"])
def test_who_may_not_make_tokens_is_told_why(browser: Browser, alice: Person, missing: str) -> None:
    if missing == "address":
        EmailAddress.objects.update(verified_at=None)
    else:
        AuthenticatorApp.objects.all().delete()
    client = browser(alice)
    assert client.get(MAKE)["Location"] == "/account/security/"
    client.post(MAKE, FORM)
    assert not APIToken.objects.exists()
    sentence = {"address": "Verify your mail address", "factor": "Add a second factor"}[missing]
    assert sentence in text_of_page(client.get(LIST, follow=True))


@pytest.mark.parametrize(
    "path",
    [MAKE, f"{LIST}{{pk}}/rename/", f"{LIST}{{pk}}/revoke/", "/manage/project/foo/uploaders/{pk}/"],
)
def test_changes_need_a_fresh_proof(browser: Browser, alice: Person, path: str) -> None:
    token, text = make(alice, "old", projects=[project_of(alice, "foo")])
    client, path = browser(alice), path.format(pk=token.pk)
    with time_machine.travel(time.time() + 31 * 60):
        for response in (client.get(path), client.post(path, FORM)):
            assert "Confirm it is you" in text_of_page(response)
    assert [row.name for row in APIToken.objects.active()] == ["old"]
    assert upload(text, "foo").status_code == 200


# The text of a token


def test_the_page_with_the_token_is_kept_out_of_caches(browser: Browser, alice: Person) -> None:
    response = browser(alice).post(MAKE, FORM)
    token_on(response)
    assert "no-store" in response["Cache-Control"]


def test_loading_that_page_again_makes_no_second_token(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    text = token_on(client.post(MAKE, FORM))
    again = client.post(MAKE, FORM)
    assert "Choose another name, or revoke that one first" in text_of_page(again)
    assert "pypi-" not in text_of_page(again)
    assert APIToken.objects.count() == 1
    assert upload(text, "foo").status_code == 200


def test_the_token_is_shown_once_and_kept_nowhere(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    text = token_on(client.post(MAKE, FORM))
    pages = [client.get(path) for path in (LIST, MAKE, "/account/history/", "/account/security/")]
    pages.append(client.get(f"{LIST}{APIToken.objects.get().pk}/revoke/"))
    shown = " ".join(text_of_page(page) for page in pages)
    for part in secret_parts(text):
        assert part not in shown
        assert part not in everything_stored()


def test_the_name_of_a_token_is_shown_as_text(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    name = '<script>alert("x")</script>'
    pages = [client.post(MAKE, FORM | {"name": name}), client.get(LIST)]
    pages.append(client.get(f"{LIST}{APIToken.objects.get().pk}/revoke/"))
    pages.append(client.get("/account/history/"))
    for page in pages:
        assert "<script>alert" not in page.content.decode()
        assert "&lt;script&gt;" in page.content.decode()


def test_the_security_page_counts_what_can_act(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    assert "No API token can act in your name." in text_of_page(client.get("/account/security/"))
    token, _text = make(alice)
    make(alice, "another")
    assert "2 API tokens can act in your name." in text_of_page(client.get("/account/security/"))
    revoke_token(token, reason="old", by=alice.actor)
    assert "1 API token can act in your name." in text_of_page(client.get("/account/security/"))
    User.objects.update(uploads_suspended_at=timezone.now())
    page = text_of_page(client.get("/account/security/"))
    assert "1 API token could act in your name, were your uploads not suspended." in page


# Revoking


def test_a_token_is_revoked_with_a_button(browser: Browser, alice: Person) -> None:
    token, text = make(alice)
    headers = {"Referer": "https://evil.example/"}
    response = browser(alice).post(f"{LIST}{token.pk}/revoke/", headers=headers)
    assert response["Location"] == LIST
    assert upload(text, "foo").status_code == 403
    assert Event.objects.filter(kind=TOKEN_REVOKED.name).count() == 1


def test_opening_the_page_revokes_nothing(browser: Browser, alice: Person) -> None:
    token, text = make(alice)
    assert browser(alice).get(f"{LIST}{token.pk}/revoke/").status_code == 200
    assert upload(text, "foo").status_code == 200


def test_the_tokens_of_others_are_not_found(
    browser: Browser, alice: Person, mallory: Person, sam: Person
) -> None:
    token, text = make(alice)
    for person in (mallory, sam):
        client = browser(person)
        assert client.get(f"{LIST}{token.pk}/revoke/").status_code == 404
        assert client.post(f"{LIST}{token.pk}/revoke/").status_code == 404
        assert token.name not in text_of_page(client.get(LIST))
    assert upload(text, "foo").status_code == 200


@pytest.mark.parametrize("pk", ["1", "x", "00000000-0000-0000-0000-000000000000"])
def test_tokens_that_do_not_exist_are_not_found(browser: Browser, alice: Person, pk: str) -> None:
    assert browser(alice).post(f"{LIST}{pk}/revoke/").status_code == 404


def test_another_site_can_neither_make_nor_revoke(browser: Browser, alice: Person) -> None:
    token, _text = make(alice)
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    client.cookies = browser(alice).cookies
    assert client.post(MAKE, FORM).status_code == 403
    assert client.post(f"{LIST}{token.pk}/revoke/").status_code == 403
    assert APIToken.objects.active().count() == 1


def test_revoked_tokens_are_listed_apart(browser: Browser, alice: Person) -> None:
    token, _text = make(alice, name="the old job")
    client = browser(alice)
    client.post(f"{LIST}{token.pk}/revoke/")
    page = text_of_page(client.get(LIST))
    assert "the old job" in page
    assert "revoked by its owner" in page


def test_making_on_the_page_is_recorded_with_the_session(browser: Browser, alice: Person) -> None:
    browser(alice).post(MAKE, FORM)
    event = Event.objects.get(kind=TOKEN_CREATED.name)
    assert (event.actor_label, event.credential) == ("alice", "session")


# What it means, before it is made


def without_confirmation(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in FORM.items() if name != "confirm"} | changes


def test_one_sentence_says_what_the_token_will_allow(browser: Browser, alice: Person) -> None:
    foo, bar = project_of(alice, "foo"), project_of(alice, "bar")
    form = without_confirmation(
        scope="projects",
        projects=[str(foo.pk), str(bar.pk)],
        actions=["upload"],
        expiry="date",
        expires_on="2099-03-02",
        networks="10.0.0.0/8",
    )
    client = browser(alice)
    page = text_of_page(client.post(MAKE, form))
    sentence = "Upload new releases of bar and foo until 3 March 2099, 00:00 UTC, from 10.0.0.0/8."
    assert sentence in page
    assert not APIToken.objects.exists()
    fields = client.post(MAKE, form).context["form"]
    assert fields.data.getlist("projects") == form["projects"]
    page = text_of_page(client.post(MAKE, form | {"confirm": "1"}))
    assert sentence in page
    assert "pypi-" in page


def test_the_choice_can_be_changed_before_it_is_made(browser: Browser, alice: Person) -> None:
    page = text_of_page(browser(alice).post(MAKE, without_confirmation(change="1")))
    assert 'value="release job"' in page
    assert "errorlist" not in page
    assert not APIToken.objects.exists()


def test_wide_and_endless_tokens_are_warned_of(browser: Browser, alice: Person) -> None:
    page = text_of_page(browser(alice).post(MAKE, without_confirmation(expiry="never")))
    assert "all of them are in danger" in page
    assert "It never ends." in page


def test_ninety_days_are_chosen_in_advance(browser: Browser, alice: Person) -> None:
    page = browser(alice).get(MAKE).content.decode()
    checked = re.findall(r"<input[^>]*checked[^>]*>", page)
    assert len(checked) == 1
    assert 'value="90"' in checked[0]
    token_on(browser(alice).post(MAKE, FORM))
    end = APIToken.objects.get().expires_at
    assert end is not None
    assert abs((end - timezone.now()).total_seconds() - 90 * 86400) < 60


@pytest.mark.parametrize(("longest", "chosen"), [(90, "90"), (45, "30"), (3, "date")])
def test_where_a_site_allows_less_than_ninety_days_the_most_is_chosen_in_advance(
    browser: Browser, alice: Person, settings: Any, longest: int, chosen: str
) -> None:
    settings.TOKEN_MAX_LIFETIME = timedelta(days=longest)
    page = browser(alice).get(MAKE).content.decode()
    (checked,) = re.findall(r"<input[^>]*checked[^>]*>", page)
    assert f'value="{chosen}"' in checked


def test_a_name_with_invisible_characters_is_refused_before_anything_is_confirmed(
    browser: Browser, alice: Person
) -> None:
    page = text_of_page(browser(alice).post(MAKE, without_confirmation(name="a\u200bb")))
    assert "all of them printable" in page
    assert "will be able to do" not in page.partition("</h1>")[0]


def test_a_site_can_forbid_tokens_without_an_end(
    browser: Browser, alice: Person, settings: Any
) -> None:
    settings.TOKEN_MAX_LIFETIME = timedelta(days=100)
    client = browser(alice)
    page = text_of_page(client.get(MAKE))
    assert "After 90 days" in page
    assert "After 365 days" not in page
    assert 'value="never"' not in page
    client.post(MAKE, FORM | {"expiry": "never"})
    client.post(MAKE, FORM | {"expiry": "date", "expires_on": "2099-01-01"})
    assert not APIToken.objects.exists()


def test_yanking_is_offered_to_owners_alone(browser: Browser, alice: Person, bob: Person) -> None:
    foo = project_of(alice, "foo")
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    assert 'value="yank"' in browser(alice).get(MAKE).content.decode()
    client = browser(bob)
    assert 'value="yank"' not in client.get(MAKE).content.decode()
    client.post(MAKE, FORM | {"actions": ["yank"]})
    assert not APIToken.objects.exists()


def test_ones_own_address_is_shown(browser: Browser, alice: Person) -> None:
    page = text_of_page(browser(alice).get(MAKE))
    assert f"Your address as this server sees it: {NETWORK_ADDRESS}" in page


def test_what_would_be_too_long_for_a_token_is_not_promised(
    browser: Browser, alice: Person
) -> None:
    projects = [project_of(alice, f"{'x' * 140}-{number}") for number in range(40)]
    form = FORM | {"scope": "projects", "projects": [str(one.pk) for one in projects]}
    form |= {"actions": ["upload"]}
    del form["confirm"]
    page = text_of_page(browser(alice).post(MAKE, form))
    assert "too long for one token. Choose fewer projects." in page
    assert "will be able to do this" not in page


@pytest.mark.parametrize(
    ("text", "network"), [("192.0.2.17/24", "192.0.2.0/24"), ("2001:db8::1/32", "2001:db8::/32")]
)
def test_an_address_with_the_length_of_its_network_is_explained(
    browser: Browser, alice: Person, text: str, network: str
) -> None:
    page = text_of_page(browser(alice).post(MAKE, FORM | {"networks": text}))
    assert f"{text} is one address and a network. Write {network} for all of it." in page
    assert not APIToken.objects.exists()


def test_names_and_networks_are_taken_as_people_write_them(browser: Browser, alice: Person) -> None:
    form = FORM | {
        "scope": "patterns",
        "patterns": "PyObjC_*, Foo.Bar;baz",
        "networks": "10.1.2.3, 2001:db8::/32, ::ffff:192.0.2.0/120",
    }
    token_on(browser(alice).post(MAKE, form))
    allowance = APIToken.objects.get().allowance
    assert allowance.patterns == ("pyobjc-*", "foo-bar", "baz")
    assert allowance.networks == ("10.1.2.3/32", "2001:db8::/32", "192.0.2.0/24")
