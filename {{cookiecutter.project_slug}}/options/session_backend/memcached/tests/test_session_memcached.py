"""What is special to sessions in memcached."""

import json
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.sessions import store as module
from my_flask_app.sessions.as_json import dump
from my_flask_app.sessions.connections import (
    LineClient,
)
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import (
    UnreadableRecord,
    key_of,
)

from .backend import (
    ends,
    overwrite,
    parts,
    replace_value,
)
from .stores import NOW, make_record, store_of
from .style import is_signed_in
from .support import PATIENCE, token_of

DAY = 86_400
WHOLE: dict[str, Any] = json.loads(dump(make_record()))

FOREIGN: dict[str, bytes] = {
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "no JSON": b"user_id=7",
    "half a record": dump(make_record())[:100],
    "another type": b"7",
    "a list": b"[]",
    "no field": b"{}",
    "a field too many": json.dumps(WHOLE | {"is_admin": True}).encode(),
    "another key": json.dumps(WHOLE | {"key": "0" * 64}).encode(),
    "deep lists": b"[" * 100_000,
    "a long number": b"9" * 10_000,
    "a time that is a text": json.dumps(WHOLE | {"created_at": "yesterday"}).encode(),
    "a time that is too long": json.dumps(WHOLE | {"expires_at": 10**400}).encode(),
    "no time": json.dumps(WHOLE | {"seen_at": None}).encode(),
    "a version that is a text": json.dumps(WHOLE | {"version": "first"}).encode(),
    "many users": json.dumps(WHOLE | {"user_id": [7, 8]}).encode(),
    "data that is an object": json.dumps(WHOLE | {"data": {"user_id": 7}}).encode(),
    "pickled": pickle.dumps({"user_id": 7}),
}


exploded: list[int] = []


class Bomb:
    """What must never be unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Return what pickle calls to make a copy."""
        return explode, (1,)


def explode(number: int) -> None:
    """Be noticed."""
    exploded.append(number)


# --- how long memcached keeps a record ---


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("days", [100 / DAY, 29.9, 30, 30.1, 400])
def test_memcached_forgets_a_session_after_its_end_and_not_before(app: Flask, days: float) -> None:
    store, record = store_of(app), make_record(expires_at=NOW + 1.5)
    connections, prefix = parts(store)

    def is_right(call: Callable[[], object], seconds: float) -> bool:
        before = time.time()
        call()
        end = ends(connections, prefix)[f"{prefix}:session:{record.key}"]
        return before + seconds <= end <= time.time() + seconds + PATIENCE

    later = replace(record, version=2, seen_at=NOW + 70, expires_at=NOW + 80)
    latest = replace(later, version=3, expires_at=NOW + 70 + days * DAY)
    assert is_right(lambda: store.insert(record), record.expires_at - record.seen_at)
    assert is_right(lambda: store.touch(record.key, NOW + 60, NOW + 60 + days * DAY), days * DAY)
    assert is_right(lambda: store.update(later), 10)
    assert is_right(lambda: store.update(latest), days * DAY)
    assert store.load(record.key) == latest


@pytest.mark.parametrize(
    ("left", "seconds"), [(-5.0, 1), (0.0, 1), (0.25, 1), (1.5, 2), (30 * DAY - 5.0, 30 * DAY - 5)]
)
def test_the_time_that_is_left_counts(left: float, seconds: int) -> None:
    record = make_record(seen_at=NOW, expires_at=NOW + left)
    assert module._lifetime(record) == seconds + module.LEEWAY


def test_a_longer_time_is_a_date_of_this_machine() -> None:
    before = int(time.time())
    record = make_record(seen_at=NOW, expires_at=NOW + 30 * DAY)
    assert before <= module._lifetime(record) - 30 * DAY - module.LEEWAY <= time.time()


# --- compare-and-swap ---


@pytest.mark.requirement("R37")
def test_an_update_is_not_lost_to_a_touch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = store_of(app)
    record = make_record()
    store.insert(record)
    original = store._replace

    def after_a_touch(*args: Any) -> Any:
        monkeypatch.setattr(store, "_replace", original)
        store.touch(record.key, NOW + 5, NOW + 5000)
        return original(*args)

    monkeypatch.setattr(store, "_replace", after_a_touch)
    changed = replace(record, version=2, data='{"user_id":7,"a":1}', seen_at=NOW + 6)
    assert store.update(changed) is True
    assert store.load(record.key) == changed


@pytest.mark.requirement("R37")
def test_a_touch_does_not_undo_an_update(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = store_of(app)
    record = make_record()
    changed = replace(record, version=2, data='{"user_id":7,"a":1}')
    store.insert(record)
    original = store._replace

    def after_an_update(*args: Any) -> Any:
        monkeypatch.setattr(store, "_replace", original)
        assert store.update(changed)
        return original(*args)

    monkeypatch.setattr(store, "_replace", after_an_update)
    store.touch(record.key, NOW + 5, NOW + 5000)
    assert store.load(record.key) == replace(changed, seen_at=NOW + 5, expires_at=NOW + 5000)


@pytest.mark.requirement("R37")
def test_what_was_touched_meanwhile_is_taken(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = store_of(app)
    record = make_record()
    store.insert(record)
    original = store._delete_unchanged

    def after_a_touch(*args: Any) -> Any:
        monkeypatch.setattr(store, "_delete_unchanged", original)
        store.touch(record.key, NOW + 5, NOW + 5000)
        return original(*args)

    monkeypatch.setattr(store, "_delete_unchanged", after_a_touch)
    assert store.take(record.key, record.version) is True
    assert store.load(record.key) is None


@pytest.mark.requirement("R37")
def test_what_was_updated_meanwhile_is_not_taken(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    record = make_record()
    changed = replace(record, version=2)
    store.insert(record)
    original = store._delete_unchanged

    def after_an_update(*args: Any) -> Any:
        monkeypatch.setattr(store, "_delete_unchanged", original)
        assert store.update(changed)
        return original(*args)

    monkeypatch.setattr(store, "_delete_unchanged", after_an_update)
    assert store.take(record.key, record.version) is False
    assert store.load(record.key) == changed


@pytest.mark.requirement("R36", "R37")
@pytest.mark.parametrize("method", ["update", "touch"])
@pytest.mark.parametrize("ended_by", ["delete", "take"])
def test_what_ends_between_the_two_steps_of_a_change_stays_ended(
    app: Flask, monkeypatch: pytest.MonkeyPatch, method: str, ended_by: str
) -> None:
    store: Any = store_of(app)
    record = make_record()
    store.insert(record)
    original = store._replace

    def after_the_end(*args: Any) -> Any:
        if ended_by == "delete":
            store.delete(record.key)
        else:
            assert store.take(record.key, record.version)
        return original(*args)

    monkeypatch.setattr(store, "_replace", after_the_end)
    if method == "update":
        assert store.update(replace(record, version=2, seen_at=NOW + 9)) is False
    else:
        store.touch(record.key, NOW + 9, NOW + 5000)
    assert store.load(record.key) is None
    assert store.for_user(7) == []


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("method", ["update", "take"])
def test_a_record_that_never_stands_still_is_store_unavailable(
    app: Flask, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    store: Any = store_of(app)
    record = make_record()
    store.insert(record)
    monkeypatch.setattr(store, "_replace", lambda *_: False)
    monkeypatch.setattr(store, "_delete_unchanged", lambda *_: False)
    arguments = (replace(record, version=2),) if method == "update" else (record.key, 1)
    with pytest.raises(StoreUnavailable):
        getattr(store, method)(*arguments)
    store.touch(record.key, NOW + 9, NOW + 5000)  # a failure is no harm
    assert store.load(record.key) == record


def test_a_server_without_meta_commands_is_refused(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    monkeypatch.setattr(LineClient, "ask", lambda *_: b"MN")
    with pytest.raises(StoreUnavailable, match="md"):
        store.take(record.key, 1)


def test_a_key_that_is_in_no_index_is_not_used_twice_either(app: Flask) -> None:
    store, record = store_of(app), make_record(user_id=None)
    store.insert(record)
    with pytest.raises(StoreUnavailable):
        store.insert(replace(record, ip=""))
    assert store.load(record.key) == record


# --- values that are not ours ---


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_value_means_anonymous(
    app: Flask, signed_in_client: FlaskClient, caplog: pytest.LogCaptureFixture, value: bytes
) -> None:
    replace_value(store_of(app), key_of(token_of(signed_in_client) or ""), lambda _: value)
    assert not is_signed_in(signed_in_client)
    assert "session_unreadable" in caplog.messages


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_value_is_no_record_and_hides_no_other(app: Flask, value: bytes) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    store.insert(make_record("damaged"))
    replace_value(store, key_of("damaged"), lambda _: value)
    with pytest.raises(UnreadableRecord):
        store.load(key_of("damaged"))
    assert store.update(make_record("damaged", version=2)) is False
    assert store.take(key_of("damaged"), 1) is False
    store.touch(key_of("damaged"), NOW + 9, NOW + 99)
    assert store.for_user(7) == [record]


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("flags", range(32))
def test_nothing_is_ever_unpickled(app: Flask, flags: int) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    # pymemcache's own way to store objects marks them by flags, which whoever writes can set.
    replace_value(store, record.key, lambda _: pickle.dumps(Bomb()), flags)
    with pytest.raises(UnreadableRecord):
        store.load(record.key)
    assert exploded == []


def test_the_record_of_another_user_is_not_listed(app: Flask) -> None:
    store = store_of(app)
    store.insert(make_record())
    overwrite(store, make_record().key, user_id=8)
    assert store.for_user(7) == []
