"""What the read path need not ask again: only while nobody changes the database, anywhere."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import SwitchState
from projects import cache
from projects.cache import Known
from projects.models import content_path
from projects.operations import lifecycle
from tests.projects.conftest import Publish
from tests.support.clone import Database
from tests.support.people import Person

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("committed_db")]
CHANGE = """
import django, os, signal, sys
django.setup()
from django.db import connection, transaction
from accounts.models import SwitchState
with transaction.atomic():
    SwitchState.objects.filter(name="uploads").update(reason="x")
    if "die" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def ask(known: Known[int], answer: int) -> int | None:
    """What is known as the answer to a question to which another one may be given now."""
    return known.ask("question", lambda: answer)


def change() -> None:
    """Change something else."""
    with transaction.atomic():
        SwitchState.objects.filter(name="uploads").update(reason="x")


def change_elsewhere(database: Database, *words: str) -> None:
    """Change something else, in another process."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "indexsite.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "SITE_URL": settings.SITE_URL,
        "INDEXSITE_DATA": str(settings.DATA),
        "DATABASE_URL": database.url,
        "PYTHONPATH": ":".join(path for path in sys.path if path),
    }
    done = subprocess.run([sys.executable, "-c", CHANGE, *words], env=environment)
    assert done.returncode == (-signal.SIGKILL if "die" in words else 0)


@pytest.fixture(autouse=True)
def _connected(committed_db: Database) -> None:
    """Before there is a connection, nothing is known."""
    assert cache.version() is None
    connection.ensure_connection()


def test_nothing_is_asked_twice_until_somebody_changes_something() -> None:
    known = Known[int](10)
    assert [ask(known, 1), ask(known, 2)] == [1, 1]
    change()
    assert [ask(known, 3), ask(known, 4)] == [3, 3]


def test_a_change_by_another_process_counts(committed_db: Database) -> None:
    version = cache.version()
    change_elsewhere(committed_db)
    assert cache.version() not in {None, version}


def test_nothing_is_known_while_somebody_changes_something() -> None:
    known = Known[int](10)
    inside, outside = threading.Event(), threading.Event()

    def change_slowly() -> None:
        with transaction.atomic():
            inside.set()
            outside.wait(10)
        connection.close()

    assert ask(known, 1) == 1
    thread = threading.Thread(target=change_slowly)
    thread.start()
    assert inside.wait(10)
    assert cache.version() is None
    assert [ask(known, 2), ask(known, 3)] == [2, 3]
    outside.set()
    thread.join(10)
    assert [ask(known, 4), ask(known, 5)] == [4, 4]
    with transaction.atomic():
        assert [ask(known, 6), ask(known, 7)] == [6, 7]


@pytest.mark.parametrize("end", ["roll back", "close"])
def test_a_change_that_is_taken_back_ends_too(end: str) -> None:
    def change_in_vain() -> None:
        with transaction.atomic():
            if end == "close":
                connection.close()
            raise KeyError

    version = cache.version()
    with pytest.raises(KeyError):
        change_in_vain()
    connection.ensure_connection()
    assert cache.version() not in {None, version}


def test_nobody_relies_on_a_count_whose_keeper_died(committed_db: Database) -> None:
    known = Known[int](10)
    assert ask(known, 1) == 1
    change_elsewhere(committed_db, "die")
    assert cache.version() is None
    assert [ask(known, 2), ask(known, 3)] == [2, 3]
    change()
    assert [ask(known, 4), ask(known, 5)] == [4, 4]


def test_what_was_changed_by_hand_shows_a_moment_later(committed_db: Database) -> None:
    known = Known[int](10)
    assert ask(known, 1) == 1
    with sqlite3.connect(committed_db.name) as other:
        other.execute("UPDATE accounts_switchstate SET reason = 'x'")
    time.sleep(1.1)
    assert ask(known, 2) == 2


def test_what_is_not_there_is_asked_for_again() -> None:
    known = Known[int](10)
    assert known.ask("question", lambda: None) is None
    assert ask(known, 1) == 1


def test_room_is_bounded() -> None:
    known = Known[int](10)
    for key in range(100):
        assert known.ask(key, lambda key=key: key) == key  # type: ignore[misc]
    assert len(known._answers) <= 10


def test_two_databases_have_nothing_in_common(committed_db: Database) -> None:
    version = cache.version()
    other = committed_db.copy()
    try:
        with other.as_default():
            connection.ensure_connection()
            assert cache.version() not in {None, version}
    finally:
        other.drop()


# The pages and files of the index


def queries_of(path: str, status: int = 200) -> int:
    """How many queries an address takes."""
    with CaptureQueriesContext(connection) as captured:
        assert Client().get(path).status_code == status
    return len(captured)


def test_a_page_takes_no_query_until_something_changes(publish: Publish, alice: Person) -> None:
    file = publish()
    path, artifact = "/simple/foo/", f"/files/{content_path(file.blake2b_256)}/{file.filename}"
    assert [queries_of(path), queries_of(path)] == [2, 0]  # its serial and its files, once
    assert [queries_of(artifact), queries_of(artifact)] == [1, 0]
    assert queries_of(f"{artifact}.metadata") == 0
    change()
    assert [queries_of(path), queries_of(artifact)] == [1, 1]
    lifecycle.delete_file(file, by=alice.actor)
    assert file.filename not in Client().get(path).content.decode()
    assert queries_of(artifact, 404) == 1
    lifecycle.delete_project(file.release.project, by=alice.actor)
    assert queries_of(path, 404) == 1
