"""All addresses of the site, found by the test itself, as people see them who are not signed in."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.limits import PASSWORD_SITE
from accounts.models import (
    SECOND_FACTORS,
    AuthenticatorApp,
    BetaFeature,
    BlockedRange,
    EmailAddress,
    ProhibitedDomain,
    SecurityKey,
    User,
    UserSession,
)
from accounts.operations import registration
from accounts.operations.sessions import end_sessions
from audit.models import Event
from indexsite.staff_site import OUR_APPS
from projects.models import Invitation, Project, Role
from tests.accounts.addresses import ROWS, Door, address_about, all_doors
from tests.accounts.doors import SIGN_IN, give_password, leads_to_sign_in, newcomer
from tests.support.people import Person, sign_in
from tests.support.uploading import basic, token_of, upload
from tokens.models import APIToken

pytestmark = pytest.mark.once  # what a database does differently is nothing to a gate
Browser = Callable[..., Client]

# What anybody may ask for. Every other address leads whoever is not fully signed in to sign in.
PUBLIC = {
    "projects:home",
    "projects:project-detail",
    "projects:release-detail",
    "projects:user-detail",
    "projects:release-list",
    "projects:search",
    "projects:classifiers",
    "projects:project-report",  # strangers report, too
    "two_factor:login",
    "accounts:register",
    "accounts:ask-for-reset",
    "accounts:reset-password",
    "accounts:set-up",
    "accounts:deny-sign-in",  # for whoever has the link in a mail
    "accounts:cancel-recovery",
    "accounts:stop-mail",
    "accounts:sign-in-options",  # a challenge, for whoever has given the right password
    "accounts:passkey-options",  # a challenge, for anybody
    "accounts:passkey-sign-in",  # looks at the answer to it
    "change-password",  # leads to accounts:change-password, which is guarded
    "accounts:sign-out",  # ends a session, of whatever kind
    "tokens:found-token",
    "uploads:token-help",
    "stats",  # numbers alone, and only where staff turned it on
    "two_factor:setup",  # leads to accounts:add-app, which is guarded
}
SIGN_IN_DOORS = {"two_factor:login", "accounts:passkey-sign-in"}  # they record what fails
SECRET_TABLES = (  # not the names of owners
    "accounts_usersession",
    "accounts_authenticatorapp",
    "accounts_securitykey",
)
ACCOUNT_TABLES = (*SECRET_TABLES, "accounts_user")


@pytest.fixture
def doors(alice: Person, sam: Person) -> list[Door]:
    """All addresses, about things of alice."""
    token = token_of(alice)
    assert upload(token, "foo", "1.0").status_code == 200
    digest = "00" * 32
    Invitation.objects.create(
        project=Project.objects.get(),
        user=sam.user,
        kind=Role.Kind.MAINTAINER,
        invited_by=alice.user,
        expires_at=timezone.now() + timedelta(days=1),
    )
    registration.create_invitation(reason="She is new here.", by=sam.actor)
    EmailAddress.objects.create(user=alice.user, address="second@example.org")
    PASSWORD_SITE.take("site")
    ProhibitedDomain.objects.create(domain="trash.example", prohibited_by="sam")
    BetaFeature.objects.create(name="passkeys", text="New.")
    BlockedRange.objects.create(network="203.0.113.0/24", first_key="f" * 32, last_key="0" * 32)
    SecurityKey.objects.create(user=alice.user, name="key", credential_id="a2V5", public_key=b"x")
    return all_doors(
        {
            "pk": str(APIToken.objects.get().pk),
            "object_id": str(EmailAddress.objects.get(user=sam.user).pk),
            "name": "foo",
            "username": "alice",
            "version": "1.0",
            "digest": f"{digest[:2]}/{digest[2:4]}/{digest[4:]}",
            "filename": "foo-1.0-py3-none-any.whl",
            "session": str(APIToken.objects.get().pk),
            "content_type_id": "1",
            "path": "x",
            "key": "coverage",
            "form": "csv",
            "app_label": "accounts",
        }
    )


def bearer(browser: Browser, person: Person) -> Client:
    """A program that sends an API token with everything that it asks for."""
    client = browser()
    client.defaults["HTTP_AUTHORIZATION"] = basic(token_of(person, name="for everything"))
    return client


def half_signed_in(browser: Browser, person: Person) -> Client:
    client = browser()
    assert give_password(client, person).status_code == 200
    return client


def stale(browser: Browser, person: Person) -> Client:
    """A session that was opened with a password, before the account had a second factor."""
    for kind in SECOND_FACTORS:
        kind.objects.filter(user=person.user).update(confirmed=False)
    client = browser(person)
    for kind in SECOND_FACTORS:
        kind.objects.filter(user=person.user).update(confirmed=True)
    return client


def frozen(browser: Browser, person: Person) -> Client:
    """A session with everything, of an account that was closed since."""
    client = browser(person)
    User.objects.filter(pk=person.user.pk).update(is_active=False)
    return client


def ended(browser: Browser, person: Person) -> Client:
    """A session that its owner has ended."""
    client = browser(person)
    end_sessions(person.user, keep=None, by=person.actor)
    browser(person)  # there is another one
    return client


WITHOUT_OWNER = {
    "audit",
    "accounts.BetaFeature",
    "accounts.BlockedRange",
    "accounts.OutboxMail",
    "accounts.ProhibitedDomain",
    "accounts.RateCount",
}


OWNED_BY = {"accounts.User": "pk", "accounts.RecoveryCode": "code_set__user"}


def owner_of(model: type[Model]) -> str:
    """The field by which rows of a table are somebody's; "" where they are not."""
    has_user = any(field.name == "user" for field in model._meta.get_fields())
    return OWNED_BY.get(model._meta.label, "user" if has_user else "")


def things_of(person: Person) -> dict[str, list[object]]:
    """Everything that a page could have changed: all tables, but for what others may add to."""
    things: dict[str, list[object]] = {}
    for model in apps.get_models():
        label = model._meta.label
        if (
            model._meta.proxy
            or model._meta.app_label not in OUR_APPS
            or {label, label.split(".")[0]} & WITHOUT_OWNER
        ):
            continue
        rows = model._default_manager.order_by("pk")
        if owner := owner_of(model):
            rows = rows.filter(**{owner: person.user.pk})
        things[label] = list(rows.values("pk") if model is UserSession else rows.values())
    return things


def changes_to(person: Person, before: dict[str, list[object]]) -> dict[str, list[object]]:
    """What is not as it was. Others may add to tables whose rows have no owner."""
    changes = {}
    for label, rows in things_of(person).items():
        missing = [row for row in before[label] if row not in rows]
        added = [row for row in rows if row not in before[label]]
        changes[label] = missing + (added if owner_of(apps.get_model(label)) else [])
    return {label: rows for label, rows in changes.items() if rows}


FIELDS = {
    "note": "mine",
    "value": "open",
    "password": "ferry lantern gravel teapot",
    "code": "000000",
    "label": "mine",
    "email": "mine@example.org",
    "name": "mine",
    "scope": "account",
    "reason": "a reason that is long enough",
    "action": "delete_selected",
    "post": "yes",
    "answer": "{}",
    "sudo-password": "x",
    "typed": "foo",
    "username": "mallory",
    "kind": "owner",
    "sudo-code": "000000",
    "sudo-answer": "{}",
    "sudo-carried": "x",
}


def test_the_walk_finds_the_pages_that_there_are(doors: list[Door]) -> None:
    names = {door.name for door in doors}
    assert names > PUBLIC
    assert names > {
        "accounts:security",
        "accounts:add-app",
        "accounts:remove-app",
        "accounts:rename-app",
        "accounts:add-key",
        "accounts:add-key-options",
        "accounts:rename-key",
        "accounts:remove-key",
        "accounts:add-passkey",
        "accounts:add-passkey-options",
        "accounts:confirm-options",
        "accounts:recovery-codes",
        "accounts:make-recovery-codes",
        "accounts:history",
        "accounts:verify-address",
        "accounts:change-address",
        "accounts:add-address",
        "accounts:remove-address",
        "accounts:make-primary",
        "accounts:change-password",
        "accounts:download-data",
        "accounts:close-account",
        "accounts:export-history",
        "tokens:token-create",
        "tokens:token-revoke",
        "tokens:token-list",
        "projects:my-projects",
        "projects:project-history",
        "admin:act-verify",
        "admin:make-invitation",
        "admin:act-cancel",
        "admin:act-turn",
        "admin:index",
        "admin:accounts_user_change",
        "uploads:file-upload",
    }


def is_refused(response: Any, door: Door) -> bool:
    """Whether an answer only leads to the sign-in page, or says that pages are for staff alone."""
    if door.path.startswith("/admin/") and response.status_code == 403:
        return "for staff with a second factor" in response.content.decode()
    if door.name == "admin:login" and response["Location"] == "/account/security/":
        return True  # whoever is signed in and no staff
    return response.status_code == 302 and str(response["Location"]).startswith(SIGN_IN)


@pytest.mark.parametrize(
    "make",
    [lambda browser, _person: browser(), bearer, half_signed_in, stale, frozen, ended],
    ids=["stranger", "bearer", "half signed in", "stale", "frozen", "ended"],
)
def test_every_page_that_is_not_public_refuses_whoever_is_not_fully_signed_in(
    browser: Browser,
    alice: Person,
    sam: Person,
    doors: list[Door],
    make: Callable[[Browser, Person], Client],
) -> None:
    browser(alice)  # so that there are a session and a device to be ended
    staff, others = make(browser, sam), make(browser, alice)
    before, events = things_of(alice), Event.objects.count()
    let_in = []
    for door in doors:
        if door.name in PUBLIC or door.is_for_machines:
            continue
        path = address_about(door, alice)
        client = staff if path.startswith("/admin/") else others
        for method, fields in (("GET", {}), ("HEAD", {}), ("POST", FIELDS), ("PUT", {})):
            response = client.generic(method, path) if not fields else client.post(path, fields)
            if not is_refused(response, door):
                let_in.append((method, door.name, path, response.status_code))
    assert let_in == []
    assert things_of(alice) == before
    assert Event.objects.count() == events


def test_every_address_with_an_id_is_tried_with_one_that_there_is(
    browser: Browser, alice: Person, doors: list[Door]
) -> None:
    filler = str(APIToken.objects.get().pk)
    of_people = [door for door in doors if not door.path.startswith("/admin/")]
    unknown = {door.name for door in of_people if filler in door.path} - ROWS.keys()
    assert unknown == set(), "add to ROWS whose ids these addresses hold"


@contextmanager
def undone(client: Client) -> Iterator[None]:
    """Take back what a request changed, of its own account too: the next one finds all open."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    client.cookies = cookies


def test_the_ids_of_another_account_open_nothing(
    browser: Browser, alice: Person, mallory: Person, doors: list[Door]
) -> None:
    browser(alice)
    held = AuthenticatorApp.objects.create(
        user=alice.user, name="held", held_at=alice.user.joined_at, secret=alice.app.secret
    )
    # Without a proof: sudo mode is open, and a wrong one would keep the form from the page
    fields = {name: value for name, value in FIELDS.items() if not name.startswith("sudo-")}
    fields |= {"release": f"authenticatorapp-{held.pk}", "resume": "1"}
    fields |= {"delete": fields["release"]}
    before = things_of(alice)
    client = browser(mallory)
    for door in doors:
        if door.is_for_machines:
            continue
        path = address_about(door, alice)
        is_for_staff = path.startswith("/admin/")
        for method, send in (("GET", client.get), ("POST", partial(client.post, data=fields))):
            with undone(client):
                response = send(path)
                if door.name in ROWS and not is_for_staff:
                    assert response.status_code in {403, 404, 405}, (method, door)
                page = getattr(response, "content", b"")  # a file is sent in pieces
                assert b"Confirm it is you" not in page, (method, door)
                if response.status_code in {200, 302} and not is_for_staff:
                    assert changes_to(alice, before) == {}, (method, door)


# What takes forms without the token that shows where they are from: the link in it is the proof
WITHOUT_TOKEN = {"accounts:stop-mail"}


def test_no_page_takes_a_form_of_another_site(
    browser: Browser, alice: Person, sam: Person, doors: list[Door]
) -> None:
    browser(alice)  # so that there are a session and a device
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    sign_in(client, sam)
    client.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
    before, events = [things_of(alice), things_of(sam)], Event.objects.count()
    for door in doors:
        if door.is_for_machines or door.name in WITHOUT_TOKEN:
            continue
        response = client.post(address_about(door, alice), FIELDS)
        page = response.content.decode()
        is_refused = response.status_code == 403 and "This form is no longer valid" in page
        assert is_refused or response.status_code == 405, door
    assert [things_of(alice), things_of(sam)] == before
    assert Event.objects.count() == events


def test_public_pages_open_nothing_to_a_stale_session(
    browser: Browser, alice: Person, doors: list[Door]
) -> None:
    client = stale(browser, alice)
    before = things_of(alice)
    for door in doors:
        if door.name in PUBLIC - {"accounts:sign-out", *SIGN_IN_DOORS}:
            client.get(door.path)
            client.post(door.path, FIELDS)
    assert things_of(alice) == before


def test_pages_for_staff_refuse_whoever_is_not_staff(
    browser: Browser, alice: Person, doors: list[Door]
) -> None:
    for client in (browser(alice), browser(newcomer())):
        for door in doors:
            if door.path.startswith("/admin/"):
                path = address_about(door, alice)
                for response in (client.get(path), client.post(path, FIELDS)):
                    assert is_refused(response, door), door


def test_every_answer_that_depends_on_a_cookie_is_kept_out_of_caches(
    browser: Browser, alice: Person, sam: Person, doors: list[Door]
) -> None:
    for client in (browser(), browser(sam), stale(browser, alice), browser(alice)):
        for door in doors:
            if door.name in {"accounts:sign-out", "admin:logout"}:
                continue
            response = client.get(address_about(door, alice))
            if "cookie" in response.get("Vary", "").lower() or response.cookies:
                assert "no-store" in response.get("Cache-Control", ""), door


def test_pages_of_an_account_are_kept_out_of_caches(
    browser: Browser, alice: Person, doors: list[Door]
) -> None:
    client, seen = browser(alice), 0
    for door in doors:
        if door.path.startswith(("/account/", "/manage/")) and door.name != "accounts:sign-out":
            response = client.get(address_about(door, alice))
            if response.status_code == 200:
                seen += 1
                assert "no-store" in response["Cache-Control"], door
    assert seen >= 9


def test_doors_for_machines_know_no_session(
    browser: Browser, alice: Person, doors: list[Door]
) -> None:
    client = browser(alice)
    machine_doors = [door for door in doors if door.is_for_machines]
    assert {door.name for door in machine_doors} >= {
        "projects:simple-index",
        "projects:simple-detail",
        "projects:file-download",
        "uploads:file-upload",
    }
    paths = [door.path for door in machine_doors] + ["/_health/", "/static/indexsite/site.css"]
    for path in paths:
        for send in (client.get, client.post):
            client.cookies["csrf"] = "x" * 32
            with CaptureQueriesContext(connection) as queries:
                response = send(path)
            asked = " ".join(query["sql"] for query in queries.captured_queries)
            tables = SECRET_TABLES if path.startswith("/pypi/") else ACCOUNT_TABLES
            assert not any(table in asked for table in tables), path
            assert not response.cookies, path
            assert "cookie" not in response.get("Vary", "").lower(), path


def test_a_session_does_not_upload(browser: Browser, alice: Person) -> None:
    response = browser(alice).post("/legacy/", {":action": "file_upload", "name": "foo"})
    assert response.status_code == 403


def test_a_browser_without_cookies_is_given_none_by_public_pages(
    browser: Browser, db: None
) -> None:
    assert not browser().get("/").cookies
    assert not UserSession.objects.exists()


def test_ids_in_addresses_are_not_guessable_numbers(doors: list[Door]) -> None:
    assert UUID(str(APIToken.objects.get().pk)).version == 4


def test_an_unverified_account_is_led_to_where_it_verifies(
    browser: Browser, doors: list[Door], alice: Person
) -> None:
    browser(alice)
    client = browser(newcomer("unverified", is_verified=False))
    open_pages = {"accounts:security", "accounts:verify-address"}
    open_pages |= {"accounts:change-address", "accounts:send-again"}
    codes = {"accounts:recovery-codes", "accounts:make-recovery-codes", "accounts:confirm-options"}
    own = [door for door in doors if door.name.startswith(("accounts:", "tokens:", "projects:"))]
    for door in own:
        if door.name in PUBLIC | open_pages | codes or door.is_for_machines:
            continue
        response = client.get(address_about(door, alice))
        assert (response.status_code, response.get("Location")) == (302, "/account/security/"), door
    assert client.post("/account/sign-out/").status_code == 302
    assert leads_to_sign_in(client.get("/account/security/"))
