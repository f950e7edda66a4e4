"""The staff site, and Django's own doors, which would bypass second factor, reason and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import (
    AuthenticatorApp,
    EmailAddress,
    OutboxMail,
    RateCount,
    RecoveryCode,
    RecoveryCodeSet,
    User,
    UserSession,
)
from audit.models import Event
from tests.accounts.doors import SIGN_IN, newcomer, text_of_page
from tests.support.people import Person, make_person
from tests.support.server import ROOT
from tests.support.uploading import token_of
from tokens.models import APIToken

Browser = Callable[..., Client]
OURS = {"audit", "accounts", "projects", "tokens", "uploads"}


@pytest.fixture
def shelves(alice: Person, sam: Person) -> None:
    """A row of everything that staff see."""
    token_of(alice)
    OutboxMail.objects.create(notice="x", recipient="alice@example.org")


def pages_of_models() -> list[tuple[str, Any]]:
    return [
        (f"/admin/{model._meta.app_label}/{model._meta.model_name}/", model)
        for model in admin.site._registry
    ]


# Who is let in


def test_staff_with_a_verified_second_factor_are_let_in(browser: Browser, sam: Person) -> None:
    assert browser(sam).get("/admin/").status_code == 200


def test_everybody_else_is_not(browser: Browser, alice: Person, sam: Person) -> None:
    app = sam.app
    AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=False)
    stale = browser(sam)
    AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=True)
    closed = browser(sam)
    User.objects.filter(pk=sam.user.pk).update(is_active=False)
    for client in (browser(), stale, closed):
        assert client.get("/admin/").status_code == 302
    assert browser(alice).get("/admin/").status_code == 403


def test_staff_without_any_second_factor_are_not(browser: Browser, db: None) -> None:
    person = newcomer()
    User.objects.filter(pk=person.user.pk).update(is_staff=True)
    person.user.groups.add(Group.objects.get(name="Administrator"))
    response = browser(person).get("/admin/")
    assert (response.status_code, response["Location"]) == (302, "/account/security/")


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/login/?next=/admin/accounts/user/"])
def test_the_sign_in_page_of_django_takes_no_password(
    browser: Browser, sam: Person, path: str
) -> None:
    client = browser()
    for fields in (
        {"username": "sam", "password": sam.password, "next": "/admin/"},
        {"username": "sam", "password": sam.password, "this_is_the_login_form": "1"},
    ):
        response = client.post(path, fields)
        assert response["Location"].startswith(SIGN_IN)
    assert not UserSession.objects.filter(user=sam.user).exists()
    assert client.get("/admin/").status_code == 302


def test_the_password_page_of_django_changes_no_password(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    new = "another long password 7f3a"
    fields = {"old_password": sam.password, "new_password1": new, "new_password2": new}
    assert client.get("/admin/password_change/")["Location"] == "/account/security/"
    assert client.post("/admin/password_change/", fields)["Location"] == "/account/security/"
    assert sam.fresh_user.check_password(sam.password)


def test_the_password_of_another_account_cannot_be_changed_in_the_admin(
    browser: Browser, alice: Person, sam: Person
) -> None:
    client, new = browser(sam), "another long password 7f3a"
    fields = {"password1": new, "password2": new, "usable_password": "true"}
    for path in (
        f"/admin/accounts/user/{alice.user.pk}/password/",
        f"/admin/auth/user/{alice.user.pk}/password/",
        f"/admin/accounts/user/{alice.user.pk}/change/password/",
    ):
        assert client.post(path, fields).status_code in {302, 404}
    assert alice.fresh_user.check_password(alice.password)


def test_signing_out_of_the_admin_is_recorded(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    client.post("/admin/logout/")
    assert Event.objects.filter(kind="sign-in:session:closed").count() == 1
    assert client.get("/admin/").status_code == 302


# What is there


def test_only_our_own_tables_are_in_the_admin() -> None:
    assert {model._meta.app_label for model in admin.site._registry} <= OURS


@pytest.mark.parametrize(
    "model", [Group, Permission, LogEntry, UserSession, RecoveryCode, RecoveryCodeSet]
)
def test_what_would_give_rights_or_show_secrets_is_not_in_the_admin(model: Any) -> None:
    assert not admin.site.is_registered(model)


@pytest.mark.parametrize(
    "path",
    ["auth/group/", "otp_totp/totpdevice/", "otp_static/staticdevice/", "two_factor/phonedevice/"],
)
def test_the_pages_of_stock_apps_are_not_there(browser: Browser, sam: Person, path: str) -> None:
    assert browser(sam).get(f"/admin/{path}").status_code == 404


def test_other_apps_cannot_put_their_tables_there() -> None:
    before = set(admin.site._registry)
    admin.site.register(Group)
    admin.site.register([Group, Permission])
    assert set(admin.site._registry) == before


def test_every_list_and_row_can_be_looked_at(browser: Browser, sam: Person, shelves: None) -> None:
    client = browser(sam)
    for path, model in pages_of_models():
        assert client.get(path).status_code == 200, path
        row = model._default_manager.first()
        if row is not None:
            assert client.get(f"{path}{row.pk}/change/").status_code == 200, path


def test_nothing_can_be_added_changed_or_deleted_there(
    browser: Browser, alice: Person, sam: Person, shelves: None
) -> None:
    client = browser(sam)
    for path, model in pages_of_models():
        row = model._default_manager.first()
        before = list(model._default_manager.order_by("pk").values())
        forged = {field.name: "forged" for field in model._meta.fields if field.name != "id"} | {
            "is_staff": "on",
            "is_active": "on",
            "post": "yes",
            "_save": "Save",
        }
        assert client.post(f"{path}add/", forged).status_code == 403, path
        if row is None:
            continue
        assert client.post(f"{path}{row.pk}/change/", forged).status_code == 403, path
        assert client.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403, path
        chosen = {"_selected_action": row.pk, "index": "0", "select_across": "1"}
        for action in ("delete_selected", "make_staff"):
            client.post(path, chosen | {"action": action, "post": "yes"})
        client.post(
            path,
            {
                "_save": "Save",
                "form-TOTAL_FORMS": "1",
                "form-INITIAL_FORMS": "1",
                "form-0-id": row.pk,
                "form-0-is_staff": "on",
            },
        )
        client.get(f"{path}?_popup=1&_to_field=id")
        if model is not RateCount:  # which counts these very pages
            rows = model._default_manager.order_by("pk")
            if issubclass(model, Event):  # the refusals themselves are recorded
                rows = rows[: len(before)]
            assert list(rows.values()) == before, path


def test_an_account_cannot_be_made_staff_with_its_inline_rows(
    browser: Browser, alice: Person, sam: Person
) -> None:
    fields = {
        "is_staff": "on",
        "email_addresses-TOTAL_FORMS": "1",
        "email_addresses-INITIAL_FORMS": "0",
        "email_addresses-0-address": "forged@example.org",
        "email_addresses-0-user": str(alice.user.pk),
    }
    path = f"/admin/accounts/user/{alice.user.pk}/change/"
    assert browser(sam).post(path, fields).status_code == 403
    assert not alice.fresh_user.is_staff
    assert not EmailAddress.objects.filter(address="forged@example.org").exists()


def test_no_page_of_the_admin_shows_a_secret(
    browser: Browser, alice: Person, sam: Person, shelves: None
) -> None:
    client = browser(sam)
    secrets = [
        alice.user.password,
        alice.app.secret,
        APIToken.objects.get().root_key,
        *RecoveryCode.objects.values_list("digest", flat=True),
        *UserSession.objects.values_list("session_key", flat=True),
    ]
    for path, model in pages_of_models():
        pages = [client.get(path)]
        pages += [client.get(f"{path}{row.pk}/change/") for row in model._default_manager.all()[:5]]
        for page in pages:
            assert not any(secret in page.content.decode() for secret in secrets), path


@pytest.mark.parametrize(
    "address",
    [
        "accounts/user/?password__startswith=argon2",
        "accounts/user/?o=1&password__gt=a",
        "accounts/user/?api_tokens__root_key__startswith=a",
        "accounts/user/?authenticatorapp__secret__startswith=a",
        "accounts/emailaddress/?user__password__startswith=argon2",
        "tokens/apitoken/?root_key__startswith=a",
        "tokens/apitoken/?user__password__startswith=argon2",
    ],
)
def test_secrets_cannot_be_found_out_by_filtering(
    browser: Browser, sam: Person, address: str
) -> None:
    response = browser(sam).get(f"/admin/{address}")
    assert response.status_code in {302, 400}
    if response.status_code == 302:
        assert response["Location"].endswith("?e=1")


def test_lists_can_still_be_filtered(browser: Browser, alice: Person, sam: Person) -> None:
    page = browser(sam).get("/admin/accounts/user/?is_staff__exact=1").content.decode()
    assert str(sam.user.pk) in page
    assert str(alice.user.pk) not in page
    for address in (
        "accounts/emailaddress/?verified_at__isempty=0",
        "tokens/apitoken/?revoked_at__isempty=1",
    ):
        assert browser(sam).get(f"/admin/{address}").status_code == 200


def test_nobody_is_a_superuser(alice: Person, sam: Person) -> None:
    assert sam.user.is_superuser is None
    assert not sam.user.has_perm("accounts.delete_user")
    assert not sam.user.has_module_perms("auth")


# Commands


@pytest.mark.parametrize("command", ["createsuperuser", "changepassword"])
def test_the_commands_of_django_refuse_and_name_the_set_up_link(db: None, command: str) -> None:
    with pytest.raises(CommandError, match=r"\./run setup-link"):
        call_command(command)
    assert not User.objects.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    "arguments",
    [
        ["createsuperuser", "--noinput", "--username", "eve"],
        ["createsuperuser", "--database", "default", "--help"],
        ["changepassword", "alice"],
        ["changepassword", "--database=default", "alice", "--traceback"],
    ],
)
def test_they_refuse_whatever_arguments_they_are_given(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        input="alice\nalice\n",
        check=False,
    )
    assert ended.returncode == 1
    assert "./run setup-link" in ended.stderr
    assert ended.stdout == ""


def test_the_manager_of_accounts_makes_none() -> None:
    for name in ("create_user", "create_superuser"):
        assert not hasattr(User.objects, name)


def test_the_cast_is_made_once(db: None) -> None:
    assert make_person("alice").user == make_person("alice").user


def test_the_list_of_accounts_asks_no_more_for_more_of_them(
    browser: Browser, alice: Person, sam: Person
) -> None:
    client = browser(sam)

    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/admin/accounts/user/").content.decode()
        assert "phone" in page
        return len(queries)

    count_queries()  # what is looked up once for a process
    before = count_queries()
    for number in range(5):
        make_person(f"person-{number}", group="Support")
    assert count_queries() == before


def test_the_list_of_accounts_shows_the_factors_that_count(
    browser: Browser, alice: Person, sam: Person
) -> None:
    AuthenticatorApp.objects.filter(user=alice.user).update(name="the tablet of alice")
    assert "the tablet of alice" in browser(sam).get("/admin/accounts/user/").content.decode()
    AuthenticatorApp.objects.filter(user=alice.user).update(held_at=timezone.now())
    assert "the tablet of alice" not in browser(sam).get("/admin/accounts/user/").content.decode()


def test_mail_is_filtered_by_the_notices_that_the_code_knows(browser: Browser, sam: Person) -> None:
    for notice in ("password_changed", "role_added"):
        OutboxMail.objects.create(notice=notice, recipient=f"{notice}@example.org")
    with CaptureQueriesContext(connection) as queries:
        page = browser(sam).get("/admin/accounts/outboxmail/?notice=role_added").content.decode()
    assert "role_added@example.org" in page
    assert "password_changed@example.org" not in page
    assert "?notice=token_leaked" in page  # though there is no such mail
    assert not [query["sql"] for query in queries if "DISTINCT" in query["sql"]]


def test_the_page_of_an_account_leads_to_where_its_address_is_verified(
    browser: Browser, sam: Person, alice: Person
) -> None:
    address = EmailAddress.objects.get(user=alice.user)
    EmailAddress.objects.filter(pk=address.pk).update(verified_at=None)
    client, change = browser(sam), f"/admin/accounts/emailaddress/{address.pk}/change/"
    assert change in text_of_page(client.get(f"/admin/accounts/user/{alice.user.pk}/change/"))
    assert "Declare a mail address verified" in text_of_page(client.get(change))
