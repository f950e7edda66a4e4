"""Ranges of network addresses that staff have blocked: what is refused, and what goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone

from accounts import links, notices
from accounts.address_ranges import count_users_in, read_range
from accounts.events import (
    BLOCKED_ADDRESS_REFUSED,
    RANGE_BLOCKED,
    RANGE_ENDED,
    RANGE_LIFTED,
    RECOVERY_CANCELLED,
    SIGN_IN_FAILED,
    SIGN_IN_SUCCEEDED,
    STAFF_ACT_REFUSED,
)
from accounts.jobs import note_ends_of_blocks
from accounts.models import (
    BlockedRange,
    OutboxMail,
    PasswordReset,
    RecoveryCase,
    SwitchState,
    User,
)
from accounts.obstacles import is_blocked
from accounts.operations import recovery
from accounts.operations.address_ranges import block_range, lift_range
from audit.actors import Actor, command
from audit.log import record
from audit.models import Event, EventOrigin, FailureCount
from projects.models import File
from tests.accounts.denying import break_in, link_in_mail
from tests.accounts.doors import count_events, give_password, is_signed_in, text_of_page
from tests.indexsite.test_read_only import all_paths
from tests.support.clone import Database, race
from tests.support.people import NETWORK_ADDRESS, Person, make_person
from tests.support.uploading import said, token_of, upload
from tests.tokens.keys import project_of
from uploads import incoming
from uploads.events import UPLOAD_REFUSED

Browser = Callable[..., Client]
BY = command("a test")
REASON = "Passwords are guessed from there."
HERE = "192.0.2.0/24"  # where the browsers of the tests are
TOOLS = "127.0.0.0/24"  # where the tools of the tests are
AWAY = "198.51.100.0/24"
LIST = "/admin/accounts/blockedrange/"
PAGE = f"{LIST}act/block-range/"
REFUSED = "The staff of this site have blocked your network address"


def seen_from(address: str, *people: Person) -> None:
    """Let people have signed in from an address."""
    for person in people:
        by = Actor("anonymous", network_address=address).as_user(person.user)
        record(SIGN_IN_SUCCEEDED, by=by, about=[person.user], method="a test", factor="")


# What is a range


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        (" 192.0.2.77/24 ", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:DB8:0::/48", "2001:db8::/48"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::1/128"),
        ("fe80::%eth0/64", "fe80::/64"),
    ],
)
def test_a_range_has_one_spelling(text: str, network: str) -> None:
    assert read_range(text) == network


@pytest.mark.parametrize("text", ["", "alice", "192.0.2.0/33", "300.0.0.1", "10.", "\x00", "/"])
def test_what_is_no_range_is_refused(db: None, text: str) -> None:
    with pytest.raises(ValidationError, match="no range"):
        block_range(text, reason=REASON, by=BY)


@pytest.mark.parametrize(
    ("network", "address", "expected"),
    [
        (AWAY, "198.51.100.0", True),
        (AWAY, "198.51.100.255", True),
        (AWAY, "198.51.101.0", False),
        (AWAY, "198.51.99.255", False),
        (AWAY, "::ffff:198.51.100.1", True),
        (AWAY, "2001:db8::1", False),
        (AWAY, "", False),
        ("2001:db8::/48", "2001:db8::1", True),
        ("2001:db8::/48", "2001:db8:1::", False),
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
    ],
)
def test_an_address_is_blocked_by_its_range(
    db: None, network: str, address: str, expected: bool
) -> None:
    block_range(network, reason=REASON, by=BY)
    assert is_blocked(address) is expected


# What is refused, and what goes on


def test_nobody_signs_in_from_a_blocked_address(browser: Browser, alice: Person) -> None:
    block_range(HERE, reason=REASON, by=BY)
    client = browser()
    page = give_password(client, alice)
    assert page.status_code == 403
    assert REFUSED in text_of_page(page)
    assert REASON not in text_of_page(page)
    assert not is_signed_in(client)
    assert count_events(SIGN_IN_FAILED) == 0  # the password was not looked at
    event = Event.objects.get(kind=BLOCKED_ADDRESS_REFUSED.name)
    assert (event.is_failure, event.fields) == (True, {"page": "two_factor:login"})


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account/register/", {"username": "zoe", "email": "z@example.org", "password": "x" * 20}),
        ("/account/password/reset/", {"email": "alice@example.org"}),
        ("/account/sign-in/passkey/", {}),
        ("/account/set-up/", {}),
        ("/admin/login/", {}),
    ],
)
def test_no_form_of_a_stranger_is_taken_from_there(
    browser: Browser, alice: Person, settings: Any, path: str, fields: dict[str, str]
) -> None:
    settings.REGISTRATION = "open"
    block_range(HERE, reason=REASON, by=BY)
    page = browser().post(path, fields)
    assert page.status_code == 403
    assert REFUSED in text_of_page(page)
    assert User.objects.count() == 1
    assert not PasswordReset.objects.exists()


def test_an_owner_stops_a_recovery_case_from_there_with_the_link(
    browser: Browser, alice: Person
) -> None:
    case = recovery.open_case(alice.user, evidence="A call.", reason="The phone is lost.", by=BY)
    mail = OutboxMail.objects.filter(notice="recovery_opened").latest("pk")
    (link,) = re.findall(r"localhost:8000(/\S+link=\S+)", str(notices.render(mail).body))
    block_range(HERE, reason=REASON, by=BY)
    assert "Cancel the removal" in text_of_page(browser().get(link))
    assert "The removal is cancelled" in text_of_page(browser().post(link))
    case.refresh_from_db()
    assert case.outcome == RecoveryCase.Outcome.CANCELLED
    event = Event.objects.get(kind=RECOVERY_CANCELLED.name)
    assert event.fields == {"means": "link from the mail"}
    origin = EventOrigin.objects.get(event_number=event.number)
    assert origin.network_address == NETWORK_ADDRESS


def test_a_stranger_stops_no_recovery_case_from_there(browser: Browser, alice: Person) -> None:
    case = recovery.open_case(alice.user, evidence="A call.", reason="The phone is lost.", by=BY)
    forged = signing.dumps([str(case.pk)], salt="accounts.cancel-recovery", key="guessed")
    of_another_purpose = links.sign_reset(str(case.pk))
    block_range(HERE, reason=REASON, by=BY)
    for link in ("", str(case.pk), forged, of_another_purpose):
        page = browser().post("/account/recovery/cancel/", query_params={"link": link})
        assert page.status_code == 400
        assert alice.username not in text_of_page(page)
    case.refresh_from_db()
    assert case.is_open
    assert count_events(RECOVERY_CANCELLED) == 0


def test_an_owner_throws_an_intruder_out_from_there_with_the_link(
    browser: Browser, alice: Person
) -> None:
    intruder = break_in(browser, alice)
    block_range(HERE, reason=REASON, by=BY)
    assert browser().post("/account/not-me/").status_code == 400
    assert is_signed_in(intruder)
    assert browser().post(link_in_mail()).status_code == 200
    assert not is_signed_in(intruder)


def test_nothing_but_what_is_listed_is_taken_from_there(browser: Browser, alice: Person) -> None:
    block_range(HERE, reason=REASON, by=BY)
    client, through = browser(), set()
    for path in all_paths():
        response = client.post(path)
        if not (response.status_code == 403 and REFUSED in response.content.decode()):
            through.add(resolve(path).view_name)
    assert through == {
        "accounts:cancel-recovery",
        "accounts:deny-sign-in",
        "accounts:sign-out",
        "accounts:stop-mail",
        "projects:actions",
        "projects:actions-with-slash",
    }


def test_a_form_that_is_refused_again_is_only_counted(browser: Browser, alice: Person) -> None:
    block_range(HERE, reason=REASON, by=BY)
    for _ in range(3):
        give_password(browser(), alice)
    assert count_events(BLOCKED_ADDRESS_REFUSED) == 1
    assert FailureCount.objects.get(kind=BLOCKED_ADDRESS_REFUSED.name).count == 3


def test_an_upload_from_there_is_refused_in_one_line_before_its_body_is_read(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(alice)
    block_range(TOOLS, reason=REASON, by=BY)
    monkeypatch.setattr(incoming, "receive", None)
    response = upload(token)
    assert response.status_code == 403
    assert said(response).startswith(f"{REFUSED}: nothing can be uploaded or changed from it.")
    event = Event.objects.get(kind=UPLOAD_REFUSED.name)
    assert event.fields == {"code": "blocked_address", "target": "", "filename": ""}
    assert not File.objects.exists()


def test_an_upload_is_refused_where_no_switch_has_a_row(alice: Person) -> None:
    token = token_of(alice)
    SwitchState.objects.all().delete()
    block_range(TOOLS, reason=REASON, by=BY)
    assert upload(token).status_code == 403


def test_other_addresses_sign_in_and_upload(browser: Browser, alice: Person) -> None:
    block_range(AWAY, reason=REASON, by=BY)
    assert upload(token_of(alice)).status_code == 200
    assert give_password(browser(), alice).status_code == 200
    assert count_events(BLOCKED_ADDRESS_REFUSED) == 0


def test_reading_goes_on(browser: Browser, alice: Person) -> None:
    project_of(alice, "seagull")
    block_range(HERE, reason=REASON, by=BY)
    for path in ("/", "/simple/", "/simple/seagull/", "/search/", "/account/sign-in/"):
        assert browser().get(path).status_code == 200, path
    search = "<methodCall><methodName>search</methodName></methodCall>"
    assert browser().post("/pypi", search, content_type="text/xml").status_code == 200


def test_a_session_that_is_open_goes_on_and_can_be_ended(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    block_range(HERE, reason=REASON, by=BY)
    added = client.post("/account/addresses/add/", {"email": "second@example.org"})
    assert added.status_code == 302
    assert client.post("/account/sign-out/").status_code == 302
    assert not is_signed_in(client)


def test_an_upload_asks_the_database_as_often_as_before(alice: Person) -> None:
    token = token_of(alice)
    upload(token, release="1.0")
    counts = []
    for release in ("1.1", "1.2"):
        with CaptureQueriesContext(connection) as queries:
            assert upload(token, release=release).status_code == 200
        counts.append(len(queries))
        asked = [query["sql"] for query in queries if "blockedrange" in query["sql"]]
        assert len(asked) == 1
        assert "switchstate" in asked[0]  # which was asked before there were blocks
        if release == "1.1":
            block_range(AWAY, reason=REASON, by=BY)
    assert counts[0] == counts[1]


# Ends


def test_a_block_is_over_at_its_end_and_that_is_recorded_once(alice: Person) -> None:
    row = block_range(AWAY, ends_at=timezone.now() + timedelta(hours=1), reason=REASON, by=BY)
    assert is_blocked("198.51.100.1")
    assert note_ends_of_blocks() == 0
    BlockedRange.objects.filter(pk=row.pk).update(ends_at=timezone.now())
    assert not is_blocked("198.51.100.1")
    assert [note_ends_of_blocks(), note_ends_of_blocks()] == [1, 0]
    assert Event.objects.get(kind=RANGE_ENDED.name).fields == {"network": AWAY}
    assert not BlockedRange.objects.exists()


def test_what_has_ended_can_be_blocked_again_at_once(db: None) -> None:
    row = block_range(AWAY, ends_at=timezone.now() + timedelta(hours=1), reason=REASON, by=BY)
    BlockedRange.objects.filter(pk=row.pk).update(ends_at=timezone.now())
    block_range(AWAY, reason=REASON, by=BY)
    assert is_blocked("198.51.100.1")
    assert count_events(RANGE_ENDED) == 1


def test_an_end_in_the_past_is_refused(db: None) -> None:
    with pytest.raises(ValidationError, match="past"):
        block_range(AWAY, ends_at=timezone.now(), reason=REASON, by=BY)


# Whom it must not hit


@pytest.mark.parametrize("network", [NETWORK_ADDRESS, HERE, "192.0.0.0/8", "0.0.0.0/0", "::/0"])
def test_nobody_blocks_the_address_that_they_work_from(sam: Person, network: str) -> None:
    with pytest.raises(ValidationError, match="Nobody locks themselves out"):
        block_range(network, is_confirmed=True, reason=REASON, by=sam.actor)
    assert not BlockedRange.objects.exists()


def test_nobody_blocks_the_address_of_another_session_of_theirs(
    browser: Browser, sam: Person
) -> None:
    browser(sam)
    away = Actor("anonymous", network_address="198.51.100.7").as_user(sam.user)
    with pytest.raises(ValidationError, match="Nobody locks themselves out"):
        block_range(HERE, reason=REASON, by=away)


@pytest.mark.parametrize(("group", "is_refused"), [("Support", True), ("Auditor", False)])
def test_staff_who_could_lift_it_are_not_all_locked_out(
    browser: Browser, db: None, group: str, is_refused: bool
) -> None:
    browser(make_person("someone", group=group))
    if is_refused:
        with pytest.raises(ValidationError, match="All staff"):
            block_range(HERE, reason=REASON, by=BY)
    else:
        assert block_range(HERE, reason=REASON, by=BY)


def test_staff_in_two_places_do_not_block_each_other(browser: Browser, sam: Person) -> None:
    browser(sam)
    other = Actor("anonymous", network_address="198.51.100.7").as_user(
        make_person("tess", is_administrator=True).user
    )
    block_range(HERE, reason=REASON, by=other)
    with pytest.raises(ValidationError, match="All staff"):
        block_range(AWAY, reason=REASON, by=sam.actor)


def test_who_was_seen_in_a_range_is_counted_once(alice: Person, bob: Person) -> None:
    seen_from("198.51.100.1", alice, alice, bob)
    seen_from("198.51.101.1", alice)
    assert count_users_in(AWAY) == 2
    assert count_users_in("198.51.100.2") == 0


def test_a_range_that_six_people_use_is_to_be_confirmed(db: None) -> None:
    people = [make_person(f"person-{number}") for number in range(6)]
    seen_from("198.51.100.1", *people)
    with pytest.raises(ValidationError, match="6 accounts were used") as caught:
        block_range(AWAY, reason=REASON, by=BY)
    assert caught.value.code == "shared"
    assert block_range(AWAY, is_confirmed=True, reason=REASON, by=BY)
    assert Event.objects.get(kind=RANGE_BLOCKED.name).fields["accounts"] == 6


def test_a_range_of_five_people_is_typed_once(db: None) -> None:
    seen_from("198.51.100.1", *[make_person(f"person-{number}") for number in range(5)])
    assert block_range(AWAY, reason=REASON, by=BY)


@pytest.mark.parametrize(
    ("network", "is_asked"),
    [("198.0.0.0/15", True), ("198.51.0.0/16", False), ("2001::/31", True), ("2001::/32", False)],
)
def test_a_wide_range_is_to_be_confirmed(db: None, network: str, is_asked: bool) -> None:
    if is_asked:
        with pytest.raises(ValidationError, match="so wide"):
            block_range(network, reason=REASON, by=BY)
    assert block_range(network, is_confirmed=is_asked, reason=REASON, by=BY)


# What staff do


def test_a_wide_range_is_to_be_typed_twice_on_the_page(browser: Browser, sam: Person) -> None:
    client, typed = browser(sam), {"network": "198.0.0.1/8", "reason": REASON}
    assert 'name="again"' not in client.get(PAGE).content.decode()
    for again in ({}, {"again": "198.0.0.0/9"}, {"again": "x"}):
        page = client.post(PAGE, typed | again)
        assert "198.0.0.0/8 is so wide" in text_of_page(page)
        assert 'name="again"' in page.content.decode()
        assert not BlockedRange.objects.exists()
    client.post(PAGE, typed | {"again": "198.0.0.0/8"})
    assert BlockedRange.objects.get().network == "198.0.0.0/8"


def test_staff_block_and_lift(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    ends_at = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)
    fields = {"network": AWAY, "ends_at": f"{ends_at:%Y-%m-%dT%H:%M}", "reason": REASON}
    page = client.post(PAGE, fields, follow=True)
    assert f"Nothing is taken from {AWAY} any more." in text_of_page(page)
    row = BlockedRange.objects.get()
    assert (row.ends_at, row.blocked_by, row.reason) == (ends_at, "sam", REASON)
    assert Event.objects.get(kind=RANGE_BLOCKED.name).fields == {
        "network": AWAY,
        "accounts": 0,
        "ends_at": f"{ends_at:%Y-%m-%d %H:%M} UTC",
        "reason": REASON,
    }
    again = client.post(PAGE, fields)
    assert "This range is blocked already." in text_of_page(again)
    lift = f"{LIST}{row.pk}/lift-range/"
    assert f'href="{LIST}{row.pk}/change/"' in client.get(lift).content.decode()  # the way back
    page = client.post(lift, {"reason": REASON}, follow=True)
    assert page.redirect_chain == [(LIST, 302)]  # the row has no page any more
    assert f"are taken from {AWAY} again." in text_of_page(page)
    assert not is_blocked("198.51.100.1")
    assert count_events(RANGE_LIFTED) == 1


def test_the_page_says_why_staff_do_not_block_themselves(browser: Browser, sam: Person) -> None:
    page = browser(sam).post(PAGE, {"network": HERE, "reason": REASON})
    assert "Nobody locks themselves out." in text_of_page(page)
    assert not BlockedRange.objects.exists()


@pytest.mark.parametrize("group", ["Auditor", "Support", "Projects", "Administrator"])
def test_an_event_offers_to_block_its_address_to_whoever_may(
    browser: Browser, alice: Person, group: str
) -> None:
    seen_from("198.51.100.7", alice)
    event = Event.objects.latest("number")
    client = browser(make_person("someone", group=group))
    page = client.get(f"/admin/audit/event/{event.number}/change/").content.decode()
    link = f"{PAGE}?network=198.51.100.7"
    assert (f'href="{link}"' in page) is (group in {"Support", "Administrator"})
    if group == "Support":
        assert 'value="198.51.100.7"' in client.get(link).content.decode()


@pytest.mark.parametrize("group", ["", "Auditor", "Projects"])
def test_the_operations_refuse_whoever_may_not(db: None, group: str) -> None:
    row = block_range(AWAY, reason=REASON, by=BY)
    by = make_person("someone", group=group).actor
    with pytest.raises(PermissionDenied):
        block_range("203.0.113.0/24", reason=REASON, by=by)
    with pytest.raises(PermissionDenied):
        lift_range(row, reason=REASON, by=by)
    assert BlockedRange.objects.get() == row


def test_who_forges_it_is_recorded(browser: Browser, db: None) -> None:
    client = browser(make_person("someone", group="Projects"))
    assert client.post(PAGE, {"network": AWAY, "reason": REASON}).status_code == 403
    assert count_events(STAFF_ACT_REFUSED) == 1
    assert not BlockedRange.objects.exists()


def test_of_four_who_block_and_lift_at_once_one_is_recorded(committed_db: Database) -> None:
    def block() -> bool:
        try:
            return bool(block_range(AWAY, reason=REASON, by=BY))
        except ValidationError:
            return False

    assert race(4, block).count(True) == 1
    row = BlockedRange.objects.get()
    assert race(4, lambda: lift_range(row, reason=REASON, by=BY)).count(True) == 1
    assert (count_events(RANGE_BLOCKED), count_events(RANGE_LIFTED)) == (1, 1)
