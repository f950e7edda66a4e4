"""Events and their subjects are only ever added: what the models say of it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from audit.models import AppendOnly, ChainHead, Event, EventSubject
from tests.audit.words import record_done


@pytest.mark.parametrize("model", [Event, EventSubject])
def test_a_stored_row_is_not_saved_again(db: None, model: type[Event | EventSubject]) -> None:
    record_done()
    row = model.objects.all()[0]
    with pytest.raises(AppendOnly, match="never changed"):
        row.save()


@pytest.mark.parametrize("model", [Event, EventSubject])
def test_a_stored_row_is_not_deleted(db: None, model: type[Event | EventSubject]) -> None:
    record_done()
    row = model.objects.all()[0]
    with pytest.raises(AppendOnly, match="never deleted"):
        row.delete()
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", [Event, EventSubject])
def test_rows_are_not_deleted_together(db: None, model: type[Event | EventSubject]) -> None:
    record_done()
    with pytest.raises(AppendOnly, match="never deleted"):
        model.objects.all().delete()


def test_rows_are_not_changed_together(db: None) -> None:
    event = record_done()
    with pytest.raises(AppendOnly, match="never changed"):
        Event.objects.update(actor_label="mallory")
    event.actor_label = "mallory"
    with pytest.raises(AppendOnly, match="never changed"):
        Event.objects.bulk_update([event], ["actor_label"])
    with pytest.raises(AppendOnly, match="never changed"):
        EventSubject.objects.filter(position=0).update(label="bob")


def test_a_number_is_given_once(db: None) -> None:
    event = record_done()
    again = Event(number=event.number, kind="x", recorded_at=event.recorded_at, fields={})
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()


def test_there_is_one_head(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ChainHead.objects.create(id=2, number=0, seal="")
