"""What staff see before they enforce: who uploads with passwords, and who would be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone

from projects import changes
from projects.models import Project
from tests.accounts.doors import text_of_page
from tests.support.clone import race
from tests.support.people import Person
from tests.support.uploading import token_of, upload
from tests.tokens.keys import project_of
from tests.uploads.stages import stand_at
from tests.uploads.test_enforcement import DAY, send, without_factor
from uploads.models import Audience, PasswordUpload, Stage
from uploads.preview import (
    Totals,
    count_uploads,
    find_uploads,
    forget_old_uploads,
    note_password_upload,
)

Browser = Callable[..., Client]


def test_the_page_shows_who_would_have_been_refused(
    settings: Any, browser: Browser, alice: Person, bob: Person, sam: Person
) -> None:
    settings.SECOND_FACTOR_REQUIRED = "nobody"
    without_factor(bob)
    stand_at(Stage.OFF, Audience.FACTOR)
    for release in ("1.0", "1.1"):
        send(alice, project="hers", release=release)
    send(bob, project="his")
    upload(token_of(alice), project="by-token")
    address = "/admin/uploads/enforcement/password-uploads/"
    page = text_of_page(browser(sam).get(address))
    hers, his = page.index(">hers<"), page.index(">his<")
    assert "refused" in page[hers : hers + 200]
    assert "not concerned" in page[his : his + 200]
    assert "by-token" not in page
    page = text_of_page(browser(sam).get("/admin/uploads/enforcement/1/change/"))
    assert f'href="{address}"' in page
    assert count_uploads("factor") == (Totals(2, 2, 3), Totals(1, 1, 2))
    assert count_uploads("everybody") == (Totals(2, 2, 3), Totals(2, 2, 3))
    Project.objects.filter(name="his").update(critical_since=timezone.now())
    assert count_uploads("critical") == (Totals(2, 2, 3), Totals(1, 1, 1))
    assert count_uploads("owners") == (Totals(2, 2, 3), Totals(1, 1, 2))


def test_password_uploads_are_found_behind_any_number_of_uploads_with_tokens(
    alice: Person, sam: Person, django_assert_num_queries: Any
) -> None:
    stand_at(Stage.OFF)
    send(alice, project="hers")
    text = token_of(alice)
    for number in range(3):
        assert upload(text, project=f"by-token-{number}").status_code == 200
    with django_assert_num_queries(1):
        every, _refused = count_uploads("everybody")
    with django_assert_num_queries(2):
        (line,), has_more = find_uploads("everybody")
    assert (every, line.count, has_more) == (Totals(1, 1, 1), 1, False)


def test_the_list_of_password_uploads_has_pages(
    browser: Browser, alice: Person, sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uploads.preview.PAGE", 1)
    stand_at(Stage.OFF)
    for name in ("older", "newer"):
        send(alice, project=name)
    client, address = browser(sam), "/admin/uploads/enforcement/password-uploads/"
    page = text_of_page(client.get(address))
    assert ">newer<" in page
    assert ">older<" not in page
    page = text_of_page(client.get(f"{address}?page=2"))
    assert ">older<" in page
    assert "?page=3" not in page
    for wrong in ("0", "x", "9" * 30):
        assert client.get(f"{address}?page={wrong}").status_code == 200


def test_password_uploads_are_counted_by_day_and_forgotten(alice: Person) -> None:
    stand_at(Stage.OFF)
    now = timezone.now()
    with time_machine.travel(now - 31 * DAY):
        send(alice, project="hers")
    for days in (2, 0):
        with time_machine.travel(now - days * DAY):
            send(alice, project="hers", release=f"2.{days}")
    assert count_uploads("everybody")[0] == Totals(1, 1, 2)
    assert PasswordUpload.objects.count() == 3
    assert forget_old_uploads() == 1
    assert PasswordUpload.objects.count() == 2


def test_an_upload_that_is_refused_or_repeated_is_not_counted(alice: Person) -> None:
    assert send(alice, project="hers").status_code == 403
    stand_at(Stage.OFF)
    for _turn in range(2):
        assert send(alice, project="hers").status_code == 200
    assert count_uploads("everybody")[0].uploads == 1


def test_uploads_at_once_are_all_counted(committed_db: Any, alice: Person) -> None:
    stand_at(Stage.OFF)
    project = project_of(alice, "hers")

    def note() -> None:
        with transaction.atomic():
            changes.lock(project)
            note_password_upload(alice.user, project)

    race(4, note)
    assert PasswordUpload.objects.get().count == 4
