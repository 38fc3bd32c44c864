"""What is special to sessions in MongoDB."""

import socket
import time
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from flask import Flask
from flask.testing import FlaskClient
from pymongo import ReadPreference
from pymongo.errors import DocumentTooLarge, NetworkTimeout, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from my_flask_app import create_app
from my_flask_app.sessions import store as module
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import (
    UnreadableRecord,
    key_of,
)

from .backend import collection, overwrite
from .stores import NOW, make_record, store_of
from .style import is_signed_in
from .support import token_of

FOREIGN: dict[str, dict[str, Any]] = {
    "a time that is a text": {"created_at": "yesterday"},
    "a time without a fraction": {"seen_at": 5},
    "no time": {"expires_at": None},
    "a version that is a text": {"version": "first"},
    "a version with a fraction": {"version": 1.5},
    "many users": {"user_id": [7, 8]},
    "a condition for a user": {"user_id": {"$gt": 0}},
    "bytes": {"data": b"\x80\x04pickled"},
    "a document": {"data": {"user_id": 7}},
    "deep lists": {"data": [[[[[[[["user_id"]]]]]]]]},
    "a number for a text": {"public_id": 5},
}


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("first_call", ["insert", "ping"])
def test_the_indexes_come_with_the_first_use(app: Flask, first_call: str) -> None:
    sessions = collection(store_of(app))
    store = module.MongoStore(sessions)
    if first_call == "insert":
        store.insert(make_record())
    else:
        store.ping()
    indexes = {
        next(iter(dict(index["key"]))): index.get("expireAfterSeconds")
        for index in sessions.index_information().values()
    }
    assert indexes == {"_id": None, "user_id": None, "forget_at": module.GRACE}


@pytest.mark.requirement("R35", "R72")
def test_indexes_that_could_not_be_made_are_made_later(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(app)
    sessions = collection(store)

    def fail(*_: object) -> None:
        raise NetworkTimeout("down")

    with monkeypatch.context() as broken:
        broken.setattr(sessions, "create_indexes", fail)
        with pytest.raises(StoreUnavailable):
            store.insert(make_record())
    store.insert(make_record())
    assert len(sessions.index_information()) == 3


@pytest.mark.requirement("R72")
def test_readiness_needs_an_answer_each_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise NetworkTimeout("down")

    store = store_of(app)
    store.ping()
    monkeypatch.setattr(collection(store), "find_one", fail)
    with pytest.raises(StoreUnavailable):
        store.ping()


@pytest.mark.requirement("R35")
def test_the_date_to_forget_a_session_follows_its_end(app: Flask) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)

    def is_right(expires_at: float) -> bool:
        date: datetime = collection(store).find_one({"_id": record.key})["forget_at"]
        return 0 <= date.replace(tzinfo=UTC).timestamp() - expires_at <= 1

    assert is_right(record.expires_at)
    store.touch(record.key, NOW + 60, NOW + 4000.000001)
    assert is_right(NOW + 4000.000001)
    store.update(make_record(version=2, expires_at=NOW + 5000.999999))
    assert is_right(NOW + 5000.999999)


@pytest.mark.requirement("R35")
def test_prune_deletes_what_expired_in_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE_BATCH", 2)
    store = store_of(app)
    for number in range(5):
        store.insert(make_record(f"old {number}", expires_at=NOW + number))
    live = make_record("live", expires_at=NOW + 4.75)
    store.insert(live)
    assert store.prune(NOW + 4.5) == 5
    assert store.for_user(7) == [live]
    assert store.prune(NOW + 4.5) == 0


@pytest.mark.requirement("R37")
def test_prune_spares_what_was_touched_meanwhile(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, record = store_of(app), make_record(expires_at=NOW + 1)
    sessions = collection(store)
    store.insert(record)
    delete_many = sessions.delete_many

    def delete_later(*args: Any) -> Any:
        store.touch(record.key, NOW + 60, NOW + 3660)
        return delete_many(*args)

    monkeypatch.setattr(sessions, "delete_many", delete_later)
    assert store.prune(NOW + 2) == 0
    assert store.load(record.key)


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
    collection(store).insert_one({"user_id": 7})  # with an `_id` that is no key
    with pytest.raises(UnreadableRecord):
        store.load(key_of("damaged"))
    assert store.for_user(7) == [record]


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("missing", [name for name in module.FIELDS if name != "key"])
def test_a_record_with_a_field_missing_means_anonymous(
    app: Flask, signed_in_client: FlaskClient, missing: str
) -> None:
    key = key_of(token_of(signed_in_client) or "")
    collection(store_of(app)).update_one({"_id": key}, {"$unset": {missing: True}})
    with pytest.raises(UnreadableRecord):
        store_of(app).load(key)
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize(
    ("good", "damaged"),
    [(b"ab\x00", b"\xff\xfe\x00"), (b"\x02data", b"\x7fdata")],
    ids=["no text", "no type"],
)
def test_a_document_that_cannot_be_decoded_is_unreadable(
    app: Flask, monkeypatch: pytest.MonkeyPatch, good: bytes, damaged: bytes
) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    document = RawBSONDocument(bson.encode({"data": "ab"}).replace(good, damaged))
    sessions = collection(store)
    monkeypatch.setattr(sessions, "find_one", lambda _: document)
    with pytest.raises(UnreadableRecord):
        store.load(record.key)
    others = list(sessions.find({"user_id": 7}))
    monkeypatch.setattr(sessions, "find", lambda _: [document, *others])
    assert store.for_user(7) == [record]


@pytest.mark.requirement("R23", "R72")
def test_documents_are_decoded_one_by_one(app: Flask) -> None:
    sessions = collection(module.make_store(app))
    assert sessions.codec_options.document_class is RawBSONDocument


def test_a_number_of_64_bits_is_an_int(app: Flask) -> None:
    store, record = store_of(app), make_record(user_id=2**40)
    store.insert(record)
    overwrite(store, record.key, user_id=Int64(2**40))
    (found,) = store.for_user(2**40)
    assert found == record
    assert type(found.user_id) is int


@pytest.mark.requirement("R36", "R72")
def test_no_option_of_the_url_weakens_the_client(app: Flask) -> None:
    app.config["MONGODB_URL"] = (
        "mongodb://one.example,two.example:27018/app?replicaSet=rs0&w=1&journal=false"
        "&readPreference=secondaryPreferred&readConcernLevel=majority"
        "&retryReads=true&retryWrites=true&timeoutMS=60000&connectTimeoutMS=60000"
        "&serverSelectionTimeoutMS=60000"
    )
    sessions = collection(module.make_store(app))
    assert sessions.full_name == f"app.{app.import_name}_sessions"
    assert sessions.write_concern == WriteConcern("majority", j=True)
    assert sessions.read_preference == ReadPreference.PRIMARY
    assert sessions.read_concern == ReadConcern("local")
    options = sessions.database.client.options
    assert not options.retry_reads
    assert not options.retry_writes
    assert options.timeout <= 1
    assert options.server_selection_timeout <= 1
    assert options.pool_options.connect_timeout <= 1


@pytest.mark.requirement("R72")
def test_a_server_that_says_nothing_is_given_up_at_once(app: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app.config["MONGODB_URL"] = f"mongodb://127.0.0.1:{silent.getsockname()[1]}/test"
        store = module.make_store(app)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.load(make_record().key)
        assert time.monotonic() - began < 2
        collection(store).database.client.close()


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    "error",
    [
        DocumentTooLarge("17 MB"),
        NetworkTimeout("timed out"),
        OperationFailure("not primary", 10107),
        OperationFailure("not authorized on app", 13),
    ],
    ids=str,
)
def test_what_mongodb_refuses_is_store_unavailable(
    app: Flask, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    store = store_of(app)
    monkeypatch.setattr(collection(store), "insert_one", refuse)
    with pytest.raises(StoreUnavailable):
        store.insert(make_record())


@pytest.mark.requirement("R05")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://localhost/app",
        "mongodb://localhost",
        "mongodb://localhost:0/app",
        "mongodb://localhost/a b",
        "mongodb://app:pass@word@localhost/app",
        "mongodb://localhost/app?tls=treu",
        "mongodb://localhost/app?tlsCaFile=/no/such/file",
        "mongodb://localhost/app?readPreferenceTags=dc:east",
        "mongodb+srv://cluster.example.org:27017/app",
    ],
)
def test_a_url_that_cannot_work_stops_the_start(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MONGODB_URL", url)
    with pytest.raises(SystemExit, match="MONGODB_URL: ") as refused:
        create_app()
    assert url not in str(refused.value) or not url


def test_there_is_no_default(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONGODB_URL")
    with pytest.raises(SystemExit, match="MONGODB_URL"):
        create_app()


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://localhost/app",
        "mongodb://app:p%40ss@[::1]:27018/app?authSource=admin&tls=true",
        "mongodb://one.example,two.example:27018/app?replicaSet=rs0",
        "mongodb+srv://cluster.example.org/app",
    ],
)
def test_a_url_that_can_work_is_taken_without_a_connection(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MONGODB_URL", url)
    assert create_app().config["MONGODB_URL"] == url
