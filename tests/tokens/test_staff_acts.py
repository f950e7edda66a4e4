"""Staff find a token by its text, see what it did, and end it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import OutboxMail
from audit.models import Event
from tests.accounts.doors import count_events, text_of_page
from tests.support.people import Person, make_person
from tests.support.uploading import grant_for, said, upload
from tests.tokens.keys import everything_stored, make, project_of
from tokens import macaroons
from tokens.events import TOKEN_LOOKED_UP, TOKEN_REVOKED
from tokens.grants import Scope
from tokens.models import APIToken

Browser = Callable[..., Client]
FIND = "/admin/tokens/apitoken/find/"


def page_of(token: APIToken) -> str:
    return f"/admin/tokens/apitoken/{token.pk}/change/"


@pytest.mark.parametrize("wrap", ["password = {}", "{}-x", "pypi-Ag {} pypi-Ag"])
def test_a_token_is_known_with_what_it_was_pasted_with(
    browser: Browser, alice: Person, sam: Person, wrap: str
) -> None:
    token, text = make(alice)
    response = browser(sam).post(FIND, {"text": wrap.format(text)}, follow=True)
    assert response.redirect_chain[-1][0] == page_of(token)
    assert "its signature is right" in text_of_page(response)


def test_a_wrapped_token_that_is_cut_off_is_known(
    browser: Browser, alice: Person, sam: Person
) -> None:
    token, text = make(alice)
    response = browser(sam).post(FIND, {"text": f"{text[:40]}\n{text[40:76]}\n{text[76:-20]}"})
    assert response["Location"] == page_of(token)


@pytest.mark.parametrize("ending", [None, -20], ids=["whole", "cut off"])
def test_a_pasted_token_leads_to_its_page(
    browser: Browser, alice: Person, sam: Person, ending: int | None
) -> None:
    token, text = make(alice, "release job")
    upload(text, "foo")
    client = browser(sam)
    assert client.get(FIND).status_code == 200
    response = client.post(FIND, {"text": f" {text[:ending]}\n"})
    assert response["Location"] == page_of(token)
    page = text_of_page(client.get(response["Location"]))
    says = "its signature is right" if ending is None else "It proves nothing more"
    assert says in page
    assert "alice uploaded foo-1.0-py3-none-any.whl" in page
    assert "Create new projects, and upload new releases" in page
    assert text[-30:] not in page
    assert text[-30:] not in everything_stored()
    event = Event.objects.get(kind=TOKEN_LOOKED_UP.name)
    assert (event.actor_label, event.token_id) == ("sam", str(token.pk))
    match = "is" if ending is None else "names"
    assert event.fields == {
        "token_id": str(token.pk),
        "name": "release job",
        "owner": "alice",
        "match": match,
    }
    assert event not in Event.objects.for_user(alice.user)


def test_an_id_leads_to_the_page_too(browser: Browser, alice: Person, sam: Person) -> None:
    token, _text = make(alice)
    assert browser(sam).post(FIND, {"text": str(token.pk)})["Location"] == page_of(token)


@pytest.mark.parametrize("text", ["", "nonsense", "pypi-AgEIcHlwaS5vcmc", "\ud800x"])
def test_what_names_no_token_is_said_to(browser: Browser, sam: Person, text: str) -> None:
    response = browser(sam).post(FIND, {"text": text.encode("utf-8", "replace")})
    assert response.status_code == 200
    assert count_events(TOKEN_LOOKED_UP) == 0


def test_staff_revoke_with_a_reason(browser: Browser, alice: Person, sam: Person) -> None:
    token, text = make(alice)
    client = browser(sam)
    path = f"/admin/tokens/apitoken/{token.pk}/revoke/"
    assert "cannot be undone" in text_of_page(client.get(path))
    client.post(path, {"reason": "short"})
    assert upload(text).status_code == 200
    client.post(path, {"reason": "seen in a paste, by a reader"})
    assert "by the staff of this site" in said(upload(text, "foo", "2.0"))
    event = Event.objects.get(kind=TOKEN_REVOKED.name)
    assert (event.actor_label, event.fields["reason"]) == ("sam", "seen in a paste, by a reader")
    assert OutboxMail.objects.get(notice="token_revoked").recipient == alice.email


def test_these_pages_are_for_staff_alone(browser: Browser, alice: Person, bob: Person) -> None:
    token, text = make(alice)
    client = browser(bob)
    assert client.post(FIND, {"text": text}).status_code == 403
    projects = browser(make_person("paul", group="Projects"))
    assert projects.post(FIND, {"text": text}).status_code == 403
    client.post(f"/admin/tokens/apitoken/{token.pk}/revoke/", {"reason": "I would like to"})
    assert upload(text).status_code == 200


def test_the_list_leads_to_the_search(browser: Browser, alice: Person, sam: Person) -> None:
    make(alice)
    assert FIND in browser(sam).get("/admin/tokens/apitoken/").content.decode()


def test_an_identifier_is_found_in_what_is_left_of_a_token(alice: Person) -> None:
    token, text = make(alice)
    for left in (text, text[5:], text[:100], f"x = '{text}'", f"{text[:-1]}="):
        assert macaroons.find_identifier(left) == token.pk
    for left in ("", "pypi-", text[:40], "AgE", "x" * 9000):
        assert macaroons.find_identifier(left) is None


LISTED = "/admin/tokens/apitoken/revoke-listed/"
WHY = "They are older than our rules."


@pytest.fixture
def listed(alice: Person) -> dict[str, APIToken]:
    """Tokens of several kinds, by name."""
    project = project_of(alice, "seagull")
    beginnings = grant_for(scope=Scope.PATTERNS, patterns=("sea*",), actions=("upload",))
    rows = {
        "narrow": make(alice, "narrow", [project])[0],
        "pattern": make(alice, "pattern", grant=beginnings)[0],
        "wide": make(alice, "wide")[0],
        "ending": make(alice, "ending")[0],
        "used": make(alice, "used")[0],
    }
    soon = timezone.now() + timedelta(days=3)
    APIToken.objects.filter(name="ending").update(expires_at=soon)
    APIToken.objects.filter(name="used").update(last_used_at=timezone.now())
    return rows


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("ends=never", {"narrow", "pattern", "wide", "used"}),
        ("ends=soon", {"ending"}),
        ("used=never", {"narrow", "pattern", "wide", "ending"}),
        ("scope=some", {"narrow"}),
        ("scope=patterns", {"pattern"}),
        ("scope=all", {"wide", "ending", "used"}),
        ("scope=all&used=never&ends=never", {"wide"}),
        ("q=narr", {"narrow"}),
    ],
)
def test_what_the_list_shows_can_be_revoked_at_once(
    browser: Browser, listed: dict[str, APIToken], sam: Person, query: str, names: set[str]
) -> None:
    client = browser(sam)
    page = client.get(f"/admin/tokens/apitoken/?{query}").content.decode()
    assert f"{LISTED}?{query.replace('&', '&amp;')}" in page
    assert "What will happen" in text_of_page(client.get(f"{LISTED}?{query}"))
    everything = [str(token.pk) for token in listed.values()]
    form = {"row": everything, "reason": WHY}
    assert client.post(f"{LISTED}?{query}", form).status_code == 302
    revoked = APIToken.objects.exclude(revoked_at=None)
    assert set(revoked.values_list("name", flat=True)) == names
    assert count_events(TOKEN_REVOKED) == len(names)


def test_a_token_for_a_project_that_was_deleted_is_not_listed_as_one_for_all(
    browser: Browser, alice: Person, sam: Person
) -> None:
    project = project_of(alice, "seagull")
    make(alice, "narrow", [project])
    project.delete()
    client = browser(sam)
    assert "narrow" in client.get("/admin/tokens/apitoken/?scope=some").content.decode()
    assert "narrow" not in client.get("/admin/tokens/apitoken/?scope=all").content.decode()


def test_what_is_unticked_is_left_alone(
    browser: Browser, listed: dict[str, APIToken], sam: Person
) -> None:
    form = {"row": [str(listed["wide"].pk)], "reason": WHY}
    browser(sam).post(f"{LISTED}?scope=all", form)
    assert [row.name for row in APIToken.objects.exclude(revoked_at=None)] == ["wide"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("q=nothing", "no API token that is still active"),
        ("format__exact=x", "The filter is not right"),
        ("endz=never", "The filter is not right, so nothing is listed: “endz”."),
        ("ends=newer", "The filter is not right, so nothing is listed: “ends”."),
        ("scope=some&scope=all", "The filter is not right, so nothing is listed: “scope”."),
        ("", "Without a filter this would reach all"),
        ("q=", "Without a filter this would reach all"),
    ],
)
def test_a_list_without_tokens_is_said_to_be_empty(
    browser: Browser, listed: dict[str, APIToken], sam: Person, query: str, says: str
) -> None:
    client = browser(sam)
    assert says in text_of_page(client.get(f"{LISTED}?{query}"))
    form = {"row": [str(token.pk) for token in listed.values()], "reason": WHY}
    assert says in text_of_page(client.post(f"{LISTED}?{query}", form))
    assert not APIToken.objects.exclude(revoked_at=None).exists()


@pytest.mark.parametrize("group", ["Auditor", "Projects"])
def test_others_revoke_nothing_that_is_listed(
    browser: Browser, listed: dict[str, APIToken], group: str
) -> None:
    client = browser(make_person("someone", group=group))
    assert LISTED not in client.get("/admin/tokens/apitoken/").content.decode()
    form = {"row": [str(listed["wide"].pk)], "reason": WHY}
    assert client.post(LISTED, form).status_code == 403
    assert not APIToken.objects.exclude(revoked_at=None).exists()
