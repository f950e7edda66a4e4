"""What people are told whose token is not let in: one sentence for each mistake."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pymacaroons import MACAROON_V1, MACAROON_V2, Macaroon

from accounts.models import AuthenticatorApp, EmailAddress, User
from audit.models import Event
from projects.models import Role
from tests.support.people import Person
from tests.support.uploading import basic, grant_for, said, upload
from tests.tokens.keys import make, project_of
from tokens import macaroons
from tokens.caveats import Networks, dump
from tokens.credentials import UNKNOWN
from tokens.grants import Scope
from tokens.models import APIToken, RefusalCount, TokenDenial
from tokens.operations.lifecycle import revoke_token

Change = Callable[[str], str]


def answer_to(text: str, project: str = "foo", username: str = "__token__") -> str:
    """The one line of a refused upload."""
    response = upload("", project, header=basic(text, username=username))
    assert response.status_code == 403
    return said(response)


CHANGES: list[tuple[Change, str]] = [
    (lambda text: f'"{text}"', "quotation marks around it"),
    (lambda text: f"'{text}'", "quotation marks around it"),
    (lambda text: f"\u201c{text}\u201d", "quotation marks around it"),
    (lambda text: f'"{text}', "quotation marks around it"),
    (lambda text: f"{text[:60]}\n{text[60:]}", "space or line break inside it"),
    (lambda text: f"{text[:60]}\r\n{text[60:]}", "space or line break inside it"),
    (lambda text: f"{text[:60]} {text[60:]}", "space or line break inside it"),
    (lambda text: f"pypi- {text[5:]}", "space or line break inside it"),
    (lambda text: text[5:], "The beginning of the API token, 'pypi-', is missing"),
    (lambda text: f"pypi-{text}", "starts with 'pypi-' twice"),
    (lambda text: f"{text}{text}", "is there twice"),
    (lambda text: f"pypi:{text[5:]}", "no longer written with 'pypi:'"),
    (lambda text: f"@pypi:{text[5:]}", "no longer written with 'pypi:'"),
    (lambda text: text.replace("pypi-", "PyPI-"), "in small letters"),
    (lambda text: f"token={text}", "Something stands before the API token"),
    (lambda text: f"{text}=", "equals sign at its end"),
    (lambda text: f"{text}==", "equals sign at its end"),
    (lambda text: text[:-1], "is cut off, or was changed"),
    (lambda text: text[:-30], "is cut off, or was changed"),
    (lambda text: text[: len(text) // 2], "is cut off, or was changed"),
    (lambda text: f"{text}xyz", "is cut off, or was changed"),
    (lambda text: text[:20], "is cut off, or was changed"),
    (lambda text: "pypi-" + "x" * 9000, "longer than 8000 characters"),
    (lambda text: "pypi-" + "x" * 200, "though it starts like one"),
    (lambda text: "a-password", "This is not an API token"),
    (lambda text: "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "This is not an API token"),
]


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_a_paste_that_went_wrong_is_explained(alice: Person, change: Change, sentence: str) -> None:
    _token, text = make(alice)
    answer = answer_to(change(text))
    assert sentence in answer
    assert text[-20:] not in answer


@pytest.mark.parametrize("around", ["{}\r", "{}\r\n", " {} ", "\t{}", "{}\n", "\u00a0{}\u00a0"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_white_space_around_a_token_does_no_harm(alice: Person, around: str, encoding: str) -> None:
    pair = f"__token__:{around.format(make(alice)[1])}".encode(encoding)
    header = f"Basic {base64.b64encode(pair).decode()}"
    assert upload("", header=header).status_code == 200


@pytest.mark.parametrize(
    ("username", "is_token", "sentence"),
    [
        ("@token", True, "@token is a withdrawn spelling"),
        ("@token", False, "@token is a withdrawn spelling"),
        ("alice@example.org", True, "not used with a user name or mail address of its owner"),
        ("alice", True, "not used with a user name or mail address of its owner"),
        ("alice", False, "Passwords are not accepted"),
        ("alice@example.org", False, "Passwords are not accepted"),
        ("", False, "No user name was sent"),
        ("", True, "No user name was sent"),
        ("__token", True, "must be exactly __token__"),
        ("_token_", True, "must be exactly __token__"),
        ("token", True, "must be exactly __token__"),
        ("__TOKEN__", True, "must be exactly __token__"),
        (" __token__", True, "must be exactly __token__"),
        ('"__token__"', True, "without spaces or quotation marks"),
        ("'__token__'", True, "without spaces or quotation marks"),
        ("__token__\r", True, "without spaces or quotation marks"),
        ('"@token"', True, "@token is a withdrawn spelling"),
        ("\u00e9", False, "Passwords are not accepted"),
    ],
)
def test_another_user_name_is_explained_and_not_repeated(
    alice: Person, username: str, is_token: bool, sentence: str
) -> None:
    text = make(alice)[1] if is_token else alice.password
    answer = answer_to(text, username=username)
    assert sentence in answer
    assert "alice" not in answer


@pytest.mark.parametrize("around", ['"{}"', "'{}'", '"{}'])
def test_a_token_in_quotation_marks_with_a_user_name_is_known_for_one(
    alice: Person, around: str
) -> None:
    answer = answer_to(around.format(make(alice)[1]), username="alice")
    assert "not used with a user name or mail address of its owner" in answer


@pytest.mark.parametrize("password", ["", "x"])
@pytest.mark.parametrize("around", ["{}", '"{}"'])
def test_a_token_in_the_place_of_the_user_name_is_explained(
    alice: Person, password: str, around: str
) -> None:
    _token, text = make(alice)
    answer = answer_to(password, username=around.format(text))
    assert "stands in the place of the user name" in answer
    assert text not in answer


def minted(location: str, identifier: object | None = None) -> str:
    """A token that another index may have made."""
    return macaroons.mint(
        location=location,
        identifier=identifier or APIToken().pk,  # type: ignore[arg-type]
        key=b"k" * 32,
        caveats=[],
    )


def test_a_token_of_another_index_names_both(db: None) -> None:
    answer = answer_to(minted("test.example.org"))
    assert answer.startswith(
        "This API token belongs to test.example.org; this index is localhost. Each index needs its "
        "own token"
    )


@pytest.mark.parametrize("location", ["localhost", "a b", "<b>", "", "x" * 300])
def test_a_location_that_says_nothing_is_not_spoken_of(db: None, location: str) -> None:
    if location:
        assert answer_to(minted(location)) == UNKNOWN


@pytest.mark.parametrize("length", [40, 63, 64, 127, 128, 250])
def test_the_name_of_an_index_may_be_long(alice: Person, length: int) -> None:
    location = f"{'x' * (length - 12)}.example.org"
    text = minted(location)
    assert f"belongs to {location}; this index is localhost" in answer_to(text)
    assert "'pypi-', is missing" in answer_to(text[5:])
    assert "is cut off" in answer_to(text[:-9])


def test_a_former_name_of_this_site_is_no_other_index(db: None, settings: object) -> None:
    settings.FORMER_SITE_NAMES = ["old.example.org"]  # type: ignore[attr-defined]
    assert answer_to(minted("old.example.org")) == UNKNOWN


def odd(identifier: str | bytes = str(APIToken().pk), *, is_old: bool = False) -> Macaroon:
    """A macaroon that no site of ours has made."""
    version = MACAROON_V1 if is_old else MACAROON_V2
    return Macaroon(location="localhost", identifier=identifier, key=b"k" * 32, version=version)


def with_third_party() -> Macaroon:
    macaroon = odd()
    macaroon.add_third_party_caveat("other.example.org", "a key", "its id")
    return macaroon


@pytest.mark.parametrize(
    ("macaroon", "sentence"),
    [
        (odd(is_old=True), "though it starts like one"),
        (with_third_party(), "cannot be used here: the token has a third-party caveat"),
        (odd(b"\xff" * 36), "cannot be used here: the identifier or a restriction"),
        (odd("x" * 36), "cannot be used here: the identifier or a restriction"),
        (odd(str(APIToken().pk).upper()), "is cut off, or was changed"),
    ],
)
def test_a_macaroon_that_is_not_one_of_ours_is_explained(
    db: None, macaroon: Macaroon, sentence: str
) -> None:
    assert sentence in answer_to(f"pypi-{macaroon.serialize()}")


def test_an_unknown_identifier_and_a_wrong_signature_get_one_answer(alice: Person) -> None:
    token, _text = make(alice)
    assert answer_to(minted("localhost", token.pk)) == answer_to(minted("localhost")) == UNKNOWN
    here, elsewhere = minted("x.example", token.pk), minted("x.example")
    assert answer_to(here) == answer_to(elsewhere)


def test_an_expired_token_says_when(alice: Person) -> None:
    _token, text = make(alice)
    now = int(time.time())
    old = macaroons.attenuate(text, [f"[0,{now - 60},{now - 3600}]"])
    answer = answer_to(old)
    assert answer.startswith("This API token expired on 20")
    assert "UTC. Make another one at http://localhost:8000/account/tokens/" in answer


def test_an_expiry_beside_the_token_counts_too(alice: Person) -> None:
    grant = grant_for(is_wide=True, expires_at=timezone.now() + timedelta(hours=1))
    token, text = make(alice, grant=grant)
    assert upload(text).status_code == 200
    stored = [caveat for caveat in token.caveats if not caveat.startswith("[0,")]
    APIToken.objects.update(caveats=["[0,5,0]", *stored])
    assert "expired on 1970-01-01 00:00 UTC" in answer_to(text)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (APIToken.Cause.OWNER, "by its owner"),
        (APIToken.Cause.STAFF, "by the staff of this site"),
        (APIToken.Cause.LEAK, "because it was found where others could read it"),
        (APIToken.Cause.UPLOAD, "because it was inside a file that was uploaded"),
        (APIToken.Cause.FORMAT, ": the old format ends"),
    ],
)
def test_a_revoked_token_says_when_and_by_whom(alice: Person, cause: str, words: str) -> None:
    token, text = make(alice)
    revoke_token(token, reason="the old format ends", cause=cause, by=alice.actor)
    answer = answer_to(text)
    assert answer.startswith(f"This API token was revoked on {timezone.now():%Y-%m-%d}")
    assert words in answer


def test_a_project_that_is_not_covered_is_told_which_are(alice: Person) -> None:
    text = make(alice, projects=[project_of(alice, "foo"), project_of(alice, "bar")])[1]
    project_of(alice, "other")
    assert answer_to(text, "other") == (
        "The API token does not allow this: this token is only for projects 'foo', 'bar', not "
        "'other'."
    )


def test_a_name_that_was_registered_anew_is_told_apart(alice: Person) -> None:
    foo = project_of(alice, "foo")
    text = make(alice, projects=[foo])[1]
    foo.delete()
    project_of(alice, "foo")
    assert "another project than today's 'foo'" in answer_to(text, "foo")


def test_an_action_that_is_not_covered_is_named(alice: Person) -> None:
    text = make(alice, grant=grant_for(is_wide=True, actions=("upload",)))[1]
    assert "may upload, not create projects" in answer_to(text, "new")


def test_a_network_that_is_not_covered_is_named(alice: Person) -> None:
    text = make(alice, grant=grant_for(is_wide=True, networks=("10.0.0.0/8",)))[1]
    answer = answer_to(text)
    assert "may be used from 10.0.0.0/8 only, and you came from 127.0.0.1" in answer


def test_a_pattern_covers_what_it_says(alice: Person) -> None:
    project_of(alice, "pyobjc-core")
    grant = grant_for(scope=Scope.PATTERNS, patterns=("pyobjc-*",), actions=("upload", "create"))
    text = make(alice, grant=grant)[1]
    assert upload(text, "pyobjc-core").status_code == 200
    assert upload(text, "pyobjc-new").status_code == 200
    assert "only for projects named 'pyobjc-*', not 'pyobjc'" in answer_to(text, "pyobjc")


def test_a_frozen_owner_is_named_as_the_reason(alice: Person) -> None:
    _token, text = make(alice)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert "is frozen or closed" in answer_to(text)


def test_a_suspended_owner_is_named_as_the_reason(alice: Person) -> None:
    _token, text = make(alice)
    User.objects.filter(pk=alice.user.pk).update(uploads_suspended_at=timezone.now())
    assert "Uploads of the account alice are suspended since" in answer_to(text)


def test_an_unverified_owner_is_named_as_the_reason(alice: Person) -> None:
    _token, text = make(alice)
    EmailAddress.objects.update(verified_at=None)
    assert "mail address of the account alice is not verified" in answer_to(text)


def test_an_owner_without_second_factor_is_named_as_the_reason(alice: Person) -> None:
    _token, text = make(alice)
    AuthenticatorApp.objects.all().delete()
    assert "The account alice has no second factor" in answer_to(text)


def test_an_owner_whose_role_has_ended_is_named_as_the_reason(alice: Person, bob: Person) -> None:
    foo = project_of(alice, "foo")
    role = Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    text = make(bob, projects=[foo])[1]
    role.delete()
    assert "User 'bob' no longer has a role in the project 'foo'" in answer_to(text)


def test_a_token_that_was_cut_off_is_told_so(alice: Person) -> None:
    foo = project_of(alice, "foo")
    token, text = make(alice)
    TokenDenial.objects.create(token=token, project=foo, denied_by="bob")
    assert "has cut this API token off from it" in answer_to(text)
    assert upload(text, "other").status_code == 200


# The order of the answers (PyPI's), so that a token for something else learns nothing


def lose_everything(person: Person) -> None:
    """No role of use, no verified address, no factor, and uploads suspended."""
    EmailAddress.objects.update(verified_at=None)
    AuthenticatorApp.objects.all().delete()
    User.objects.filter(pk=person.user.pk).update(uploads_suspended_at=timezone.now())


def test_restrictions_are_spoken_of_before_roles_and_roles_before_the_account(
    alice: Person, mallory: Person
) -> None:
    project_of(alice, "foo")
    narrow = make(mallory, "narrow", projects=[project_of(mallory, "mine")])[1]
    wide = make(mallory, "wide")[1]
    lose_everything(mallory)
    assert "only for project 'mine'" in answer_to(narrow, "foo")
    assert "is not allowed to upload to project 'foo'" in answer_to(wide, "foo")
    assert "are suspended" in answer_to(wide, "mine")


def test_a_bad_token_is_refused_before_the_body_is_read(alice: Person) -> None:
    now = int(time.time())
    _token, text = make(alice)
    expired = macaroons.attenuate(text, [f"[0,{now - 60},0]"])
    for bad in ("pypi-x", expired):
        response = upload("", "foo", header=basic(bad), without=("name", "content"))
        assert response.status_code == 403
    wrong = make(alice, "narrow", projects=[project_of(alice, "foo")])[1]
    response = upload("", "bar", header=basic(wrong), without=("name", "content"))
    assert response.status_code == 400


# Every failure is recorded


def test_every_refusal_is_recorded_and_counted_by_reason_and_hour(alice: Person) -> None:
    token, text = make(alice, projects=[project_of(alice, "foo")])
    for project in ("bar", "baz", "bar"):
        answer_to(text, project)
    revoke_token(token, reason="old", by=alice.actor)
    answer_to(text)
    counts = {row.reason: row.count for row in RefusalCount.objects.filter(token=token)}
    assert counts == {"its restrictions do not allow this": 3, "it was revoked": 1}
    events = Event.objects.filter(kind="token:token:refused")
    assert {event.fields["reason"] for event in events} == set(counts)


def test_what_is_no_token_is_recorded_without_an_owner(alice: Person) -> None:
    answer_to("pypi-nonsense")
    answer_to("pypi-nonsense", username="alice")
    upload("", header="")
    reasons = [event.fields["reason"] for event in Event.objects.filter(kind="token:token:refused")]
    assert sorted(reasons) == [
        "its user name was not __token__",
        "no API token was sent",
        "unknown or malformed",
    ]
    assert not RefusalCount.objects.exists()
    assert not any("alice" in str(event.fields) for event in Event.objects.all())


def test_a_network_caveat_that_was_added_offline_holds(alice: Person) -> None:
    text = macaroons.attenuate(make(alice)[1], [dump(Networks(("192.0.2.0/24",)))])
    assert "you came from 127.0.0.1" in answer_to(text)
