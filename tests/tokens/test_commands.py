"""The management commands of tokens."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import OutboxMail
from accounts.notices import render
from audit.models import Event
from tests.support.people import Person
from tests.support.uploading import said, upload
from tests.tokens.keys import make, project_of
from tokens import macaroons
from tokens.events import TOKEN_REVOKED
from tokens.models import APIToken

REASON = "API tokens of format 1 are not accepted any more"


def attenuate(monkeypatch: pytest.MonkeyPatch, text: str, **options: Any) -> str:
    """Run the command with the token on standard input; what it printed."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\r\n"))
    out = io.StringIO()
    call_command("attenuate_token", stdout=out, **options)
    return out.getvalue().strip()


def test_a_copy_is_narrowed_and_works_within_its_limits(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_of(alice, "foo")
    _token, text = make(alice)
    narrow = attenuate(
        monkeypatch, text, project=["Foo"], network=["127.0.0.0/8"], action=["upload"], days=1
    )
    caveats = macaroons.parse(narrow).caveats[1:]
    assert caveats[:3] == ('[1,["foo"]]', '[1002,["127.0.0.0/8"]]', '[1000,["upload"]]')
    assert int(caveats[3][3:].split(",")[0]) == pytest.approx(time.time() + 24 * 3600, abs=60)
    assert upload(narrow, "foo").status_code == 200
    assert upload(narrow, "bar").status_code == 403
    assert upload(text, "bar").status_code == 200


def test_a_pattern_narrows(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = attenuate(monkeypatch, make(alice)[1], pattern=["foo-*"])
    assert upload(narrow, "foo-bar").status_code == 200
    assert upload(narrow, "foo").status_code == 403


def test_names_and_addresses_are_written_as_in_the_form(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = attenuate(
        monkeypatch, make(alice)[1], pattern=["Foo.Bar_*", "Baz"], network=["192.0.2.1"]
    )
    assert macaroons.parse(narrow).caveats[1:] == (
        '[1001,["foo-bar-*","baz"]]',
        '[1002,["192.0.2.1/32"]]',
    )


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("pypi-x", {"days": 1}, "is cut off"),
        ("", {"days": 1}, "not an API token"),
        ("", {}, "limited to"),
        ("", {"network": ["everywhere"]}, "does not appear to be an IPv4 or IPv6 network"),
        ("", {"network": ["10.0.0.1/8"]}, "10.0.0.1/8 has host bits set"),
        ("", {"pattern": ["*"]}, "neither a normalized"),
        ("", {"project": [""]}, "not a normalized"),
        ("", {"days": 10**9}, "1970 and 9999"),
        ("", {"days": -1}, "must be more than 0"),
        ("", {"days": 0}, "must be more than 0"),
        ("", {"days": 0.00001}, "must be more than 0"),
        ("", {"days": float("-inf")}, "must be more than 0"),
        ("", {"days": float("inf")}, "infinity"),
        ("", {"days": float("nan")}, "must be more than 0"),
    ],
)
def test_what_cannot_be_done_is_said(
    monkeypatch: pytest.MonkeyPatch, text: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        attenuate(monkeypatch, text, **options)


def test_a_copy_that_grew_too_long_is_refused(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"project-{number}" for number in range(300)]
    with pytest.raises(CommandError, match="4000 characters"):
        attenuate(monkeypatch, make(alice)[1], project=names)


def test_the_token_is_no_argument() -> None:
    with pytest.raises(CommandError):
        call_command("attenuate_token", "pypi-AgEI", days=1)


# Changing the format


def invalidate(**options: Any) -> str:
    out = io.StringIO()
    call_command("invalidate_tokens", stdout=out, **{"reason": REASON} | options)
    return out.getvalue()


def test_tokens_of_a_format_are_ended_and_the_rest_goes_on(alice: Person, bob: Person) -> None:
    _one, old = make(alice, "old")
    two, new = make(bob, "new")
    APIToken.objects.filter(pk=two.pk).update(format=2)
    assert "1 API token revoked" in invalidate(format=1)
    answer = said(upload(old))
    assert f"was revoked on {timezone.now():%Y-%m-%d}: {REASON}. Make another one" in answer
    assert upload(new, "foo").status_code == 200


def test_each_owner_is_told_what_happened_and_what_to_do(alice: Person) -> None:
    _token, text = make(alice, "release job")
    invalidate(format=1)
    (mail,) = OutboxMail.objects.filter(notice__in=["token_invalidated", "token_revoked"])
    body = " ".join(str(render(mail).body).split())
    for words in (
        "release job",
        REASON,
        "It was revoked",
        "It could do this: Create new projects",
        "On your own computer",
        ".pypirc",
        "In CI",
        "TWINE_PASSWORD",
        "/account/tokens/",
    ):
        assert words in body
    assert text[-30:] not in body


def test_a_dry_run_changes_nothing(alice: Person) -> None:
    token, text = make(alice, "release job")
    printed = invalidate(format=1, dry_run=True)
    assert f"{token.pk}  alice  release job" in printed
    assert "1 API token would be revoked" in printed
    assert upload(text).status_code == 200
    assert not OutboxMail.objects.filter(notice="token_invalidated").exists()


def test_tokens_are_chosen_by_day_and_by_list(alice: Person, tmp_path: Path) -> None:
    old, _text = make(alice, "old")
    listed, _text = make(alice, "listed")
    kept, _text = make(alice, "kept")
    APIToken.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=400))
    year_ago = f"{timezone.now() - timedelta(days=365):%Y-%m-%d}"
    assert "1 API" in invalidate(made_before=year_ago)
    path = tmp_path / "ids"
    path.write_text(f"{listed.pk}\n\n{old.pk}\n")
    assert "1 API" in invalidate(list=str(path))
    assert list(APIToken.objects.active()) == [kept]


def test_ending_is_recorded_as_the_servers_act(alice: Person) -> None:
    make(alice)
    invalidate(format=1)
    event = Event.objects.get(kind=TOKEN_REVOKED.name)
    assert (event.actor_label, event.credential_label) == ("server", "invalidate_tokens")
    assert event.fields["reason"] == REASON


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"format": 1, "reason": "short"},
        {"format": 1, "reason": "x" * 201},
        {"format": 1, "reason": "gründlich überlegt"},
        {"made_before": "yesterday"},
        {"list": "/nowhere"},
        {"list": __file__},
        {"format": 1, "made_before": ""},
        {"format": 1, "list": ""},
    ],
)
def test_what_is_not_clear_ends_no_token(alice: Person, options: dict[str, Any]) -> None:
    make(alice)
    with pytest.raises(CommandError):
        invalidate(**options)
    assert APIToken.objects.active().count() == 1
