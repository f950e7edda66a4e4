"""Staff end one token, all of an account, or all that a list of events names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts.models import OutboxMail
from tests.accounts.doors import count_events, text_of_page
from tests.support.people import Person, make_person
from tests.tokens.keys import make, project_of
from tokens.events import TOKEN_REVOKED
from tokens.models import APIToken
from tokens.operations.revoking import revoke_tokens

Browser = Callable[..., Client]
NAMES = ("narrow", "wide", "ending", "ended", "dusty")
REASON = "The token was published by mistake."


def active() -> list[str]:
    return sorted(APIToken.objects.active().values_list("name", flat=True))


def test_all_tokens_of_an_account_are_revoked(
    browser: Browser, sam: Person, alice: Person, bob: Person
) -> None:
    for name in ("one", "two"):
        make(alice, name)
    make(bob, "three")
    client = browser(sam)
    address = f"/admin/accounts/user/{alice.user.pk}/revoke-tokens/"
    assert "2 API tokens of alice are refused" in text_of_page(client.get(address))
    client.post(address, {"reason": REASON})
    assert active() == ["three"]
    revoked = APIToken.objects.filter(user=alice.user)
    assert {(row.revoked_cause, row.revoked_because) for row in revoked} == {("staff", REASON)}
    assert OutboxMail.objects.filter(notice="token_revoked", recipient=alice.email).count() == 2


def test_the_tokens_that_events_name_are_revoked(
    browser: Browser, sam: Person, alice: Person, bob: Person
) -> None:
    for person, name in ((alice, "one"), (alice, "two"), (bob, "three")):
        make(person, name)
    client = browser(sam)
    address = "/admin/events/revoke-tokens/?kind=token:token:created&actor=alice"
    page = text_of_page(client.get(address))
    assert "> one</label>" in page
    assert "three" not in page
    kept = APIToken.objects.get(name="two")
    client.post(address, {"reason": REASON, "row": str(APIToken.objects.get(name="one").pk)})
    assert active() == ["three", "two"]
    revoke_tokens([kept], reason=REASON, by=sam.actor)
    assert "no" in text_of_page(client.get(address)).lower()


def test_revoking_twice_is_recorded_once(sam: Person, alice: Person) -> None:
    token, _text = make(alice)
    assert revoke_tokens([token], reason=REASON, by=sam.actor) == 1
    assert revoke_tokens([token], reason=REASON, by=sam.actor) == 0
    assert count_events(TOKEN_REVOKED) == 1


@pytest.mark.parametrize("group", ["", "Auditor", "Projects"])
def test_others_may_not(alice: Person, group: str) -> None:
    token, _text = make(alice)
    with pytest.raises(PermissionDenied):
        revoke_tokens([token], reason=REASON, by=make_person("other", group=group).actor)
    assert active() == ["a token"]


def test_the_list_can_be_filtered(browser: Browser, sam: Person, alice: Person) -> None:
    now = timezone.now()
    for name, projects, changes in (
        ("narrow", [project_of(alice, "foo")], {"expires_at": now + timedelta(days=300)}),
        ("wide", None, {"expires_at": None, "last_used_at": now}),
        ("ending", None, {"expires_at": now + timedelta(days=3)}),
        ("ended", None, {"expires_at": now - timedelta(days=3)}),
        ("dusty", None, {"created_at": now - timedelta(days=99), "expires_at": None}),
    ):
        token, _text = make(alice, name, projects)
        APIToken.objects.filter(pk=token.pk).update(**changes)
    client = browser(sam)

    def found(query: str) -> set[str]:
        page = client.get(f"/admin/tokens/apitoken/?{query}").content.decode()
        return {
            name
            for name in ("narrow", "wide", "ending", "ended", "dusty")
            if f">{name}</a>" in page
        }

    assert found("ends=never") == {"wide", "dusty"}
    assert found("ends=soon") == {"ending"}
    assert found("ends=over") == {"ended"}
    assert found("used=never") == {"narrow", "ending", "ended", "dusty"}
    assert found("used=long-ago") == {"dusty"}
    assert found("scope=some") == {"narrow"}
    assert found("scope=all&ends=never") == {"wide", "dusty"}
