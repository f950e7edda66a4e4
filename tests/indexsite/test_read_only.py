"""What staff switch off is refused everywhere, in their words; what has to go on, goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import URLPattern, get_resolver, resolve
from django.utils import timezone

from accounts import notices, switches
from accounts.jobs import note_ends_of_switches
from accounts.models import OutboxMail, SwitchState, User
from accounts.operations import recovery
from accounts.operations.switches import turn
from audit.models import Event
from indexsite.read_only import STAFF, STAYS_OPEN
from projects.models import File, Project
from tests.accounts.doors import hidden_fields, text_of_page
from tests.support.people import Person, code_for
from tests.support.uploading import said, token_of, upload
from tests.tokens.keys import project_of
from tokens.models import APIToken
from uploads import incoming

pytestmark = pytest.mark.django_db
Browser = Callable[..., Client]
REASON = "We move to another machine."
BANNER = "Back at noon."
SAMPLES = {
    "uuid": "00000000-0000-0000-0000-000000000000",
    "digest": f"aa/bb/{'0' * 60}",
    "int": "1",
    "slug": "x",
}


def all_paths(patterns: Any = None, before: str = "/") -> Iterator[str]:
    """An address for each page of the site."""
    for entry in patterns or get_resolver().url_patterns:
        path = re.sub(
            r"<(?:(\w+):)?\w+>",
            lambda found: SAMPLES.get(found[1], "x"),
            before + str(entry.pattern).lstrip("^").rstrip("$").replace("\\Z", ""),
        )
        if isinstance(entry, URLPattern):
            yield path
        else:
            yield from all_paths(entry.url_patterns, path)


def switch_off(switch: switches.Switch, by: Person, **words: Any) -> None:
    turn(switch, "off", reason=REASON, by=by.actor, **{"banner": BANNER} | words)


def is_staffs(path: str) -> bool:
    return path.startswith("/admin/")


def test_while_read_only_every_page_refuses_changes_but_the_listed_ones(
    browser: Browser, alice: Person, sam: Person
) -> None:
    client = browser(alice)
    switch_off(switches.CHANGES, sam)
    paths = [path for path in all_paths() if not is_staffs(path)]
    assert len(paths) > 80
    for method in ("post", "put", "patch", "delete"):
        answers = {path: getattr(client, method)(path) for path in paths}
        through = {path for path, answer in answers.items() if answer.status_code != 503}
        refused = {path for path in through if answers[path].reason_phrase.startswith(BANNER)}
        assert refused == {"/legacy/", "/legacy"}  # tools would send all again at 503
        assert {answers[path].status_code for path in refused} == {403}
        assert {resolve(path).view_name for path in through - refused} <= STAYS_OPEN, method
    assert {resolve(path).view_name for path in paths} >= STAYS_OPEN


def test_while_read_only_everything_can_be_read(
    browser: Browser, alice: Person, sam: Person
) -> None:
    project_of(alice, "seagull")
    client = browser(alice)
    switch_off(switches.CHANGES, sam)
    for path in ("/", "/simple/seagull/", "/account/security/", "/manage/projects/", "/search/"):
        assert client.get(path).status_code == 200, path
    assert BANNER in text_of_page(client.get("/"))
    assert BANNER in text_of_page(client.get("/account/security/"))


def test_signing_in_and_out_goes_on_while_read_only(
    browser: Browser, alice: Person, sam: Person
) -> None:
    switch_off(switches.CHANGES, sam)
    client, address = browser(), "/account/sign-in/"
    client.get(address)
    step = {"sign_in_view-current_step": "auth"}
    client.post(address, step | {"auth-username": alice.username, "auth-password": alice.password})
    step = {"sign_in_view-current_step": "token"}
    client.post(address, step | {"token-otp_token": code_for(alice)})
    assert client.get("/account/security/").status_code == 200
    assert client.post("/account/sign-out/").status_code == 302
    assert client.get("/account/security/").status_code == 302


def test_staff_act_while_read_only_and_switch_it_on_again(
    browser: Browser, alice: Person, sam: Person
) -> None:
    switch_off(switches.CHANGES, sam)
    client = browser(sam)
    freeze = f"/admin/accounts/user/{alice.user.pk}/freeze/"
    assert client.post(freeze, {"reason": REASON}).status_code == 302
    assert not User.objects.get(pk=alice.user.pk).is_active
    state = SwitchState.objects.get(name="changes")
    address = f"/admin/accounts/switchstate/{state.pk}/turn/"
    seen = hidden_fields(client.get(address))
    fields = {"value": "on", "banner": "", "ends_at": "", "reason": REASON}
    turned = client.post(address, fields | seen)
    assert turned.status_code == 302
    assert switches.CHANGES.refusal() == ""


def test_while_read_only_an_owner_stops_a_recovery_case_as_staff_can_complete_it(
    browser: Browser, alice: Person, sam: Person
) -> None:
    client = browser(alice)
    for is_signed_in in (False, True):
        case = recovery.open_case(
            alice.user, evidence="A call.", reason="The phone is lost.", by=sam.actor
        )
        switch_off(switches.CHANGES, sam)
        if is_signed_in:
            assert client.post("/account/recovery/cancel-own/").status_code == 302
        else:
            mail = OutboxMail.objects.filter(notice="recovery_opened").latest("pk")
            (link,) = re.findall(r"localhost:8000(/\S+link=\S+)", str(notices.render(mail).body))
            assert browser().post(link).status_code == 200
        case.refresh_from_db()
        assert not case.is_open
        turn(switches.CHANGES, "on", reason=REASON, by=sam.actor)


def test_a_refused_page_says_why_and_keeps_what_was_typed_but_for_secrets(
    browser: Browser, alice: Person, sam: Person
) -> None:
    client = browser(alice)
    switch_off(switches.CHANGES, sam)
    typed = {"address": 'new"@example.org', "password": "a secret", "csrfmiddlewaretoken": "x"}
    response = client.post("/account/addresses/add/?a=1", typed)
    page = text_of_page(response)
    assert response.status_code == 503
    assert f"{BANNER} Reason: {REASON}" in page
    assert 'name="address" value="new&quot;@example.org"' in page
    assert "a secret" not in page
    assert 'action="/account/addresses/add/?a=1"' in page


def test_while_read_only_uploads_get_one_line(alice: Person, sam: Person) -> None:
    token = token_of(alice)
    switch_off(switches.CHANGES, sam, ends_at=timezone.now() + timedelta(days=1))
    response = upload(token)
    assert response.status_code == 403
    assert said(response).startswith(f"{BANNER} Reason: {REASON} Until 2")
    assert not File.objects.exists()


# No uploads, no new projects, no tokens


def test_without_uploads_nothing_of_one_is_read(
    alice: Person, sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(alice)
    switch_off(switches.UPLOADS, sam, banner="Geschlossen für heute")
    monkeypatch.setattr(incoming, "receive", None)
    response = upload(token)
    assert response.status_code == 403
    assert said(response) == f"Geschlossen f?r heute. Reason: {REASON}"
    assert not Event.objects.filter(kind="upload:file:refused").exists()


def test_without_new_projects_old_ones_take_files(alice: Person, sam: Person) -> None:
    project_of(alice, "seagull")
    switch_off(switches.NEW_PROJECTS, sam)
    token = token_of(alice)
    assert upload(token, project="seagull").status_code == 200
    response = upload(token, project="another")
    assert response.status_code == 403
    assert BANNER in said(response)
    with pytest.raises(ValidationError, match=BANNER):
        project_of(alice, "another")
    assert Project.objects.count() == 1


def test_without_token_creation_the_page_says_so_and_keeps_what_was_typed(
    browser: Browser, alice: Person, sam: Person
) -> None:
    client = browser(alice)
    token = token_of(alice)
    switch_off(switches.TOKEN_CREATION, sam)
    response = client.post("/account/tokens/make/", {"name": "for the laptop", "scope": "account"})
    assert response.status_code == 503
    page = text_of_page(response)
    assert BANNER in page
    assert 'value="for the laptop"' in page
    with pytest.raises(switches.SwitchedOff):
        token_of(alice, name="another")
    page = text_of_page(client.get("/account/tokens/"))
    assert page.count(BANNER) == 1
    assert "Go to Security" not in page  # it would not help
    assert "Make an API token" not in page
    assert APIToken.objects.count() == 1
    assert upload(token).status_code == 200


def test_closed_registration_quotes_staff(browser: Browser, sam: Person) -> None:
    turn(switches.REGISTRATION, "closed", reason=REASON, banner=BANNER, by=sam.actor)
    page = text_of_page(browser().get("/account/register/"))
    assert f"{BANNER} Reason: {REASON}" in page


# Ends


def test_a_switch_is_as_at_first_once_its_end_has_come(alice: Person, sam: Person) -> None:
    now = timezone.now()
    switch_off(switches.UPLOADS, sam, ends_at=now + timedelta(hours=1))
    assert switches.UPLOADS.value() == "off"
    SwitchState.objects.filter(name="uploads").update(ends_at=now)
    assert switches.UPLOADS.value() == "on"
    assert switches.banners() == []
    assert upload(token_of(alice)).status_code == 200


def test_that_end_is_recorded_once(sam: Person) -> None:
    switch_off(switches.UPLOADS, sam, ends_at=timezone.now() + timedelta(hours=1))
    assert note_ends_of_switches() == 0
    SwitchState.objects.filter(name="uploads").update(ends_at=timezone.now())
    assert [note_ends_of_switches(), note_ends_of_switches()] == [1, 0]
    event = Event.objects.get(kind="staff:switch:ended")
    assert (event.fields["former"], event.fields["value"]) == ("off", "on")


def test_an_end_in_the_past_is_refused(sam: Person) -> None:
    with pytest.raises(ValidationError, match="past"):
        switch_off(switches.UPLOADS, sam, ends_at=timezone.now() - timedelta(seconds=1))


def test_words_and_end_of_a_switch_can_be_changed_while_it_is_off(sam: Person) -> None:
    switch_off(switches.UPLOADS, sam)
    switch_off(switches.UPLOADS, sam, banner="Back at one.")
    assert switches.banners() == [f"Back at one. Reason: {REASON}"]
    with pytest.raises(ValidationError, match="already"):
        switch_off(switches.UPLOADS, sam, banner="Back at one.")


def test_the_namespace_of_staff_is_theirs() -> None:
    assert all(STAFF in resolve(path).namespaces for path in ("/admin/", "/admin/audit/event/"))
