"""What every store has to do, whatever it stands on: the contract of `sessions/protocol.py`.

A store never creates a record but by `insert`: one that has ended cannot be written back.
"""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask

from my_flask_app.sessions import protocol
from my_flask_app.sessions.record import Record, key_of

from .backend import broken_store
from .stores import NOW, make_record, store_of
from .support import PATIENCE

AT_ONCE = 6

RECORDS = {
    "of a user": make_record(),
    "of nobody": make_record(user_id=None),
    "with all of Unicode": make_record(data='{"a":"Zoë \u2603 \U0001f600 %s \\u0000"}', ip=""),
    "with much in it": make_record(data='{"a":"' + "x" * 200_000 + '"}'),
    "with long texts": make_record(user_agent="\U0001f600" * 200, ip="f" * 45),
    "with odd times": make_record(created_at=0.1 + 0.2, seen_at=NOW + 1e-6),
}


@pytest.fixture
def store(app: Flask) -> protocol.Store:
    """The application's own store."""
    return store_of(app)


@pytest.fixture
def record(store: protocol.Store) -> Record:
    """A record that is stored."""
    record = make_record()
    store.insert(record)
    return record


def next_version(record: Record, data: str = '{"user_id":7,"changed":true}') -> Record:
    return replace(record, data=data, version=record.version + 1, seen_at=record.seen_at + 9)


def at_once(call: Callable[[int], bool]) -> list[bool]:
    """Return what parallel calls returned; protocol.StoreUnavailable counts as False."""
    start = threading.Barrier(AT_ONCE)

    def wait_and_call(number: int) -> bool:
        start.wait(PATIENCE)
        try:
            return call(number)
        except protocol.StoreUnavailable:
            return False

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(wait_and_call, range(AT_ONCE)))


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_comes_back_to_the_microsecond(store: protocol.Store, record: Record) -> None:
    store.insert(record)
    assert store.load(record.key) == record


def test_an_unknown_key_is_none(store: protocol.Store) -> None:
    assert store.load(key_of("unknown")) is None


def test_insert_does_not_replace(store: protocol.Store, record: Record) -> None:
    with pytest.raises(protocol.StoreUnavailable):
        store.insert(next_version(record))
    assert store.load(record.key) == record


def test_update_replaces_the_version_before(store: protocol.Store, record: Record) -> None:
    changed = next_version(record)
    assert store.update(changed) is True
    assert store.load(record.key) == changed


@pytest.mark.requirement("R37")
def test_update_of_another_version_changes_nothing(store: protocol.Store, record: Record) -> None:
    changed = next_version(record)
    assert store.update(changed) is True
    assert store.update(next_version(record, data='{"user_id":7,"late":true}')) is False
    assert store.update(replace(changed, version=5)) is False
    assert store.load(record.key) == changed


@pytest.mark.requirement("R37")
def test_update_never_creates(store: protocol.Store, record: Record) -> None:
    store.delete(record.key)
    assert store.update(next_version(record)) is False
    assert store.load(record.key) is None
    assert store.for_user(7) == []


def test_take_deletes_the_version_that_was_read(store: protocol.Store, record: Record) -> None:
    assert store.take(record.key, record.version) is True
    assert store.load(record.key) is None
    assert store.for_user(7) == []


@pytest.mark.requirement("R37")
def test_take_leaves_another_version(store: protocol.Store, record: Record) -> None:
    changed = next_version(record)
    store.update(changed)
    assert store.take(record.key, record.version) is False
    assert store.load(record.key) == changed


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("user_id", [7, None])
def test_a_record_is_taken_once(store: protocol.Store, user_id: int | None) -> None:
    record = make_record(user_id=user_id)
    store.insert(record)
    assert [store.take(record.key, record.version) for _ in range(2)] == [True, False]
    assert store.take(key_of("unknown"), 1) is False


@pytest.mark.requirement("R31")
def test_touch_moves_the_times_and_not_the_version(store: protocol.Store, record: Record) -> None:
    store.touch(record.key, NOW + 60.25, NOW + 3660.25)
    assert store.load(record.key) == replace(record, seen_at=NOW + 60.25, expires_at=NOW + 3660.25)
    assert store.update(next_version(record)) is True


@pytest.mark.requirement("R31")
def test_touch_never_moves_backwards(store: protocol.Store, record: Record) -> None:
    store.touch(record.key, record.seen_at - 60, record.expires_at - 60)
    assert store.load(record.key) == record


@pytest.mark.requirement("R37")
def test_touch_never_creates(store: protocol.Store, record: Record) -> None:
    store.delete(record.key)
    store.touch(record.key, NOW + 60, NOW + 3660)
    assert store.load(record.key) is None
    assert store.for_user(7) == []


def test_delete_needs_no_version_and_no_record(store: protocol.Store, record: Record) -> None:
    store.update(next_version(record))
    store.delete(record.key)
    store.delete(record.key)
    assert store.load(record.key) is None
    assert store.for_user(7) == []


@pytest.mark.requirement("R40")
def test_for_user_finds_that_users_records_alone(store: protocol.Store, record: Record) -> None:
    second = make_record("two")
    for other in (second, make_record("three", user_id=77), make_record("four", user_id=None)):
        store.insert(other)
    found = {mine.key: mine for mine in store.for_user(7)}
    assert found == {record.key: record, second.key: second}
    assert store.for_user(8) == []


@pytest.mark.requirement("R40")
def test_for_user_finds_records_as_they_are_now(store: protocol.Store, record: Record) -> None:
    changed = next_version(record)
    store.update(changed)
    store.touch(record.key, NOW + 60, NOW + 3660)
    assert store.for_user(7) == [replace(changed, seen_at=NOW + 60, expires_at=NOW + 3660)]


@pytest.mark.requirement("R35")
def test_prune_spares_what_is_live(store: protocol.Store, record: Record) -> None:
    assert store.prune(record.expires_at - 0.001) == 0
    assert store.load(record.key) == record


def test_ping_answers(store: protocol.Store) -> None:
    store.ping()
    assert store.load(key_of("unknown")) is None


@pytest.mark.requirement("R37")
def test_of_parallel_updates_one_is_done(store: protocol.Store, record: Record) -> None:
    def update(number: int) -> bool:
        return store.update(next_version(record, data=json.dumps({"user_id": 7, "by": number})))

    results = at_once(update)
    assert results.count(True) == 1
    stored = store.load(record.key)
    assert stored
    assert stored.data == json.dumps({"user_id": 7, "by": results.index(True)})


@pytest.mark.requirement("R37")
def test_of_parallel_takes_one_is_done(store: protocol.Store, record: Record) -> None:
    assert at_once(lambda _: store.take(record.key, record.version)).count(True) == 1
    assert store.load(record.key) is None


def test_of_parallel_inserts_under_one_key_one_is_done(store: protocol.Store) -> None:
    def insert(number: int) -> bool:
        store.insert(make_record(ip=str(number)))
        return True

    results = at_once(insert)
    assert results.count(True) == 1
    stored = store.load(make_record().key)
    assert stored
    assert stored.ip == str(results.index(True))


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.load(make_record().key),
        lambda store: store.insert(make_record()),
        lambda store: store.update(next_version(make_record())),
        lambda store: store.take(make_record().key, 1),
        lambda store: store.touch(make_record().key, NOW, NOW),
        lambda store: store.delete(make_record().key),
        lambda store: store.for_user(7),
        lambda store: store.ping(),
    ],
    ids=["load", "insert", "update", "take", "touch", "delete", "for_user", "ping"],
)
def test_a_server_that_does_not_answer_is_store_unavailable(
    call: Callable[[protocol.Store], object],
) -> None:
    with broken_store() as store, pytest.raises(protocol.StoreUnavailable):
        call(store)
