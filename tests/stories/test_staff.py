"""What staff live through: a lost phone, a malicious project, and a colleague's stolen account."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import notices
from accounts.models import OutboxMail, RecoveryCase, User
from audit.models import Event
from projects import root_index
from projects.cache import pages
from projects.models import Project
from projects.operations.publishing import publish_file
from tests.accounts.doors import give_password, is_signed_in, text_of_page
from tests.projects.shelves import new_file
from tests.support.artifacts import make_wheel
from tests.support.people import Person, code_for, make_person
from tests.tokens.keys import make, project_of
from tokens.models import APIToken

Browser = Callable[..., Client]
REASON = "The phone and the recovery codes are lost."


@pytest.fixture(autouse=True)
def _shelves(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Folders of the test's own, and nothing remembered."""
    settings.FILES_ROOT, settings.INCOMING_ROOT = tmp_path / "files", tmp_path / "incoming"
    settings.INCOMING_ROOT.mkdir()
    pages.clear()
    root_index.forget()
    yield
    pages.clear()
    root_index.forget()


def act(client: Client, row: Any, slug: str, **fields: str) -> str:
    """Post the page of an act as a browser does; the page that comes after it, as text."""
    opts = row._meta
    address = f"/admin/{opts.app_label}/{opts.model_name}/{row.pk}/{slug}/"
    assert client.get(address).status_code == 200
    return text_of_page(client.post(address, fields, follow=True))


def mailed(notice: str) -> str:
    """The newest mail of a kind, as text on one line."""
    mail = OutboxMail.objects.filter(notice=notice).latest("pk")
    return " ".join(str(notices.render(mail).body).split())


def test_a_lost_phone(browser: Browser, alice: Person) -> None:
    first, second = (make_person(name, group="Support") for name in ("first", "second"))
    page = act(
        browser(first), alice.user, "open-recovery", reason=REASON, evidence="She came by herself."
    )
    assert "The case is open" in page
    assert "lost every second factor" in mailed("recovery_opened")
    case = RecoveryCase.objects.get()

    page = act(browser(second), case, "complete", reason="Nobody objected.")
    assert "The waiting time is over at" in page
    with time_machine.travel(case.due_at, tick=True):
        page = act(browser(first), case, "complete", reason="Nobody objected.")
        assert "Another member of the staff must complete it" in page
        page = act(browser(second), case, "complete", reason="Nobody objected.")
        assert "1 second factor was removed" in page

        client = browser()
        give_password(client, alice)
        assert is_signed_in(client)  # the password alone
    kinds = [event.kind for event in Event.objects.for_user(alice.user).order_by("number")]
    assert kinds.index("staff:recovery:opened") < kinds.index("staff:recovery:completed")


def test_somebody_else_pretends_to_have_lost_the_phone(browser: Browser, alice: Person) -> None:
    helper = make_person("helper", group="Support")
    act(browser(helper), alice.user, "open-recovery", reason=REASON, evidence="A call, no more.")
    (link,) = re.findall(r"http://localhost:8000(/\S+link=\S+)", mailed("recovery_opened"))
    assert "The removal is cancelled" in text_of_page(browser().post(link))
    case = RecoveryCase.objects.get()
    with time_machine.travel(case.due_at, tick=True):
        colleague = make_person("colleague", group="Support")
        page = act(browser(colleague), case, "complete", reason="Nobody objected.")
        assert "This case has ended" in page
    assert alice.fresh_user.has_second_factor


@pytest.mark.parametrize("is_malware", [True, False])
def test_a_malicious_project(
    browser: Browser, alice: Person, bob: Person, mallory: Person, is_malware: bool
) -> None:
    foo = project_of(mallory, "foo")
    publish_file(foo, new_file(*make_wheel("foo", "1.0")), by=mallory.actor)
    text = {"kind": "malware", "text": "It sends the environment to a server."}
    assert browser(bob).post("/project/foo/report/", text).status_code == 302

    paul = browser(make_person("paul", group="Projects"))
    assert "foo" in text_of_page(paul.get("/admin/projects/report/"))
    row = Project.objects.get()
    act(paul, row, "quarantine", reason="Malware was reported in this project.")
    assert "foo-1.0" not in text_of_page(browser().get("/simple/foo/"))
    assert mallory.fresh_user.is_active  # freezing is an act apart, of another group

    report = bob.user.reports.get()
    if is_malware:
        act(
            paul,
            row,
            "delete-project",
            typed="foo",
            prohibits_name="on",
            reason="The project holds malware and nothing else.",
        )
        assert browser().get("/simple/foo/").status_code == 404
        act(paul, report, "answer", outcome="acted", reason="The project was deleted.")
        assert "something was done about it" in mailed("report_answered")
    else:
        act(paul, row, "release", reason="Nothing dangerous was found.")
        assert "foo-1.0" in text_of_page(browser().get("/simple/foo/"))
        act(paul, report, "answer", outcome="nothing found", reason="It asks for a mirror only.")
        assert "nothing was found that this site forbids" in mailed("report_answered")
    assert OutboxMail.objects.get(notice="report_answered").recipient == bob.email


def test_a_stolen_staff_account(browser: Browser, alice: Person, sam: Person) -> None:
    """The thief has the session of somebody of Support, with a fresh factor: the worst case."""
    stolen = make_person("stolen", group="Support")
    accomplice = make_person("accomplice")
    thief = browser(stolen)
    token, _text = make(alice, "robot", [project_of(alice, "foo")])
    last = Event.objects.latest("number").number

    # No group, no right, nothing to themselves, nothing to who could stop them
    for row, slug in (
        (accomplice.user, "staff-rights"),
        (stolen.user, "staff-rights"),
        (Project.objects.get(), "quarantine"),
        (Project.objects.get(), "transfer"),
        (Project.objects.get(), "delete-project"),
    ):
        opts = row._meta
        address = f"/admin/{opts.app_label}/{opts.model_name}/{row.pk}/{slug}/"
        fields = {"groups": "Administrator", "typed": "foo", "username": "accomplice"}
        assert thief.post(address, fields | {"reason": REASON}).status_code == 403
    evidence = {"reason": REASON, "evidence": "We met in person."}
    assert "only administrators" in act(thief, sam.user, "open-recovery", **evidence)
    assert "only administrators" in act(thief, sam.user, "freeze", reason=REASON)
    assert "their own account" in act(thief, stolen.user, "open-recovery", **evidence)

    # An account is not taken over: the case waits, its owner is told, and another must complete it
    assert "The case is open" in act(thief, alice.user, "open-recovery", **evidence)
    with time_machine.travel(RecoveryCase.objects.get().due_at, tick=True):
        case = RecoveryCase.objects.get()
        again = act(browser(stolen), case, "complete", reason="Nobody objected.")
    assert "Another member of the staff must complete it" in again
    assert alice.fresh_user.has_second_factor

    # The secrets of others are nowhere, and what was done cannot be hidden
    for address in (
        f"/admin/accounts/user/{alice.user.pk}/change/",
        f"/admin/tokens/apitoken/{token.pk}/change/",
    ):
        page = thief.get(address).content.decode()
        assert alice.fresh_user.password not in page
        assert APIToken.objects.get(pk=token.pk).root_key not in page
    event = Event.objects.filter(number__gt=last, actor_id=str(stolen.user.pk)).first()
    assert event is not None
    shown = f"/admin/audit/event/{event.number}"
    assert thief.post(f"{shown}/delete/", {"post": "yes"}).status_code == 403
    assert thief.post(f"{shown}/change/", {"kind": "x"}).status_code == 403
    assert Event.objects.filter(number=event.number).exists()

    # An administrator ends it with one act
    act(browser(sam), stolen.user, "freeze", reason="Somebody else seems to use this account.")
    assert thief.get("/admin/").status_code != 200
    assert not User.objects.get(pk=stolen.user.pk).is_active
    assert code_for(stolen)  # the factor is still there, and no use
