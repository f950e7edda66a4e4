"""Tokens that somebody has found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import EmailAddress, OutboxMail
from accounts.notices import render
from audit.models import Event
from tests.accounts.doors import text_of_page
from tests.support.people import Person
from tests.support.uploading import said, upload
from tests.tokens.keys import everything_stored, make, project_of, secret_parts
from tokens import macaroons
from tokens.events import LEAK_REPORTED, TOKEN_REVOKED
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token

Browser = Callable[..., Client]
DOOR, PAGE = "/_/secrets/disclose-token", "/found-token/"
URL = "https://code.example.org/somebody/project/blob/main/.pypirc?token=x#L3"


def report(*texts: str, **changes: Any) -> Any:
    """What a secret scanner sends; the response."""
    rows = [{"token": text, "type": "pypi_api_token", "url": URL} | changes for text in texts]
    return Client().post(DOOR, json.dumps(rows), content_type="application/json")


def is_revoked(token: APIToken) -> bool:
    token.refresh_from_db()
    return token.revoked_at is not None


def test_a_token_with_the_right_signature_is_revoked(alice: Person) -> None:
    token, text = make(alice)
    assert report(text).status_code == 204
    assert is_revoked(token)
    assert "because it was found where others could read it" in said(upload(text))


def test_its_caveats_do_not_matter(alice: Person) -> None:
    token, text = make(alice)
    assert report(macaroons.attenuate(text, ["[0,5,0]", "[9]"])).status_code == 204
    assert is_revoked(token)


def test_the_owner_is_mailed_even_at_an_unverified_address(alice: Person) -> None:
    _token, text = make(alice, "release job")
    EmailAddress.objects.update(verified_at=None)
    report(text)
    mail = OutboxMail.objects.get(notice="token_leaked")
    assert mail.recipient == alice.email
    body = str(render(mail).body)
    assert "release job" in body
    assert "code.example.org/somebody/project/blob/main/.pypirc" in body
    assert "token=x" not in body
    assert text[-30:] not in body


def test_a_leak_is_recorded_for_the_owner_and_each_project(alice: Person) -> None:
    foo, bar = project_of(alice, "foo"), project_of(alice, "bar")
    _narrow, narrow = make(alice, "narrow", projects=[foo])
    _wide, wide = make(alice, "wide")
    report(narrow, wide)
    events = Event.objects.filter(kind=LEAK_REPORTED.name).order_by("number")
    assert [event.actor_label for event in events] == ["secret scanner"] * 2
    assert (
        list(events) == list(Event.objects.for_project(foo).filter(kind=LEAK_REPORTED.name))[::-1]
    )
    assert events[1] in Event.objects.for_project(bar)
    assert events[0] not in Event.objects.for_project(bar)
    assert all(event in Event.objects.for_user(alice.user) for event in events)


AROUND = pytest.mark.parametrize(
    "wrap",
    ["{}", "pypi-{}", "prod-pypi-token-{}", "{}-x", "{}==", " {}\n", "a = '{}'", "pypi-x {}"],
)


@AROUND
def test_a_pasted_token_is_found_whatever_is_written_around_it(alice: Person, wrap: str) -> None:
    token, text = make(alice)
    assert Client().post(PAGE, {"text": wrap.format(text), "place": ""}).status_code == 200
    assert is_revoked(token)
    assert not OutboxMail.objects.filter(notice="token_named").exists()


@AROUND
def test_a_reported_token_is_found_whatever_is_written_around_it(alice: Person, wrap: str) -> None:
    token, text = make(alice)
    assert report(wrap.format(text)).status_code == 204
    assert is_revoked(token)
    assert not OutboxMail.objects.filter(notice="token_named").exists()


def test_a_pasted_token_may_be_wrapped_into_lines(alice: Person) -> None:
    token, text = make(alice)
    Client().post(PAGE, {"text": f"{text[:76]}\r\n{text[76:]}", "place": ""})
    assert is_revoked(token)


def test_one_bad_record_keeps_no_token_of_another_alive(alice: Person) -> None:
    token, text = make(alice)
    rows = [5, {"token": None}, {"token": text, "url": ["x"]}, {}]
    response = Client().post(DOOR, json.dumps(rows), content_type="application/json")
    assert response.status_code == 400
    assert is_revoked(token)


def test_of_a_place_only_the_token_is_left_out(alice: Person) -> None:
    _token, text = make(alice)
    rows = [{"token": text, "url": f"https://code.example.org/pypi-tools/{text}/a.py"}]
    Client().post(DOOR, json.dumps(rows), content_type="application/json")
    place = OutboxMail.objects.get(notice="token_leaked").facts["place"]
    assert place == "code.example.org/pypi-tools/pypi-.../a.py"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("a chat", "a chat"),
        ("In https://code.example.org/a?key=x, line 3", "In code.example.org/a line 3"),
        ("HTTPS://u:p@code.example.org:8/a#b", "code.example.org/a"),
        ("see ftp://files.example.org/a", "see"),
        ("https://[", ""),
        ("on\nline\t2", "on line 2"),
    ],
)
def test_a_place_is_told_without_what_may_be_secret(alice: Person, place: str, told: str) -> None:
    Client().post(PAGE, {"text": make(alice)[1], "place": place})
    assert OutboxMail.objects.get(notice="token_leaked").facts["place"] == told


def test_no_address_or_text_of_a_finder_is_sealed(alice: Person) -> None:
    _token, text = make(alice)
    report(text, source="<script>", type="x" * 50)
    event = Event.objects.get(kind=LEAK_REPORTED.name)
    assert event.fields["source"] == "a secret scanner"
    assert "code.example.org" not in str(event.fields)


def test_a_text_that_only_names_a_token_mails_owner_and_staff(alice: Person, sam: Person) -> None:
    token, text = make(alice)
    for _turn in range(3):
        assert report(text[:-20]).status_code == 204
    forged = macaroons.mint(location="localhost", identifier=token.pk, key=b"x" * 32, caveats=[])
    report(forged)
    assert not is_revoked(token)
    mails = OutboxMail.objects.filter(notice="token_named")
    assert sorted(mail.recipient for mail in mails) == [alice.email, sam.email]
    assert "Nothing was changed" in " ".join(str(render(mails[0]).body).split())
    assert Event.objects.filter(kind=LEAK_REPORTED.name).count() == 1


def test_a_text_that_only_names_a_token_may_be_wrapped(alice: Person) -> None:
    _token, text = make(alice)
    report(f"{text[:40]}\n{text[40:76]}\n{text[76:-20]}")
    assert OutboxMail.objects.get(notice="token_named").recipient == alice.email


@pytest.mark.parametrize("kept", [0, 5], ids=["whole", "without its prefix"])
def test_a_place_does_not_repeat_the_token(alice: Person, kept: int) -> None:
    token, text = make(alice)
    report(str(token.pk), url=f"https://code.example.org/{text[kept:]}/raw?{text[kept:]}")
    mail = OutboxMail.objects.get(notice="token_named")
    assert mail.facts["place"] == "code.example.org/pypi-.../raw"


@pytest.mark.parametrize("wrap", ["{}", " {}\n", "{{{}}}"])
def test_an_identifier_alone_mails_owner_and_staff(alice: Person, sam: Person, wrap: str) -> None:
    token, _text = make(alice)
    report(wrap.format(token.pk))
    assert not is_revoked(token)
    mails = OutboxMail.objects.filter(notice="token_named")
    assert sorted(mail.recipient for mail in mails) == [alice.email, sam.email]


@pytest.mark.parametrize(
    "text", ["", "pypi-", "nonsense", "pypi-" + "A" * 300, "\ud800", "pypi-\x00", "x" * 100_000]
)
def test_what_names_no_token_changes_nothing(alice: Person, text: str) -> None:
    make(alice)
    assert report(text).status_code == 204
    assert not OutboxMail.objects.exclude(notice="token_created").exists()


def test_a_token_that_was_revoked_before_is_not_spoken_of_again(alice: Person) -> None:
    token, text = make(alice)
    revoke_token(token, reason="old", by=alice.actor)
    report(text)
    assert Event.objects.filter(kind=TOKEN_REVOKED.name).count() == 1
    assert not OutboxMail.objects.filter(notice="token_leaked").exists()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "null",
        "5",
        '"x"',
        "[5]",
        "[{}]",
        '[{"token":5}]',
        "[",
        "[" * 100_000,
        "\xff",
        '[{"token":"x"}' + ',{"token":"x"}' * 100 + "]",
        '[{"token":"' + "x" * (1024 * 1024) + '"}]',
    ],
    ids=lambda body: body[:12],
)
def test_what_is_not_well_formed_is_refused(db: None, body: str) -> None:
    response = Client().post(DOOR, body.encode("latin-1"), content_type="application/json")
    assert response.status_code == 400


def test_an_empty_report_is_well_formed(db: None) -> None:
    assert report().status_code == 204


def test_only_post_is_answered_and_no_cookie_is_looked_at(alice: Person) -> None:
    assert Client().get(DOOR).status_code == 405
    response = report(make(alice)[1])
    assert not response.cookies
    assert "Cookie" not in response.headers.get("Vary", "")


def test_reports_are_limited(browser: Browser, alice: Person) -> None:
    statuses = [report("x").status_code for _turn in range(61)]
    assert statuses == [204] * 60 + [429]
    token, text = make(alice)
    for refused in (report(text), browser().post(PAGE, {"text": text}, REMOTE_ADDR="127.0.0.1")):
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 2 * 3600
    assert not is_revoked(token)


# The page for people


def test_anybody_can_report_a_token_and_it_is_revoked(browser: Browser, alice: Person) -> None:
    token, text = make(alice)
    client = browser()
    for path in ("/", "/help/api-tokens/"):  # where to look for it
        assert f'href="{PAGE}"' in client.get(path).content.decode()
    assert client.get(PAGE).status_code == 200
    pasted = f"[pypi]\nusername = __token__\npassword = {text}\n"
    client.post(PAGE, {"text": pasted, "place": "a chat"})
    assert is_revoked(token)
    body = str(render(OutboxMail.objects.get(notice="token_leaked")).body)
    assert "a chat" in body


def test_the_answer_is_the_same_for_every_paste(browser: Browser, alice: Person) -> None:
    token, text = make(alice)
    revoked, old = make(alice, "old")
    revoke_token(revoked, reason="old", by=alice.actor)
    pages = [
        text_of_page(browser().post(PAGE, {"text": pasted}))
        for pasted in (text, text[:-9], old, "pypi-nothing-at-all-of-this-site", "hello")
    ]
    assert len(set(pages)) == 1
    assert "Thank you" in pages[0]
    assert is_revoked(token)


def test_what_was_pasted_is_kept_nowhere(browser: Browser, alice: Person) -> None:
    _token, text = make(alice)
    page = text_of_page(browser().post(PAGE, {"text": text}))
    for part in secret_parts(text):
        assert part not in page
        assert part not in everything_stored()
