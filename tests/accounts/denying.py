"""What an intruder adds to an account, and its owner's denial."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import (
    AuthenticatorApp,
    EmailAddress,
    OutboxMail,
    RecoveryCodeSet,
    User,
)
from accounts.operations import second_factors
from tests.accounts.doors import (
    give_code,
    give_password,
    is_signed_in,
    text_of_page,
)
from tests.support.people import Person, code_for, sign_in

Browser = Callable[..., Client]
NEW_PASSWORD = "another long password 51c8"


def break_in(browser: Browser, person: Person) -> Client:
    """Somebody who got in with somebody's password and a code, from a device that was unknown."""
    User.objects.update(joined_at=timezone.now() - timedelta(days=400))
    AuthenticatorApp.objects.update(created_at=timezone.now() - timedelta(days=300))
    EmailAddress.objects.update(added_at=timezone.now() - timedelta(days=300))
    RecoveryCodeSet.objects.update(created_at=timezone.now() - timedelta(days=300))
    client = browser()
    client.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux) Firefox/140.0"
    give_password(client, person)
    give_code(client, code_for(person))
    assert is_signed_in(client)
    return client


def link_in_mail() -> str:
    """The address that the newest mail about an unknown device holds."""
    mail = OutboxMail.objects.filter(notice="unknown_device").order_by("-pk")[0]
    found = re.search(r"http\S+/account/not-me/\S+", str(notices.render(mail).body))
    assert found
    return found.group().removeprefix("http://localhost:8000")


def deny(browser: Browser) -> Client:
    client = browser()
    response = client.post(link_in_mail())
    assert response.status_code == 200, text_of_page(response)
    return client


def add_app(person: Person, label: str) -> AuthenticatorApp:
    return AuthenticatorApp.objects.create(
        user=person.user,
        name=label,
        confirmed=True,
        secret=second_factors.wrap_secret(person.user, b"twenty bytes of tea!"),
    )


def add_address(person: Person, address: str) -> EmailAddress:
    return EmailAddress.objects.create(
        user=person.user, address=address, verified_at=timezone.now()
    )


def recovered(browser: Browser, person: Person) -> Client:
    """The owner, signed in again with a new password and an old factor."""
    User.objects.filter(pk=person.user.pk).update(
        password=make_password(NEW_PASSWORD), password_changed_at=timezone.now()
    )
    client = browser()
    sign_in(client, person)
    return client
