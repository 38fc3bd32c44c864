"""Which sessions a user has, in the database beside memcached."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.sessions import store as module
from my_flask_app.sessions.connections import (
    Address,
    Connections,
)
from my_flask_app.sessions.index import columns, session_index
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import key_of

from .backend import (
    NOWHERE,
    engine_of,
    evict,
)
from .stores import NOW, make_record, record_of, store_of
from .style import is_signed_in, reauthenticate
from .support import Clock, token_of


def rows(app: Flask) -> dict[str, float]:
    """Return what the index names, each with the end that it knows of."""
    with engine_of(store_of(app)).connect() as connection:
        return {row.key: row.expires_at for row in connection.execute(sa.select(session_index))}


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
    app: Flask, clock: Clock, method: str
) -> None:
    store: Any = store_of(app)
    arguments: dict[str, list[Any]]
    arguments = {"insert": [make_record()], "for_user": [7], "prune": [NOW + 99], "ping": []}
    store.insert(make_record("old", expires_at=NOW + 1))
    clock.now = NOW + 99
    store._connections = Connections(Address.parse(NOWHERE))
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
