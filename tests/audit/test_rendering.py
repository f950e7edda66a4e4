"""One sentence for each event, and only to whom it belongs where it came from."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actors import system
from audit.log import record
from audit.models import Event, EventOrigin, EventSubject
from audit.rendering import history, sentence
from tests.audit.words import ALICE, BY_ALICE, DONE, REFUSED, SEAGULL, record_done


def test_a_sentence_names_actor_fields_and_subjects(db: None) -> None:
    assert history([record_done("a dance")])[0].sentence == "alice did a dance to seagull"


def test_a_kind_of_another_version_is_shown_by_its_name() -> None:
    event = Event(number=1, kind="former:thing:gone", recorded_at=timezone.now(), fields={"a": 1})
    assert sentence(event, []) == "former:thing:gone"


def test_a_field_that_an_old_event_lacks_is_left_open() -> None:
    event = Event(number=1, kind=DONE.name, actor_label="alice", fields={})
    assert sentence(event, [EventSubject(kind="project", label="seagull")]) == (
        "alice did … to seagull"
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(["a", "b"], "a, b"), (None, ""), (0, "0"), ("{actor}", "{actor}")]
)
def test_values_are_shown_as_words(db: None, value: Any, shown: str) -> None:
    event = record(DONE, by=BY_ALICE, about=[SEAGULL], what=value)
    assert history([event])[0].sentence == f"alice did {shown} to seagull"


def test_an_actor_without_a_name_is_somebody() -> None:
    event = Event(number=1, kind=DONE.name, actor_label="", fields={"what": "x"})
    assert sentence(event, []).startswith("somebody did x")


def test_the_account_is_named_even_if_the_project_comes_first(db: None) -> None:
    event = record(REFUSED, by=BY_ALICE, about=[SEAGULL, ALICE], why="no")
    assert history([event])[0].sentence == "alice was refused: no"


def test_one_sees_where_ones_own_acts_came_from(db: None) -> None:
    line = history([record_done()], reader_id=ALICE.subject_id)[0]
    assert (line.network_address, line.user_agent) == ("192.0.2.17", "A Browser/1")


def test_one_does_not_see_where_the_acts_of_others_came_from(db: None) -> None:
    line = history([record_done()], reader_id="somebody else")[0]
    assert (line.network_address, line.user_agent) == ("", "")


def test_acts_without_an_account_are_not_everybodys_own(db: None) -> None:
    event = record(DONE, by=system(), what="x")
    EventOrigin.objects.filter(event_number=event.number).update(network_address="192.0.2.9")
    assert history([event], reader_id="")[0].network_address == ""


def test_staff_see_where_all_acts_came_from(db: None) -> None:
    assert history([record_done()], is_staff=True)[0].network_address == "192.0.2.17"


def test_an_erased_origin_shows_as_nothing(db: None) -> None:
    event = record_done()
    EventOrigin.objects.all().delete()
    assert history([event], is_staff=True)[0].network_address == ""


def test_a_page_takes_as_many_queries_as_one_event(db: None) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            history(Event.objects.all(), is_staff=True)
        return len(queries)

    record_done()
    assert count_queries() == 3
    for _turn in range(20):
        record_done()
    assert count_queries() == 3
