"""What is special to sessions in memcached."""

import json
import os
import pickle
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app import create_app
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.sessions import store as module
from my_flask_app.sessions.connections import (
    TIMEOUT,
    Address,
    Connections,
    LineClient,
)
from my_flask_app.sessions.index import columns, session_index
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import (
    UnreadableRecord,
    key_of,
)

from .backend import (
    NOWHERE,
    ends,
    engine_of,
    evict,
    overwrite,
    parts,
    replace_value,
    server_url,
)
from .fake_memcached import FakeMemcached
from .notebook import add_notebook
from .stores import NOW, make_record, record_of, store_of
from .style import SIGNED_IN_PAGE, is_signed_in, log_in, log_out, reauthenticate, succeeded
from .support import PATIENCE, Clock, cookies_set, token_of

DAY = 86_400
WHOLE: dict[str, Any] = json.loads(module._dump(make_record()))

FOREIGN: dict[str, bytes] = {
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "no JSON": b"user_id=7",
    "half a record": module._dump(make_record())[:100],
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


@pytest.fixture
def fake() -> Iterator[FakeMemcached]:
    """A fake server of the test's own, whatever MEMCACHED_URL is."""
    server = FakeMemcached()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect() -> Iterator[Callable[[str], Connections]]:
    """Connections to a server, which are closed after the test."""
    opened: list[Connections] = []

    def open_to(url: str) -> Connections:
        opened.append(Connections(Address.parse(url)))
        return opened[-1]

    yield open_to
    for connections in opened:
        connections.close()


def rows(app: Flask) -> dict[str, float]:
    """Return what the index names, each with the end that it knows of."""
    with engine_of(store_of(app)).connect() as connection:
        return {row.key: row.expires_at for row in connection.execute(sa.select(session_index))}


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


# --- the index in the database ---


@pytest.mark.requirement("R40")
def test_the_index_names_a_session_before_it_is_there(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def note(*_: Any, **__: Any) -> bool:
        seen.extend(rows(app))
        return True

    monkeypatch.setattr("pymemcache.client.base.Client.add", note)
    store_of(app).insert(make_record())
    assert seen == [make_record().key]


def test_the_index_knows_no_anonymous_session(app: Flask) -> None:
    store_of(app).insert(make_record(user_id=None))
    assert rows(app) == {}


@pytest.mark.requirement("R40")
@pytest.mark.parametrize("ended_by", ["delete", "take"])
def test_the_index_forgets_what_was_ended(app: Flask, ended_by: str) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    store.insert(make_record("other"))
    if ended_by == "delete":
        store.delete(record.key)
    else:
        store.take(record.key, record.version)
    assert [*rows(app)] == [key_of("other")]


@pytest.mark.requirement("R40")
def test_the_index_does_not_name_signposts(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    assert reauthenticate(signed_in_client).status_code in (204, 303)
    assert [*rows(app)] == [key_of(token_of(signed_in_client) or "")]
    assert len(store_of(app).for_user(user.id)) == 1


@pytest.mark.requirement("R40")
def test_a_session_that_is_moved_while_the_index_is_read_is_found(
    app: Flask, signed_in_client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    original = store._load_all

    def after_a_move(keys: list[str]) -> Any:
        monkeypatch.setattr(store, "_load_all", original)
        assert reauthenticate(signed_in_client).status_code in (204, 303)
        return original(keys)

    monkeypatch.setattr(store, "_load_all", after_a_move)
    found = store.for_user(user.id)
    assert [record.key for record in found] == [key_of(token_of(signed_in_client) or "")]


def test_the_sessions_of_other_users_are_not_even_read(app: Flask) -> None:
    store: Any = store_of(app)
    store.insert(make_record())
    assert store._index.of_user(8) == {}


@pytest.mark.requirement("R40")
def test_more_sessions_than_fit_into_one_answer_are_found(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    store = store_of(app)
    records = {key_of(str(number)): make_record(str(number)) for number in range(5)}
    for record in records.values():
        store.insert(record)
    assert {record.key: record for record in store.for_user(7)} == records


@pytest.mark.requirement("R40")
def test_an_index_that_is_lost_does_not_keep_a_session_from_ending(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    with engine_of(store_of(app)).connect() as connection:
        connection.execute(sa.delete(session_index))
    command = ["sessions", "revoke", user.email]
    assert app.test_cli_runner().invoke(args=command).exit_code == 0
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("method", ["insert", "for_user", "prune", "ping"])
def test_a_database_that_does_not_answer_is_store_unavailable(
    app: Flask, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    arguments: dict[str, list[Any]]
    arguments = {"insert": [make_record()], "for_user": [7], "prune": [NOW], "ping": []}
    store: Any = store_of(app)
    monkeypatch.setattr(store._index, "_engine", sa.create_engine("sqlite:////no/such/folder/a.db"))
    with pytest.raises(StoreUnavailable):
        getattr(store, method)(*arguments[method])
    assert store.load(make_record().key) is None


@pytest.mark.requirement("R40", "R72")
@pytest.mark.parametrize("method", ["insert", "for_user", "prune", "ping"])
def test_a_memcached_that_does_not_answer_is_no_empty_one(
    app: Flask, clock: Clock, connect: Callable[[str], Connections], method: str
) -> None:
    store: Any = store_of(app)
    arguments: dict[str, list[Any]]
    arguments = {"insert": [make_record()], "for_user": [7], "prune": [NOW + 99], "ping": []}
    store.insert(make_record("old", expires_at=NOW + 1))
    clock.now = NOW + 99
    store._connections = connect(NOWHERE)
    with pytest.raises(StoreUnavailable):
        getattr(store, method)(*arguments[method])
    assert key_of("old") in rows(app)


@pytest.mark.requirement("R36", "R72")
@pytest.mark.parametrize("ended_by", ["delete", "take"])
def test_a_session_ends_though_the_index_cannot_be_tidied(
    app: Flask, monkeypatch: pytest.MonkeyPatch, ended_by: str
) -> None:
    store: Any = store_of(app)
    record = make_record()
    store.insert(record)
    monkeypatch.setattr(store._index, "_engine", sa.create_engine("sqlite:////no/such/folder/a.db"))
    if ended_by == "delete":
        store.delete(record.key)
    else:
        assert store.take(record.key, record.version) is True
    assert store.load(record.key) is None


def test_the_table_is_what_the_migration_makes(app: Flask) -> None:
    with app.app_context():
        inspector = sa.inspect(db.engine)
    made = {column["name"]: column for column in inspector.get_columns("session_index")}
    assert made.keys() == set(columns.keys())
    for column in columns:
        assert made[column.name]["nullable"] == column.nullable
    indexed = {tuple(index["column_names"]) for index in inspector.get_indexes("session_index")}
    assert indexed == {("user_id",), ("expires_at",)}


# --- what memcached has lost, and what is over ---


@pytest.mark.requirement("R40")
def test_an_evicted_session_is_a_signed_out_one(
    app: Flask, signed_in_client: FlaskClient, desk: FlaskClient, user: User
) -> None:
    evict(store_of(app), key_of(token_of(signed_in_client) or ""))
    assert not is_signed_in(signed_in_client)
    assert is_signed_in(desk)
    assert store_of(app).for_user(user.id) == [record_of(app, desk)]


@pytest.mark.requirement("R35", "R40")
@pytest.mark.parametrize("cleaned_by", ["for_user", "prune"])
def test_the_index_is_cleaned_of_the_evicted_and_not_too_soon(
    app: Flask, clock: Clock, cleaned_by: str
) -> None:
    store, record = store_of(app), make_record(expires_at=NOW + 3600)
    store.insert(record)
    evict(store, record.key)

    def clean() -> None:
        if cleaned_by == "prune":
            store.prune(clock.now)
        assert store.for_user(7) == []

    clock.now = record.expires_at  # until then the record may be on its way
    clean()
    assert [*rows(app)] == [record.key]
    clock.advance(seconds=0.5)
    clean()
    assert rows(app) == {}


@pytest.mark.requirement("R40", "R72")
def test_an_index_that_cannot_be_cleaned_can_be_read(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    store.insert(make_record("gone", expires_at=NOW + 1))
    evict(store, key_of("gone"))
    store.insert(make_record())
    clock.now = NOW + 2

    def fail(*_: object) -> int:
        raise StoreUnavailable

    monkeypatch.setattr(store._index, "forget_ended", fail)
    assert store.for_user(7) == [make_record()]


@pytest.mark.requirement("R35")
def test_prune_deletes_what_expired_in_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE_BATCH", 2)
    store = store_of(app)
    for number in range(5):
        store.insert(make_record(f"old {number}", expires_at=NOW + 4))
    live = make_record("live", expires_at=NOW + 5)
    store.insert(live)
    assert store.prune(NOW + 4.5) == 5
    assert rows(app) == {live.key: live.expires_at}
    assert store.load(key_of("old 0")) is None
    assert store.for_user(7) == [live]
    assert store.prune(NOW + 4.5) == 0


@pytest.mark.requirement("R35", "R40")
def test_prune_notes_that_a_session_in_use_lasts_longer(app: Flask) -> None:
    store, record = store_of(app), make_record(expires_at=NOW + 60)
    store.insert(record)
    store.touch(record.key, NOW + 50, NOW + 110)
    assert rows(app) == {record.key: NOW + 60}
    assert store.prune(NOW + 100) == 0
    assert rows(app) == {record.key: NOW + 110}
    assert [found.key for found in store.for_user(7)] == [record.key]


@pytest.mark.requirement("R37", "R40")
def test_prune_spares_what_was_touched_meanwhile(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    record = make_record(expires_at=NOW + 1)
    store.insert(record)
    original = store._delete_unchanged

    def after_a_touch(*args: Any) -> Any:
        store.touch(record.key, NOW + 60, NOW + 3660)
        return original(*args)

    monkeypatch.setattr(store, "_delete_unchanged", after_a_touch)
    assert store.prune(NOW + 2) == 0
    assert [found.key for found in store.for_user(7)] == [record.key]


@pytest.mark.requirement("R40")
def test_a_row_that_was_extended_meanwhile_is_not_forgotten(app: Flask) -> None:
    store: Any = store_of(app)
    record = make_record(expires_at=NOW + 1)
    store.insert(record)
    store._index.extend(record.key, NOW + 60)
    assert store._index.forget_ended({record.key}, NOW + 2) == 0
    assert rows(app) == {record.key: NOW + 60}


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


# --- the server's limits ---


@pytest.mark.requirement("R72")
def test_a_record_that_is_too_large_is_refused_and_the_reason_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    store, record = store_of(app), make_record()
    large = '{"user_id":7,"a":"' + "x" * 2**20 + '"}'
    with pytest.raises(StoreUnavailable, match="too large"):
        store.insert(replace(record, data=large))
    assert "memcached refuses: object too large for cache" in caplog.messages
    assert store.load(record.key) is None
    assert store.for_user(7) == []


@pytest.mark.requirement("R72")
def test_a_change_that_is_too_large_leaves_the_record_as_it_was(app: Flask) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    large = '{"user_id":7,"a":"' + "x" * 2**20 + '"}'
    with pytest.raises(StoreUnavailable, match="too large"):
        store.update(replace(record, data=large, version=2))
    assert store.load(record.key) == record


@pytest.mark.requirement("R72")
def test_a_full_server_signs_nobody_in_and_nobody_out(
    app: Flask,
    signed_in_client: FlaskClient,
    client: FlaskClient,
    desk: FlaskClient,
    user: User,
    fake: FakeMemcached,
    connect: Callable[[str], Connections],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store: Any = store_of(app)
    add_notebook(app)
    monkeypatch.setattr(store, "_connections", connect(fake.url))
    for browser in (client, desk):
        with browser.session_transaction() as session:
            session["user_id"] = user.id
    fake.is_full = True
    assert client.get(SIGNED_IN_PAGE).status_code == 200
    response = client.post("/note/note/lost")
    assert (response.status_code, cookies_set(response)) == (503, [])
    assert "memcached refuses: out of memory storing object" in caplog.messages
    assert is_signed_in(client)
    assert succeeded(log_out(desk))
    assert not is_signed_in(desk)
    response = log_in(desk, user.email)
    assert (response.status_code, cookies_set(response)) == (503, [])
    fake.is_full = False
    assert succeeded(log_in(desk, user.email))


def test_the_longest_name_of_a_package_is_not_too_long(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    monkeypatch.setattr(store, "_prefix", store._prefix.ljust(50, "x"))
    store.insert(make_record())
    assert store.load(make_record().key) == make_record()
    assert len(store._name(make_record().key)) <= 250
    store.delete(make_record().key)


def test_two_applications_on_one_server_do_not_share_sessions(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    store: Any = store_of(app)
    assert app.config["MEMCACHED_PREFIX"] == store._prefix
    store._prefix += "-other"
    assert not is_signed_in(signed_in_client)


# --- connections ---


@pytest.mark.requirement("R09")
def test_user_and_password_open_a_server_that_asks_for_them(
    connect: Callable[[str], Connections], fake: FakeMemcached
) -> None:
    fake.login = b"app p@ss:word"
    connections = connect(fake.url.replace("//", "//app:p%40ss%3Aword@"))
    for _ in range(2):
        with connections.client() as client:
            assert client.version()
            client.close()  # the next one has to sign in again


@pytest.mark.requirement("R09", "R72")
@pytest.mark.parametrize("login", ["", "app:hunter2@"])
def test_a_server_that_refuses_us_is_store_unavailable(
    connect: Callable[[str], Connections],
    fake: FakeMemcached,
    caplog: pytest.LogCaptureFixture,
    login: str,
) -> None:
    fake.login = b"app another"
    connections = connect(fake.url.replace("//", f"//{login}"))
    with pytest.raises(StoreUnavailable), connections.client() as client:
        client.version()
    assert any("memcached refuses: " in message for message in caplog.messages)
    assert "hunter2" not in caplog.text


@pytest.mark.requirement("R09")
def test_a_server_that_asks_for_no_password_does_not_keep_it(
    connect: Callable[[str], Connections], fake: FakeMemcached
) -> None:
    connections = connect(fake.url.replace("//", "//app:hunter2@"))
    with connections.client() as client:
        assert client.gets_many(["auth"]) == {}


@pytest.mark.requirement("R72")
def test_a_connection_that_the_server_has_closed_is_replaced(
    connect: Callable[[str], Connections],
) -> None:
    connections = connect(server_url())
    with connections.client() as client:
        client.version()
        assert client.sock
        client.sock.shutdown(socket.SHUT_RDWR)  # reads like the other side's end
    with connections.client() as client:
        assert client.version()


@pytest.mark.requirement("R72")
def test_a_connection_is_used_again(connect: Callable[[str], Connections]) -> None:
    connections, used = connect(server_url()), set()
    for _ in range(3):
        with connections.client() as client:
            client.version()
            used.add(client.sock)
    assert len(used) == 1


@pytest.mark.requirement("R72")
def test_a_late_answer_is_not_the_next_ones(connect: Callable[[str], Connections]) -> None:
    connections = connect(server_url())

    def give_up_too_early() -> None:
        with connections.client() as client:
            client.version()
            assert client.sock
            client.sock.sendall(b"gets late\r\n")
            raise TimeoutError

    with pytest.raises(StoreUnavailable):
        give_up_too_early()
    with connections.client() as client:
        assert client.version().startswith(b"1.")


@pytest.mark.requirement("R36", "R72")
def test_an_answer_may_come_in_pieces(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done is reported as done, however the network cuts the answer."""
    store, record = store_of(app), make_record()
    monkeypatch.setattr("pymemcache.client.base._recv", lambda sock, _: sock.recv(1))
    store.insert(record)
    assert store.update(replace(record, version=2))
    assert store.take(record.key, 2)
    assert store.load(record.key) is None


@pytest.mark.requirement("R72")
def test_threads_do_not_share_a_connection(app: Flask) -> None:
    store = store_of(app)
    records = [make_record(str(number)) for number in range(6)]
    start = threading.Barrier(len(records))

    def use(number: int) -> bool:
        start.wait(PATIENCE)
        store.insert(records[number])
        return all(store.load(records[number].key) == records[number] for _ in range(30))

    with ThreadPoolExecutor(len(records)) as threads:
        assert all(threads.map(use, range(len(records))))


FORKING = """
import os, sys
from my_flask_app.sessions import connections as module

connections = module.Connections(module.Address.parse(sys.argv[1]))
with connections.client() as client:
    client.version()
    ours = client.sock.getsockname()
child = os.fork()
with connections.client() as client:
    client.version()
    is_ours = client.sock.getsockname() == ours
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(0 if is_ours and status == 0 else 1)
os._exit(1 if is_ours else 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_worker_has_connections_of_its_own() -> None:
    command = [sys.executable, "-c", FORKING, server_url()]
    subprocess.run(command, check=True, timeout=60)  # noqa: S603


@pytest.mark.requirement("R72")
def test_a_server_that_says_nothing_is_given_up_at_once(
    connect: Callable[[str], Connections],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hang_up = threading.Timer(PATIENCE, silent.close)  # on whoever is patient
        hang_up.start()
        connections = connect(f"memcached://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable), connections.client() as client:
            client.version()
        assert time.monotonic() - began < TIMEOUT + 1
        hang_up.cancel()
    assert TIMEOUT <= 1


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("answer", [b"\r\n", b"VALUE\r\n", b"VALUE x 0 1 1\r\nx\r\n", b"HTTP/1.1 "])
def test_another_kind_of_server_is_store_unavailable(
    app: Flask, connect: Callable[[str], Connections], answer: bytes
) -> None:
    store: Any = store_of(app)
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as threads:

        def reply() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        replied = threads.submit(reply)
        store._connections = connect(f"memcached://127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(StoreUnavailable):
            store.load(make_record().key)
        replied.result(PATIENCE)


@pytest.mark.requirement("R09")
def test_tls_is_for_servers_that_can_prove_who_they_are(
    connect: Callable[[str], Connections], fake: FakeMemcached
) -> None:
    connections = connect(fake.url.replace("memcached:", "memcacheds:"))
    context = connections._tls
    assert context
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(StoreUnavailable), connections.client() as client:
        client.version()  # the fake one speaks no TLS


# --- MEMCACHED_URL ---


@pytest.mark.requirement("R05")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11211",
        "http://localhost:11211",
        "memcached:hunter2",
        "memcached://",
        "memcached://app:hunter2@",
        "memcached://app:hunter2@localhost:port",
        "memcached://app:hunter2@localhost:0",
        "memcached://app:hunter2@[localhost",
        "memcached://app:hunter2@one.example,two.example",
        "memcached://app:hunter2@localhost/1",
        "memcached://app:hunter2@localhost?timeout=60",
        "memcached://app:hunter2@localhost#1",
        "memcached://app@localhost",
        "memcached://:hunter2@localhost",
        "memcached://app:hunter%202@localhost",
        "memcached://app:hunter%0D%0A2@localhost",
    ],
)
def test_a_url_that_cannot_work_stops_the_start(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MEMCACHED_URL", url)
    with pytest.raises(SystemExit, match="  MEMCACHED_URL: must be") as refused:
        create_app()
    assert "hunter2" not in str(refused.value)


def test_there_is_no_default(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMCACHED_URL")
    with pytest.raises(SystemExit, match="MEMCACHED_URL"):
        create_app()


@pytest.mark.requirement("R09")
@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("memcached://localhost", Address("localhost", 11211, None, tls=False)),
        ("memcached://[::1]:5000/", Address("::1", 5000, None, tls=False)),
        ("memcached://a:b%40c%3A@one.example", Address("one.example", 11211, "a b@c:", tls=False)),
        ("memcacheds://a:b@one.example:5000", Address("one.example", 5000, "a b", tls=True)),
    ],
)
def test_a_url_that_can_work_is_taken_without_a_connection(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str, address: Address
) -> None:
    monkeypatch.setenv("MEMCACHED_URL", url)
    assert create_app().config["MEMCACHED_URL"] == url
    assert Address.parse(url) == address
