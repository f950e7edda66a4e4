"""Secrets at rest open only with SECRET_KEY, and only in the place that they were wrapped for."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import keyring
from audit.checks import check_memory
from audit.models import Event, PurposeKey
from tests.audit.words import record_done, run_sql

OTHER_SECRET_KEY = "another-key-" * 5


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Iterator[None]:
    """Keys are read once for each process: forget those of other tests, and of this one."""
    keyring._cache.clear()
    yield
    keyring._cache.clear()


def restart() -> None:
    """Forget the keys, as a new process would know none."""
    keyring._cache.clear()


def test_what_is_wrapped_can_be_unwrapped(db: None) -> None:
    wrapped = keyring.wrap(keyring.NAMES, b"secret", context="row:1")
    assert keyring.unwrap(keyring.NAMES, wrapped, context="row:1") == b"secret"
    assert "secret" not in wrapped
    assert b"secret" not in base64.b64decode(wrapped.partition(":")[2])


def test_a_wrapped_secret_does_not_open_in_another_place(db: None) -> None:
    wrapped = keyring.wrap(keyring.NAMES, b"secret", context="row:1")
    with pytest.raises(ValueError, match="another place"):
        keyring.unwrap(keyring.NAMES, wrapped, context="row:2")


def test_a_wrapped_secret_does_not_open_for_another_purpose(db: None) -> None:
    wrapped = keyring.wrap(keyring.NAMES, b"secret", context="row:1")
    with pytest.raises(ValueError, match="does not have"):
        keyring.unwrap(keyring.SEALS, wrapped, context="row:1")


@pytest.mark.parametrize("damage", ["", ":", "x:y", "{id}:", "{id}:AAAA", "{id}:***", "{text}AAAA"])
def test_a_damaged_secret_is_a_plain_refusal(db: None, damage: str) -> None:
    wrapped = keyring.wrap(keyring.NAMES, b"secret", context="row:1")
    key_id = wrapped.partition(":")[0]
    with pytest.raises(ValueError, match="wrapped"):
        keyring.unwrap(keyring.NAMES, damage.format(id=key_id, text=wrapped), context="row:1")


def test_equal_secrets_are_wrapped_differently(db: None) -> None:
    texts = {keyring.wrap(keyring.NAMES, b"secret", context="row:1") for _turn in range(3)}
    assert len(texts) == 3


def test_a_digest_depends_on_the_text_and_on_the_purpose(db: None) -> None:
    digest = keyring.digest(keyring.NAMES, "alice")
    assert keyring.digest(keyring.NAMES, "alice") == digest
    assert keyring.digest(keyring.NAMES, "bob") != digest
    assert keyring.digest(keyring.SEALS, "alice") != digest


def test_the_table_holds_no_key_in_clear(db: None) -> None:
    for purpose in keyring.purposes():
        key_id, key = keyring.current_key(purpose)
        assert len(key) == 32
        stored = PurposeKey.objects.get(purpose=purpose, key_id=key_id).wrapped
        assert key not in base64.b64decode(stored)


def test_every_declared_purpose_has_a_key_of_its_own(db: None) -> None:
    keys = [keyring.current_key(purpose)[1] for purpose in keyring.purposes()]
    assert len(set(keys)) == len(keys) == PurposeKey.objects.count()


def test_a_migration_makes_the_key_of_a_new_purpose_and_leaves_the_others(db: None) -> None:
    former = dict(PurposeKey.objects.values_list("key_id", "wrapped"))
    keyring.declare("something new")
    try:
        keyring.create_missing()
        assert keyring.current_key("something new")[0] not in former
        assert former.items() <= dict(PurposeKey.objects.values_list("key_id", "wrapped")).items()
    finally:
        keyring._PURPOSES.discard("something new")


def test_the_start_is_refused_with_a_secret_key_that_does_not_fit(db: None, settings: Any) -> None:
    assert check_memory() == []
    settings.SECRET_KEY = OTHER_SECRET_KEY
    restart()
    assert [row.id for row in check_memory()] == ["audit.E003"]


def test_nothing_is_recorded_with_a_secret_key_that_does_not_fit(db: None, settings: Any) -> None:
    settings.SECRET_KEY = OTHER_SECRET_KEY
    restart()
    with pytest.raises(keyring.WrongSecretKey):
        record_done()


def test_the_start_is_refused_where_a_key_is_missing(db: None) -> None:
    PurposeKey.objects.filter(purpose=keyring.NAMES).delete()
    restart()
    found = check_memory()
    assert [row.id for row in found] == ["audit.E004"]
    assert keyring.NAMES in found[0].msg


def test_the_start_is_refused_where_the_tables_are_missing(committed_db: Any) -> None:
    run_sql("DROP TABLE audit_purposekey")
    assert [row.id for row in check_memory()] == ["audit.E001"]


def test_a_former_secret_key_opens_as_long_as_it_is_named(db: None, settings: Any) -> None:
    wrapped = keyring.wrap(keyring.NAMES, b"secret", context="row:1")
    settings.SECRET_KEY, former = OTHER_SECRET_KEY, settings.SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = ["a-third-key", former]
    restart()
    assert keyring.unwrap(keyring.NAMES, wrapped, context="row:1") == b"secret"
    assert check_memory() == []


def test_after_rotation_the_former_secret_key_is_not_needed(db: None, settings: Any) -> None:
    wrapped = keyring.wrap(keyring.NAMES, b"secret", context="row:1")
    settings.SECRET_KEY, former = OTHER_SECRET_KEY, settings.SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = [former]
    restart()
    call_command("rotate_keys", verbosity=0)
    settings.SECRET_KEY_FALLBACKS = []
    restart()
    assert keyring.unwrap(keyring.NAMES, wrapped, context="row:1") == b"secret"
    settings.SECRET_KEY = former
    restart()
    assert [row.id for row in check_memory()] == ["audit.E003"]


def test_a_rotation_is_recorded(db: None, capsys: Any) -> None:
    call_command("rotate_keys")
    event = Event.objects.get()
    count = PurposeKey.objects.count()
    assert (event.kind, event.fields) == ("audit:keys:rotated", {"count": count})
    assert f"Wrapped {count} keys." in capsys.readouterr().out


def test_a_rotation_without_the_former_key_is_refused(db: None, settings: Any) -> None:
    settings.SECRET_KEY = OTHER_SECRET_KEY
    restart()
    with pytest.raises(CommandError, match="opens the stored keys"):
        call_command("rotate_keys")
    assert not Event.objects.exists()
