"""What is special to sessions in DynamoDB: the items, the index of a user's sessions, pruning."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.sessions import store as module
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import (
    Record,
    UnreadableRecord,
    key_of,
)

from .backend import NOWHERE, contents, overwrite, place_of, table_of
from .stores import NOW, make_record, store_of
from .style import is_signed_in
from .support import Clock, token_of

FOREIGN: dict[str, dict[str, Any]] = {
    "a time that is a text": {"created_at": "yesterday"},
    "no time": {"expires_at": None},
    "a version that is a text": {"version": "1"},
    "a version with a fraction": {"version": 1.5},
    "many users": {"user_id": [7, 8]},
    "a user who is a text": {"user_id": "7"},
    "bytes": {"data": b"\x80\x04pickled"},
    "a map": {"data": {"user_id": 7}},
    "deep lists": {"data": [[[[[[[["user_id"]]]]]]]]},
    "a number for a text": {"public_id": 5},
}
DAY = 86_400


class Watched:
    """What a store asks its table, noted; something can happen before an operation, once."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table = table_of(store_of(app))
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.before: dict[str, Any] = {}
        self._ask = self.table.ask
        monkeypatch.setattr(self.table, "ask", self.ask)

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        self.before.pop(operation, lambda: None)()
        return self._ask(operation, **parameters)

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]


@pytest.fixture
def watched(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """The application's table, watched."""
    return Watched(app, monkeypatch)


def fail() -> None:
    raise StoreUnavailable("switched off by a test")


def item_of(app: Flask, record: Record) -> dict[str, dict[str, Any]]:
    """Return the item that a record is kept in."""
    store = store_of(app)
    table = table_of(store)
    answer = table.ask("get_item", TableName=table.name, Key=place_of(store, record.key))
    return dict(answer["Item"])


# --- the item of a session ---


@pytest.mark.requirement("R35")
def test_the_date_to_forget_a_session_follows_its_end(app: Flask) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)

    def is_right(expires_at: float) -> bool:
        seconds = item_of(app, record)["forget_at"]["N"]
        assert seconds.isdigit()  # all that TTL understands
        return 0 <= int(seconds) - module.GRACE - expires_at < 1

    assert is_right(record.expires_at)
    store.touch(record.key, NOW + 60, NOW + 4000.000001)
    assert is_right(NOW + 4000.000001)
    store.update(replace(record, version=2, expires_at=NOW + 5000.999999))
    assert is_right(NOW + 5000.999999)


def test_a_time_without_a_fraction_is_a_float(app: Flask) -> None:
    """DynamoDB keeps 1800000000.0 as 1800000000."""
    store, record = store_of(app), make_record(seen_at=NOW)
    store.insert(record)
    overwrite(store, record.key, seen_at=int(NOW))
    found = store.load(record.key)
    assert found == record
    assert type(found.seen_at) is float


@pytest.mark.requirement("R36", "R40")
def test_every_read_is_consistent(app: Flask, watched: Watched) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    watched.calls.clear()
    store.load(record.key)
    store.ping()
    store.for_user(7)
    (_, load), (_, ping), (_, query), (_, batch) = watched.calls
    assert watched.operations == ["get_item", "get_item", "query", "batch_get_item"]
    for read in (load, ping, query, *batch["RequestItems"].values()):
        assert read["ConsistentRead"] is True


@pytest.mark.requirement("R72")
def test_a_session_of_more_than_400_kb_is_refused(app: Flask) -> None:
    store, record = store_of(app), make_record()
    large = replace(record, data="x" * 410_000, version=2)
    with pytest.raises(StoreUnavailable, match="size"):
        store.insert(large)
    store.insert(record)
    with pytest.raises(StoreUnavailable, match="size"):
        store.update(large)
    assert store.load(record.key) == record


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("fields", FOREIGN.values(), ids=FOREIGN)
def test_a_value_of_the_wrong_type_means_anonymous(
    app: Flask,
    signed_in_client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
) -> None:
    overwrite(store_of(app), key_of(token_of(signed_in_client) or ""), **fields)
    assert not is_signed_in(signed_in_client)
    assert "session_unreadable" in caplog.messages


@pytest.mark.requirement("R23", "R40", "R72")
@pytest.mark.parametrize("fields", FOREIGN.values(), ids=FOREIGN)
def test_a_damaged_record_does_not_hide_the_others(app: Flask, fields: dict[str, Any]) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    store.insert(make_record("damaged"))
    overwrite(store, key_of("damaged"), **fields)
    with pytest.raises(UnreadableRecord):
        store.load(key_of("damaged"))
    assert store.for_user(7) == [record]


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize(
    "missing",
    [
        *("public_id", "data", "user_id", "created_at", "seen_at", "expires_at"),
        *("version", "user_agent", "ip"),
    ],
)
def test_a_record_with_a_value_missing_is_unreadable(app: Flask, missing: str) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    table = table_of(store)
    table.ask(
        "update_item",
        TableName=table.name,
        Key=place_of(store, record.key),
        UpdateExpression="REMOVE #missing",
        ExpressionAttributeNames={"#missing": missing},
    )
    with pytest.raises(UnreadableRecord):
        store.load(record.key)


@pytest.mark.requirement("R40")
def test_applications_that_share_a_table_have_users_of_their_own(app: Flask, clock: Clock) -> None:
    store, record = store_of(app), make_record(created_at=NOW - 401 * DAY, expires_at=NOW + 1)
    other = module.DynamoStore(table_of(store), prefix="another", clock=clock)
    store.insert(record)
    before = contents(store)
    assert other.load(record.key) is None
    assert other.for_user(7) == []
    assert other.prune(NOW + 2) == 0
    assert contents(store) == before


def test_the_names_of_items_begin_with_the_applications(app: Flask) -> None:
    app.config["DYNAMODB_URL"] = NOWHERE
    store = module.make_store(app)
    assert place_of(store, "key")["pk"]["S"].startswith(f"{app.import_name}#")


# --- the index of a user's sessions ---


@pytest.mark.requirement("R40")
def test_a_session_that_the_index_does_not_name_is_not_stored(app: Flask, watched: Watched) -> None:
    store, record = store_of(app), make_record()
    watched.before["put_item"] = fail
    with pytest.raises(StoreUnavailable):
        store.insert(record)
    assert contents(store) == ""


@pytest.mark.requirement("R36", "R37")
def test_a_session_that_moves_while_the_index_is_read_is_found(
    app: Flask, watched: Watched
) -> None:
    store, old, new = store_of(app), make_record("old"), make_record("new")
    store.insert(old)

    def move() -> None:
        store.insert(new)
        store.take(old.key, old.version)

    watched.before["batch_get_item"] = move
    assert store.for_user(7) == [new]


@pytest.mark.requirement("R40")
def test_one_look_is_enough_when_nothing_has_moved(app: Flask, watched: Watched) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    watched.calls.clear()
    assert store.for_user(7) == [record]
    assert watched.operations == ["query", "batch_get_item"]


@pytest.mark.requirement("R40")
def test_a_session_of_somebody_else_is_none_of_the_users(app: Flask) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    overwrite(store, record.key, user_id=8)
    assert store.for_user(7) == []


@pytest.mark.requirement("R40")
def test_more_sessions_than_one_answer_holds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_BATCH", 2)
    store = store_of(app)
    records = {name: make_record(name) for name in ("one", "two", "three", "four", "five")}
    for record in records.values():
        store.insert(record)
    found = {record.key: record for record in store.for_user(7)}
    assert found == {record.key: record for record in records.values()}


@pytest.mark.requirement("R40", "R72")
@pytest.mark.parametrize("times", [1, 9])
def test_what_an_answer_has_left_out_is_asked_for_again(
    app: Flask, watched: Watched, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """DynamoDB does that when it is asked for too much at once."""
    store, first, second = store_of(app), make_record("one"), make_record("two")
    store.insert(first)
    store.insert(second)
    original, left_out = watched.ask, [place_of(store, second.key)] * times

    def ask(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == "batch_get_item" and left_out:
            place = left_out.pop()
            found = answer["Responses"][watched.table.name]
            answer["Responses"][watched.table.name] = [i for i in found if i["pk"] != place["pk"]]
            answer["UnprocessedKeys"] = {watched.table.name: {"Keys": [place]}}
        return answer

    monkeypatch.setattr(watched.table, "ask", ask)
    if times == 1:
        assert {record.key for record in store.for_user(7)} == {first.key, second.key}
    else:
        with pytest.raises(StoreUnavailable):
            store.for_user(7)


@pytest.mark.requirement("R36", "R72")
def test_a_sign_out_is_done_when_the_record_is_gone(app: Flask, watched: Watched) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    real = watched.ask
    calls: list[str] = []

    def ask(operation: str, **parameters: Any) -> dict[str, Any]:
        calls.append(operation)
        if calls.count("delete_item") == 2:
            fail()
        return real(operation, **parameters)

    watched.table.ask = ask  # type: ignore[method-assign]
    store.delete(record.key)
    assert calls == ["delete_item", "delete_item"]
    watched.table.ask = real  # type: ignore[method-assign]
    assert store.load(record.key) is None
    assert store.for_user(7) == []


def test_entries_without_a_record_are_tidied_up(app: Flask, clock: Clock) -> None:
    store, table = store_of(app), table_of(store_of(app))
    record = make_record(seen_at=clock.now)
    store.insert(record)
    # As DynamoDB's TTL does, which knows nothing of the index.
    table.ask("delete_item", TableName=table.name, Key=place_of(store, record.key))
    assert store.for_user(7) == []
    assert record.key in contents(store)  # as long as the record may be on its way
    clock.advance(minutes=2)
    assert store.for_user(7) == []
    assert contents(store) == ""


@pytest.mark.requirement("R40")
def test_an_entry_outlives_its_session(app: Flask) -> None:
    store, table = store_of(app), table_of(store_of(app))
    store.insert(make_record())
    items = table.ask("scan", TableName=table.name)["Items"]
    (entry,) = [item for item in items if "data" not in item]
    assert int(entry["forget_at"]["N"]) >= NOW + 400 * DAY
    assert float(entry["expires_at"]["N"]) >= NOW + 400 * DAY


def test_a_foreign_item_in_the_index_is_passed_over(app: Flask) -> None:
    store, table, record = store_of(app), table_of(store_of(app)), make_record()
    store.insert(record)
    items = table.ask("scan", TableName=table.name)["Items"]
    (entry,) = [item for item in items if "data" not in item]
    foreign = {"pk": entry["pk"], "sk": {"S": "foreign"}, "noted_at": {"S": "yesterday"}}
    table.ask("put_item", TableName=table.name, Item=foreign)
    assert store.for_user(7) == [record]


# --- pruning ---


@pytest.mark.requirement("R35")
def test_prune_deletes_what_expired_page_by_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNE_BATCH", 2)
    store = store_of(app)
    for number in range(5):
        store.insert(make_record(f"old {number}", expires_at=NOW + number))
    live = make_record("live", expires_at=NOW + 4.75)
    store.insert(live)
    assert store.prune(NOW + 4.5) == 5
    assert store.for_user(7) == [live]
    assert key_of("old 0") not in contents(store)  # nor in the index
    assert store.prune(NOW + 4.5) == 0


@pytest.mark.requirement("R37")
def test_prune_spares_what_was_touched_meanwhile(app: Flask, watched: Watched) -> None:
    store, record = store_of(app), make_record(expires_at=NOW + 1)
    store.insert(record)
    watched.before["delete_item"] = lambda: store.touch(record.key, NOW + 60, NOW + 3660)
    assert store.prune(NOW + 2) == 0
    assert store.load(record.key)


def test_prune_deletes_entries_that_nobody_tidied_up(app: Flask) -> None:
    store, table = store_of(app), table_of(store_of(app))
    record = make_record(created_at=NOW - 401 * DAY)
    store.insert(record)
    table.ask("delete_item", TableName=table.name, Key=place_of(store, record.key))
    assert store.prune(NOW) == 0
    assert contents(store) == ""
