"""Staff find a token by its text, see what it did, and end it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import OutboxMail
from audit.models import Event
from tests.accounts.doors import text_of_page
from tests.support.people import Person, make_person
from tests.support.uploading import said, upload
from tests.tokens.keys import everything_stored, make
from tokens import macaroons
from tokens.events import TOKEN_REVOKED
from tokens.models import APIToken

Browser = Callable[..., Client]
FIND = "/admin/tokens/apitoken/find/"


def page_of(token: APIToken) -> str:
    return f"/admin/tokens/apitoken/{token.pk}/change/"


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


def test_an_id_leads_to_the_page_too(browser: Browser, alice: Person, sam: Person) -> None:
    token, _text = make(alice)
    assert browser(sam).post(FIND, {"text": str(token.pk)})["Location"] == page_of(token)


@pytest.mark.parametrize("text", ["", "nonsense", "pypi-AgEIcHlwaS5vcmc", "\ud800x"])
def test_what_names_no_token_is_said_to(browser: Browser, sam: Person, text: str) -> None:
    response = browser(sam).post(FIND, {"text": text.encode("utf-8", "replace")})
    assert response.status_code == 200


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
