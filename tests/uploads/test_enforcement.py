"""The move from passwords to API tokens: whom it concerns, when, and what staff decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import AuthenticatorApp, OutboxMail
from accounts.operations.campaigns import queue_batch
from audit.actors import system
from audit.models import Event
from projects.models import File, Project, Role
from projects.operations.critical import mark_critical, unmark_critical
from tests.accounts.doors import text_of_page
from tests.support.clone import race
from tests.support.people import Person, make_person
from tests.support.uploading import basic, said, token_of, upload
from tests.tokens.keys import project_of
from tests.uploads.stages import stand_at
from uploads import policy
from uploads.models import Audience, Enforcement, PasswordWarning, Stage, as_stored
from uploads.operations.enforcement import (
    Plan,
    announce,
    change_enforcement,
    go_back,
    note_stage,
    warn_uploader,
)

Browser = Callable[..., Client]
REASON = "The next step of the move to API tokens."
NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _any_database(_database: None) -> None:
    """One that the test commits to, where it asks for it."""


def send(person: Person, **options: Any) -> Any:
    return upload("", header=basic(person.password, username=person.username), **options)


def without_factor(person: Person) -> Person:
    AuthenticatorApp.objects.filter(user=person.user).delete()
    return person


def change(plan: Plan, by: Any, version: int | None = None) -> None:
    seen = Enforcement.objects.get().version if version is None else version
    change_enforcement(plan, version=seen, reason=REASON, by=by)


# Stages


def test_a_new_site_refuses_the_passwords_of_everybody(alice: Person) -> None:
    row = Enforcement.objects.get()
    assert (row.audience, row.stage, row.brown_outs) == ("everybody", "enforce", [])
    assert send(alice).status_code == 403


def test_without_its_row_the_site_refuses_passwords(alice: Person) -> None:
    Enforcement.objects.all().delete()
    assert send(alice).status_code == 403
    assert upload(token_of(alice)).status_code == 200


@pytest.mark.parametrize(
    ("after", "stage"),
    [(-1, "off"), (0, "announce"), (1, "announce"), (2, "warn"), (3, "enforce"), (400, "enforce")],
)
def test_the_last_stage_whose_day_has_come_holds(after: int, stage: str) -> None:
    row = Enforcement(announce_from=NOW, warn_from=NOW + 2 * DAY, enforce_from=NOW + 3 * DAY)
    assert row.stage_at(NOW + after * DAY) == stage


def test_stages_can_be_left_out() -> None:
    row = Enforcement(enforce_from=NOW)
    assert row.stage_at(NOW - HOUR) == Stage.OFF
    assert row.stage_at(NOW) == Stage.ENFORCE
    assert Enforcement(enforce_from=None).stage_at(NOW) == Stage.OFF


@pytest.mark.parametrize(
    ("stage", "answer"),
    [("off", "pass"), ("announce", "pass"), ("warn", "warn"), ("enforce", "refuse")],
)
def test_what_a_stage_means_for_a_password_and_a_token(
    alice: Person, stage: str, answer: str
) -> None:
    stand_at(Stage(stage))
    now = timezone.now()
    assert policy.decide(alice.user, None, "password", now).answer == answer
    assert policy.decide(alice.user, None, "token", now).answer == "pass"


@pytest.mark.parametrize(
    ("stage", "answer"), [("off", "pass"), ("announce", "refuse"), ("warn", "refuse")]
)
def test_a_brown_out_refuses_from_its_beginning_until_its_end(
    alice: Person, stage: str, answer: str
) -> None:
    now = timezone.now()
    windows = as_stored([(now, now + HOUR), (now + 3 * HOUR, now + 4 * HOUR)])
    stand_at(Stage(stage), brown_outs=windows)
    calm = policy.decide(alice.user, None, "password", now - timedelta(seconds=1)).answer
    assert policy.decide(alice.user, None, "password", now).answer == answer
    assert policy.decide(alice.user, None, "password", now + HOUR).answer == calm
    assert policy.decide(alice.user, None, "password", now + 3 * HOUR).answer == answer


def test_a_brown_out_says_when_it_ends_and_is_told_apart(alice: Person) -> None:
    now = timezone.now()
    stand_at(Stage.ANNOUNCE, brown_outs=as_stored([(now - HOUR, now + HOUR)]))
    response = send(alice)
    assert response.status_code == 403
    assert f"on trial until {now + HOUR:%Y-%m-%d %H:%M} UTC" in said(response)
    assert "http://localhost:8000/help/api-tokens/" in said(response)
    assert Event.objects.get(kind="upload:file:refused").fields["code"] == "brown_out"


def test_the_notice_of_staff_is_what_uploaders_read(alice: Person) -> None:
    stand_at(Stage.ENFORCE, notice="Please ask Sam for help.")
    assert said(send(alice)) == (
        "Please ask Sam for help. See http://localhost:8000/help/api-tokens/"
    )


@pytest.mark.parametrize("audience", Audience.values)
@pytest.mark.parametrize("stage", list(Stage))
def test_a_decision_is_one_query(
    alice: Person, audience: str, stage: Stage, django_assert_num_queries: Any
) -> None:
    project = project_of(alice, "seagull")
    stand_at(stage, audience)
    with django_assert_num_queries(1):
        policy.decide(alice.user, project, "password", timezone.now())
    with django_assert_num_queries(0):
        policy.decide(alice.user, project, "token", timezone.now())


# Audiences


def test_users_with_a_second_factor_are_refused_and_others_pass(
    settings: Any, alice: Person, bob: Person
) -> None:
    settings.SECOND_FACTOR_REQUIRED = "nobody"
    stand_at(Stage.ENFORCE, Audience.FACTOR)
    without_factor(bob)
    assert send(alice).status_code == 403
    assert send(bob, project="bobs").status_code == 200


def test_projects_of_protected_owners_refuse_whoever_uploads(
    settings: Any, alice: Person, bob: Person, mallory: Person
) -> None:
    settings.SECOND_FACTOR_REQUIRED = "nobody"
    hers, his = project_of(alice, "hers"), project_of(bob, "his")
    without_factor(bob)
    for project in (hers, his):
        Role.objects.create(user=mallory.user, project=project, kind=Role.Kind.MAINTAINER)
    stand_at(Stage.ENFORCE, Audience.OWNERS)
    without_factor(mallory)
    assert send(mallory, project="hers").status_code == 403
    assert send(mallory, project="his").status_code == 200
    assert send(mallory, project="a-new-one").status_code == 200


def test_a_maintainers_second_factor_concerns_no_project(
    settings: Any, alice: Person, bob: Person
) -> None:
    settings.SECOND_FACTOR_REQUIRED = "nobody"
    project = project_of(alice, "seagull")
    without_factor(alice)
    Role.objects.create(user=bob.user, project=project, kind=Role.Kind.MAINTAINER)
    stand_at(Stage.ENFORCE, Audience.OWNERS)
    assert send(bob, project="seagull").status_code == 200


def test_projects_marked_critical_refuse_from_the_next_upload_on(
    alice: Person, sam: Person
) -> None:
    project = project_of(alice, "seagull")
    stand_at(Stage.ENFORCE, Audience.CRITICAL)
    assert send(alice, project="seagull").status_code == 200
    mark_critical(project, reason=REASON, by=sam.actor)
    assert send(alice, project="seagull", release="1.1").status_code == 403
    unmark_critical(project, reason=REASON, by=sam.actor)
    assert send(alice, project="seagull", release="1.1").status_code == 200


def test_a_refusal_before_the_project_is_known_is_recorded_with_the_project_after(
    alice: Person, sam: Person
) -> None:
    project = project_of(alice, "seagull")
    mark_critical(project, reason=REASON, by=sam.actor)
    stand_at(Stage.ENFORCE, Audience.CRITICAL)
    send(alice, project="seagull")
    event = Event.objects.get(kind="upload:file:refused")
    assert event in Event.objects.for_project(project)
    assert not File.objects.exists()


# Warning


def test_a_warned_upload_passes_marked_and_its_uploader_is_mailed_once_a_day(
    alice: Person,
) -> None:
    stand_at(Stage.WARN)
    for release in ("1.0", "1.1", "1.2"):
        assert send(alice, release=release).status_code == 200
    marks = Event.objects.filter(kind="project:file:uploaded").values_list("fields", flat=True)
    assert [fields["warned"] for fields in marks] == [True, True, True]
    assert OutboxMail.objects.get(notice="password_upload_warned").recipient == alice.email
    PasswordWarning.objects.update(told_at=timezone.now() - DAY)
    send(alice, release="1.3")
    assert OutboxMail.objects.filter(notice="password_upload_warned").count() == 2


def test_an_upload_that_is_not_concerned_is_not_marked(alice: Person) -> None:
    stand_at(Stage.WARN)
    upload(token_of(alice))
    assert Event.objects.get(kind="project:file:uploaded").fields["warned"] is False
    assert not PasswordWarning.objects.exists()


def test_of_uploads_at_the_same_time_one_is_mailed_about(committed_db: Any) -> None:
    alice = make_person("alice")
    told = race(4, lambda: warn_uploader(alice.user, by=alice.actor))
    assert sorted(told) == [False, False, False, True]
    PasswordWarning.objects.update(told_at=timezone.now() - 2 * DAY)
    assert sorted(race(4, lambda: warn_uploader(alice.user, by=alice.actor)))[2:] == [False, True]


# What staff decide


def test_a_plan_holds_is_recorded_and_told_to_all_administrators(
    alice: Person, sam: Person
) -> None:
    tina = make_person("tina", is_administrator=True)
    now = timezone.now()
    plan = Plan("factor", announce_from=now - DAY, enforce_from=now + DAY, notice="Soon.")
    change(plan, sam.actor)
    assert send(alice).status_code == 200
    event = Event.objects.get(kind="staff:enforcement:changed")
    assert (event.fields["stage"], event.fields["audience"]) == ("announce", "factor")
    assert event.fields["reason"] == REASON
    mails = OutboxMail.objects.filter(notice="enforcement_changed")
    assert {mail.recipient for mail in mails} == {sam.email, tina.email}


@pytest.mark.parametrize(
    "plan",
    [
        Plan("nobody"),
        Plan("everybody", announce_from=NOW, warn_from=NOW - DAY),
        Plan("everybody", announce_from=NOW, enforce_from=NOW - DAY),
        Plan("everybody", brown_outs=[(NOW, NOW)]),
        Plan("everybody", brown_outs=[(NOW, NOW + HOUR)] * 21),
        Plan("everybody", notice="Schluß"),
        Plan("everybody", notice="one\ntwo"),
        Plan("everybody", notice="x" * 161),
    ],
)
def test_a_plan_without_sense_changes_nothing(sam: Person, plan: Plan) -> None:
    with pytest.raises(ValidationError):
        change(plan, sam.actor)
    assert Enforcement.objects.get().version == 1
    assert not Event.objects.filter(kind="staff:enforcement:changed").exists()


def test_going_back_is_one_act_down_to_off(alice: Person, sam: Person) -> None:
    reached = []
    for version in (1, 2, 3):
        reached.append(go_back(version=version, reason=REASON, by=sam.actor))
        assert Enforcement.objects.get().stage == reached[-1]
        assert send(alice, release=f"1.{version}").status_code == 200
    assert reached == [Stage.WARN, Stage.ANNOUNCE, Stage.OFF]
    with pytest.raises(ValidationError):
        go_back(version=4, reason=REASON, by=sam.actor)


def test_going_back_takes_the_dates_of_later_stages(sam: Person) -> None:
    row = stand_at(Stage.ANNOUNCE, warn_from=NOW, enforce_from=NOW + DAY)
    go_back(version=row.version, reason=REASON, by=sam.actor)
    row = Enforcement.objects.get()
    assert [begins for _stage, begins in row.timetable()] == [None, None, None]


def test_going_back_drops_brown_outs_and_says_so(
    browser: Browser, alice: Person, sam: Person
) -> None:
    now = timezone.now()
    over, running = (now - 3 * HOUR, now - 2 * HOUR), (now - HOUR, now + HOUR)
    later = (now + DAY, now + DAY + HOUR)
    row = stand_at(Stage.WARN, brown_outs=as_stored([later, over, running]))
    assert send(alice).status_code == 403
    page = text_of_page(browser(sam).get("/admin/uploads/enforcement/1/go-back/"))
    assert "2 brown-outs that are going on or to come are dropped." in page
    go_back(version=row.version, reason=REASON, by=sam.actor)
    assert send(alice).status_code == 200
    assert policy.decide(alice.user, None, "password", later[0]).answer == "pass"
    fields = Event.objects.get(kind="staff:enforcement:changed").fields
    assert fields["brown_outs"] == []
    assert fields["dropped_brown_outs"] == [" - ".join(w) for w in as_stored([running, later])]


def test_of_two_administrators_the_one_who_saw_an_old_state_is_refused(sam: Person) -> None:
    go_back(version=1, reason=REASON, by=sam.actor)
    with pytest.raises(ValidationError, match="in the meantime"):
        go_back(version=1, reason=REASON, by=sam.actor)
    with pytest.raises(ValidationError, match="in the meantime"):
        change(Plan("everybody"), sam.actor, version=1)
    assert Enforcement.objects.get().stage == Stage.WARN


@pytest.mark.parametrize("group", ["", "Support", "Projects", "Auditor"])
def test_only_administrators_decide(group: str) -> None:
    somebody = make_person("somebody", group=group)
    for act in (
        lambda: change(Plan("everybody"), somebody.actor),
        lambda: go_back(version=1, reason=REASON, by=somebody.actor),
        lambda: announce(reason=REASON, by=somebody.actor),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_reaching_a_stage_is_recorded_once(sam: Person) -> None:
    now = timezone.now()
    change(Plan("everybody", warn_from=now - DAY, enforce_from=now + HOUR), sam.actor)
    assert not note_stage(by=system())
    Enforcement.objects.update(enforce_from=now - HOUR)
    assert note_stage(by=system())
    assert not note_stage(by=system())
    event = Event.objects.get(kind="staff:enforcement:reached")
    assert (event.fields["former"], event.fields["stage"]) == ("warn", "enforce")


# Pages


def test_the_page_of_staff_sets_a_plan(browser: Browser, sam: Person) -> None:
    address = "/admin/uploads/enforcement/1/change-enforcement/"
    form = {
        "audience": "critical",
        "announce_from": "2030-01-01T10:00",
        "warn_from": "",
        "enforce_from": "2030-02-01T10:00",
        "brown_outs": "2030-01-10 10:00 - 2030-01-10 12:00\n\n2030-01-11 10:00 - 2030-01-11 11:00",
        "notice": "",
        "version": "1",
        "reason": REASON,
    }
    client = browser(sam)
    wrong = client.post(address, form | {"brown_outs": "tomorrow"})
    assert "is not of the form" in text_of_page(wrong)
    assert client.post(address, form).status_code == 302
    row = Enforcement.objects.get()
    assert (row.audience, row.stage) == ("critical", "off")
    assert row.windows()[1][1] == datetime(2030, 1, 11, 11, tzinfo=UTC)
    assert "2030-01-10 10:00 - 2030-01-10 12:00" in text_of_page(client.get(address))


@pytest.mark.parametrize("stage", list(Stage))
def test_the_banner_is_for_those_concerned_while_passwords_still_upload(
    browser: Browser, alice: Person, bob: Person, stage: Stage
) -> None:
    project_of(alice, "seagull")
    Project.objects.update(critical_since=timezone.now())
    stand_at(stage, Audience.CRITICAL)
    words = "uploads with a password will be refused"
    page = text_of_page(browser(alice).get("/account/security/")).lower()
    assert (words in page) is (stage in {Stage.ANNOUNCE, Stage.WARN})
    assert words not in text_of_page(browser(bob).get("/account/security/")).lower()


def test_the_help_page_is_for_everybody(browser: Browser) -> None:
    page = text_of_page(browser().get("/help/api-tokens/"))
    assert "__token__" in page
    assert "GitHub Actions" in page


def test_banner_and_mails_name_the_next_brown_out(
    browser: Browser, alice: Person, sam: Person
) -> None:
    now = timezone.now()
    first, second = (now + HOUR, now + 2 * HOUR), (now + DAY, now + DAY + HOUR)
    over = (now - 2 * HOUR, now - HOUR)
    stand_at(Stage.WARN, enforce_from=NOW, brown_outs=as_stored([second, over, first]))
    assert send(alice).status_code == 200
    announce(reason=REASON, by=sam.actor)
    queue_batch(by=system())
    times = [f"{moment:%Y-%m-%d %H:%M} UTC" for moment in first]
    words = f"refused from {times[0]} until {times[1]} already."
    assert words in text_of_page(browser(alice).get("/account/security/"))
    for notice in ("password_upload_warned", "password_uploads_announced"):
        mail = OutboxMail.objects.get(notice=notice, recipient=alice.email)
        assert words in " ".join(str(notices.render(mail).body).split())


def test_a_brown_out_that_changes_nothing_is_not_announced(alice: Person) -> None:
    now = timezone.now()
    window = as_stored([(now + HOUR, now + 2 * HOUR)])
    for stage in (Stage.OFF, Stage.ENFORCE):
        assert stand_at(stage, brown_outs=window).next_brown_out(now) is None
    stand_at(Stage.WARN)
    send(alice)
    mail = OutboxMail.objects.get(notice="password_upload_warned")
    assert "On trial" not in str(notices.render(mail).body)


def test_those_concerned_are_mailed(alice: Person, bob: Person, sam: Person) -> None:
    project_of(alice, "seagull")
    Project.objects.update(critical_since=timezone.now())
    stand_at(Stage.ANNOUNCE, Audience.CRITICAL, enforce_from=NOW)
    assert announce(reason=REASON, by=sam.actor).total == 1
