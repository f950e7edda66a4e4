"""Mails that come with time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import OutboxMail, User
from accounts.notices import render
from tests.support.people import Person
from tests.support.uploading import grant_for, upload
from tests.tokens.keys import make, project_of, secret_parts
from tokens import jobs
from tokens.models import RefusalCount
from tokens.operations.lifecycle import revoke_token
from tokens.reminders import remind_of_ends, remind_of_unused
from tokens.uses import count_refusal, forget_old_refusals


def lasting(alice: Person, days: int, name: str = "a token") -> str:
    """The text of a token that ends so many days from now."""
    end = timezone.now() + timedelta(days=days)
    return make(alice, name, grant=grant_for(is_wide=True, expires_at=end))[1]


def mails(notice: str) -> list[str]:
    return [
        " ".join(str(render(mail).body).split())
        for mail in OutboxMail.objects.filter(notice=notice)
    ]


def test_an_end_is_told_7_days_and_1_day_before(alice: Person) -> None:
    text = lasting(alice, 90, "release job")
    now = timezone.now()
    counts = []
    for days in (80, 82.9, 83.1, 85, 88.9, 89.1, 89.9, 90.1):
        with time_machine.travel(now + timedelta(days=days)):
            counts.append(remind_of_ends())
    assert counts == [0, 0, 1, 0, 0, 1, 0, 0]
    bodies = mails("token_expiring")
    assert all("release job" in body and "UTC" in body for body in bodies)
    assert not any(part in body for part in secret_parts(text) for body in bodies)


def test_of_a_site_that_stood_still_one_mail_is_sent(alice: Person) -> None:
    lasting(alice, 90)
    with time_machine.travel(timezone.now() + timedelta(days=89, hours=12)):
        assert remind_of_ends() == 1
        assert remind_of_ends() == 0


def test_who_chose_so_few_days_is_not_told_at_once(alice: Person) -> None:
    lasting(alice, 7)
    assert remind_of_ends() == 0
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=1)):
        assert remind_of_ends() == 1


@pytest.mark.parametrize("change", ["revoked", "frozen", "endless"])
def test_tokens_that_cannot_end_are_not_spoken_of(alice: Person, change: str) -> None:
    if change == "endless":
        make(alice)
    else:
        lasting(alice, 8)
    if change == "revoked":
        revoke_token(alice.user.api_tokens.get(), reason="old", by=alice.actor)
    elif change == "frozen":
        User.objects.update(is_active=False)
    with time_machine.travel(timezone.now() + timedelta(days=7, hours=12)):
        assert remind_of_ends() == 0


def test_a_token_that_was_not_used_for_90_days_is_spoken_of_once(alice: Person) -> None:
    _token, text = make(alice, "forgotten")
    now = timezone.now()
    counts = []
    for days in (89, 91, 120):
        with time_machine.travel(now + timedelta(days=days)):
            counts.append(remind_of_unused())
    assert counts == [0, 1, 0]
    assert "forgotten" in mails("token_unused")[0]
    with time_machine.travel(now + timedelta(days=130)):
        upload(text)
        assert remind_of_unused() == 0
    with time_machine.travel(now + timedelta(days=221)):
        assert remind_of_unused() == 1


def test_a_token_whose_projects_are_gone_is_not_spoken_of(alice: Person) -> None:
    foo = project_of(alice, "foo")
    end = timezone.now() + timedelta(days=95)
    make(alice, grant=grant_for(foo, expires_at=end))
    foo.delete()
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        assert (remind_of_unused(), remind_of_ends()) == (0, 0)


def test_refusals_are_forgotten_after_90_days(alice: Person) -> None:
    token, _text = make(alice)
    count_refusal(token, "it was revoked")
    assert forget_old_refusals() == 0
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        count_refusal(token, "it was revoked")
        assert forget_old_refusals() == 1
    assert RefusalCount.objects.count() == 1


def test_the_worker_runs_all_of_it() -> None:
    assert {job.function.__name__ for job in jobs.JOBS} == {
        "remind_of_ends",
        "remind_of_unused",
        "forget_old_refusals",
    }
