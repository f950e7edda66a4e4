"""The doors of an account, as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import AuthenticatorApp, EmailAddress, OutboxMail, User, UserSession
from accounts.operations import second_factors
from accounts.sessions import digest
from audit.models import Event
from audit.vocabulary import EventKind
from tests.support.people import Person

SIGN_IN = "/account/sign-in/"
_STEP = "sign_in_view-current_step"


def post_step(client: Client, step: str, **fields: str) -> Any:
    """Post one step of the sign-in wizard."""
    named = {f"{step}-{name}": value for name, value in fields.items()}
    return client.post(SIGN_IN, {_STEP: step, **named})


def give_password(client: Client, person: Person, password: str | None = None) -> Any:
    """The first step; the person's own password if no other is given."""
    text = person.password if password is None else password
    return post_step(client, "auth", username=person.username, password=text)


def give_code(client: Client, code: str) -> Any:
    """The second step."""
    return post_step(client, "token", otp_token=code)


def give_recovery_code(client: Client, code: str) -> Any:
    """The second step with a recovery code in the place of the app's."""
    client.post(SIGN_IN, {"wizard_goto_step": "backup"})
    return post_step(client, "backup", otp_token=code)


def is_signed_in(client: Client) -> bool:
    """Whether this browser sees the pages of an account."""
    response = client.get("/account/security/")
    return response.status_code == 200


def leads_to_sign_in(response: Any) -> bool:
    """Whether this answer only leads to the sign-in page."""
    return bool(response.status_code == 302 and response["Location"].startswith(SIGN_IN))


def newcomer(username: str = "newcomer", *, is_verified: bool = True) -> Person:
    """An account with a password, and an address, and nothing else."""
    password = f"a long password of {username} 9d2f"
    user = User.objects.create(username=username, password=make_password(password))
    EmailAddress.objects.create(
        user=user,
        address=f"{username}@example.org",
        is_primary=True,
        verified_at=timezone.now() if is_verified else None,
    )
    return Person(user, password, b"", ())


def offer_of(person: Person, client: Client | None = None) -> tuple[AuthenticatorApp, bytes]:
    """The app that is offered to this person, and its secret.

    It is offered to one session: this client's, or the only one that this person has.
    """
    if client is None:
        sessions = UserSession.objects.filter(user=person.user)
        assert len(sessions) <= 1
        offered_to = sessions[0].pk if sessions else ""
    else:
        offered_to = digest(client.session.session_key or "")
    app = second_factors.offered_app(person.fresh_user, session=offered_to)
    return app, second_factors.unwrap_secret(app)


def find_recipients() -> None:
    """What the worker does first with mails that were queued without a recipient."""
    for mail in OutboxMail.objects.filter(recipient=""):
        notices._find_recipient(mail)


def count_events(kind: EventKind) -> int:
    """How many events of a kind the memory holds."""
    return Event.objects.filter(kind=kind.name).count()


def text_of_page(response: Any) -> str:
    """The page as text, on one line."""
    return " ".join(response.content.decode().split())


def hidden_fields(response: Any) -> dict[str, str]:
    """The hidden fields of the page's forms, as a browser sends them back; not those of keys."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", response.content.decode()):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden" and "data-key-answer" not in tag:
            fields[unescape(attributes["name"])] = unescape(attributes.get("value", ""))
    fields.pop("csrfmiddlewaretoken", None)
    return fields
