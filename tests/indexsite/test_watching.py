"""The web server tells administrators of a worker that is late, once, past the outbox."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.signals import request_finished
from django.test import Client
from django.utils import timezone

from accounts.models import OutboxMail
from audit.models import Event, JobRun
from audit.timetable import FIRST_RUN, discover, run_due
from indexsite import watching
from indexsite.events import LATE_WORKER_TOLD
from indexsite.models import Incident
from indexsite.short_path import find_answer
from indexsite.troubles import tell_troubles
from indexsite.watching import PAUSE, Watch, tell_of_late_worker
from tests.support.clone import race
from tests.support.mailbox import Mailbox, text_of
from tests.support.people import Person, make_person
from tests.tokens.keys import project_of

JOB = "accounts:forget_old_counts"


@pytest.fixture
def late(committed_db: Any) -> None:
    """A worker that has not run a job for three days, and two administrators."""
    for name in ("sam", "tina"):
        make_person(name, is_administrator=True)
    make_person("helper", group="Support")
    JobRun.objects.create(name=JOB, due_at=timezone.now() - timedelta(days=3))


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Looks after every request of this process."""
    one = Watch(tell_of_late_worker, pause=0)
    one.begin()
    yield one
    one.end()
    wait_for_looks()


def wait_for_looks() -> None:
    for thread in threading.enumerate():
        if thread.name == "watch":
            thread.join(20)


def receivers() -> int:
    return len(request_finished.receivers)


def run_worker() -> None:
    """Let the jobs run, as a worker does that works again; twice, because it tells first."""
    for _turn in range(2):
        JobRun.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        run_due()


def test_a_late_worker_is_mailed_of_after_a_request_and_not_by_the_outbox(
    late: None, mailbox: Mailbox, watch: Watch
) -> None:
    assert Client().get("/robots.txt").status_code == 200
    first, second = mailbox.wait_for(2)
    assert {str(first["To"]), str(second["To"])} == {"sam@example.org", "tina@example.org"}
    assert f"The worker is late: {JOB} should have run" in " ".join(text_of(first).split())
    wait_for_looks()
    assert not OutboxMail.objects.filter(notice="trouble").exists()
    assert Event.objects.get(kind=LATE_WORKER_TOLD.name).fields == {"jobs": [JOB], "mails": 2}


def test_of_eight_processes_that_find_out_one_tells(late: None, mailbox: Mailbox) -> None:
    assert sorted(race(8, tell_of_late_worker)) == [0, 0, 0, 0, 0, 0, 0, 2]
    assert tell_of_late_worker() == 0
    assert len(mailbox.messages) == 2


def test_the_next_incident_is_told_of_again(late: None, mailbox: Mailbox) -> None:
    assert tell_of_late_worker() == 2
    run_worker()
    assert Incident.objects.get().told_at is None
    assert tell_of_late_worker() == 0
    JobRun.objects.filter(name=JOB).update(due_at=timezone.now() - timedelta(days=3))
    assert tell_of_late_worker() == 2


def test_a_worker_that_starts_again_does_not_tell_what_was_told(
    late: None, mailbox: Mailbox
) -> None:
    tell_of_late_worker()
    assert tell_troubles() == 0
    assert Incident.objects.get().told_at is not None


def test_while_the_mail_server_does_not_answer_it_is_tried_again(
    late: None, mailbox: Mailbox
) -> None:
    mailbox.refuse()
    assert tell_of_late_worker() == 0
    mailbox.accept()
    assert tell_of_late_worker() == 0  # another process may still be at it
    Incident.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert tell_of_late_worker() == 2


def test_a_mail_server_that_hangs_holds_up_nobody_and_is_given_up(
    late: None, mailbox: Mailbox, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SLOWEST_ANSWER", 0.5)
    mailbox.hang_after(0)
    began = time.monotonic()
    assert Client().get("/robots.txt").status_code == 200
    assert time.monotonic() - began < 0.4
    mailbox.wait_for_attempt(1)
    wait_for_looks()
    assert time.monotonic() - began < 10
    assert Incident.objects.get().told_at is None
    mailbox.accept()


def test_a_worker_that_was_never_started_is_told_of(
    committed_db: Any, mailbox: Mailbox, watch: Watch
) -> None:
    make_person("sam", is_administrator=True)
    Client().get("/robots.txt")
    wait_for_looks()
    assert JobRun.objects.count() == len(discover())
    for waited, mails in ((FIRST_RUN, 0), (FIRST_RUN + timedelta(minutes=3), 1)):
        JobRun.objects.update(due_at=timezone.now() - waited)
        Client().get("/robots.txt")
        wait_for_looks()
        assert len(mailbox.messages) == mails
    assert "accounts:note_ends_of_blocks" in text_of(mailbox.messages[0])
    run_worker()
    assert tell_of_late_worker() == 0


def test_a_worker_that_starts_after_the_web_server_is_not_late(
    committed_db: Any, mailbox: Mailbox
) -> None:
    make_person("sam", is_administrator=True)
    assert tell_of_late_worker() == 0
    JobRun.objects.update(due_at=timezone.now() - timedelta(minutes=9))
    assert tell_of_late_worker() == 0
    assert tell_troubles() == 0  # what the worker does first
    run_due()
    assert tell_of_late_worker() == 0
    assert not OutboxMail.objects.filter(notice="trouble").exists()
    assert not mailbox.messages


def test_a_worker_that_is_in_time_costs_two_questions(
    db: None, django_assert_num_queries: Callable[..., Any]
) -> None:
    assert tell_of_late_worker() == 0  # it notes what it waits for
    with django_assert_num_queries(2):
        assert tell_of_late_worker() == 0
    assert not Incident.objects.exists()


def test_a_process_looks_at_most_once_in_its_pause_and_not_at_its_start(db: None) -> None:
    looks: list[float] = []
    watch = Watch(lambda: looks.append(time.monotonic()), pause=3600)
    watch.begin()
    try:
        for expected in (0, 1, 2):
            for _request in range(3):
                Client().get("/robots.txt")
                wait_for_looks()
            assert len(looks) == expected
            watch.next_at = time.monotonic()  # the pause is over
    finally:
        watch.end()


def test_the_short_path_leads_past_it(alice: Person) -> None:
    project_of(alice, "foo")
    looks: list[int] = []
    watch = Watch(lambda: looks.append(1), pause=0)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/simple/foo/",
        "HTTP_HOST": "localhost:8000",
        "wsgi.url_scheme": "http",
    }
    watch.begin()
    try:
        assert find_answer(environ) is not None
        wait_for_looks()
        assert looks == []
        Client(SERVER_NAME="localhost", SERVER_PORT="8000").get("/simple/foo/")
        wait_for_looks()
        assert looks == [1]
    finally:
        watch.end()


def test_each_process_of_the_web_server_looks(committed_db: Any) -> None:
    watching.watch.end()
    before = receivers()
    importlib.reload(importlib.import_module("indexsite.wsgi"))
    try:
        assert receivers() == before + 1
        assert watching.watch.pause == PAUSE
        assert watching.watch.next_at > time.monotonic() + PAUSE - 60
    finally:
        watching.watch.end()
    assert receivers() == before
