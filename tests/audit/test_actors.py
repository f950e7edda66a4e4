"""Who acts, and from where."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from accounts.sessions import SessionStore, digest
from audit.actors import command, from_connection, from_request, shorten
from audit.middleware import ActorMiddleware


@pytest.mark.once
@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.17", "192.0.2.0/24"),
        ("192.0.2.255", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("", ""),
        ("unix:", ""),
        ("192.0.2.256", ""),
    ],
)
def test_an_address_is_shortened_to_its_network(address: str, network: str) -> None:
    assert shorten(address) == network


def test_a_request_of_nobody_has_a_nameless_actor() -> None:
    request: Any = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_USER_AGENT="A/1")
    request.user = AnonymousUser()
    actor = from_request(request)
    assert (actor.kind, actor.id, actor.user) == ("anonymous", "", None)
    assert (actor.network_address, actor.user_agent) == ("192.0.2.1", "A/1")


def test_a_request_with_a_session_is_its_users(db: None, alice: Any) -> None:
    request: Any = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1")
    request.user, request.session = alice.user, SessionStore("k" * 32)
    actor = from_request(request)
    assert (actor.kind, actor.id, actor.label) == ("user", str(alice.user.pk), "alice")
    assert (actor.credential, actor.session) == ("session", digest("k" * 32))
    assert from_connection(request).session == ""


def test_a_user_agent_is_cut_and_holds_no_nul() -> None:
    request = RequestFactory().get("/", HTTP_USER_AGENT="\x00" + "x" * 500)
    assert from_connection(request).user_agent == "x" * 399


def test_a_command_acts_as_the_server() -> None:
    actor = command("rotate_keys")
    assert (actor.kind, actor.label, actor.credential_label) == ("system", "server", "rotate_keys")


def test_the_session_is_not_asked_before_somebody_looks_at_the_actor() -> None:
    class Watched:
        META: dict[str, str] = {}
        COOKIES: dict[str, str] = {}
        asked = False

        @property
        def user(self) -> AnonymousUser:
            self.asked = True
            return AnonymousUser()

    request: Any = Watched()
    ActorMiddleware(lambda passed: passed)(request)  # type: ignore[arg-type, return-value]
    assert not request.asked
    assert request.actor.kind == "anonymous"
    assert request.asked
