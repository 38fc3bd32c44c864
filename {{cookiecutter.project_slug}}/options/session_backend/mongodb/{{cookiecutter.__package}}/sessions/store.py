"""Sessions in MongoDB: a document for each session, with the key as its `_id`."""

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, get_type_hints

from bson.errors import BSONError, InvalidBSON
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from environs import Env, ValidationError
from flask import Flask
from pymongo import IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

from .protocol import Store, StoreUnavailable
from .record import Record, UnreadableRecord

FIELDS = get_type_hints(Record)  # name and type of each
PRUNE_BATCH = 100  # so that one deletion is done long before its time is up
TIMEOUT = 1000  # milliseconds
GRACE = 3600  # seconds: MongoDB goes by its own clock, which may be ahead of ours

# How the client works, whatever options MONGODB_URL has.
CLIENT: dict[str, Any] = {
    "connect": False,  # at first use: its threads would not survive the fork of a web server
    # A deadline for each call as a whole; pymongo by itself waits for thirty seconds.
    "timeoutMS": TIMEOUT,
    # For the threads in which pymongo looks after the servers: they must see soon that one is back.
    "connectTimeoutMS": TIMEOUT,
    "serverSelectionTimeoutMS": TIMEOUT,
    # Who tries again is the user, or the rule of the session layer that knows what to do then.
    "retryReads": False,
    "retryWrites": False,
    # A session that was ended stays so after a crash or a failover.
    "w": "majority",
    "journal": True,
    # The primary's newest state: it has all that was confirmed, which the majority's snapshot need
    # not have just after an election. "linearizable" would make a write of each read.
    "readPreference": "primary",
    "readConcernLevel": "local",
    # Decoded one by one: a damaged document must not spoil the answer for all the others.
    "document_class": RawBSONDocument,
}


def settings(env: Env) -> dict[str, Any]:
    """Return the backend's settings, read from the environment."""
    return {"MONGODB_URL": env.str("MONGODB_URL", validate=_check_url)}


def _check_url(url: str) -> None:
    try:
        with warnings.catch_warnings():
            # An option that pymongo cannot read, such as `tls=treu`, is a warning and then ignored.
            warnings.simplefilter("error")
            _database(url)
    except (PyMongoError, OSError, TypeError, ValueError, Warning):
        raise ValidationError(
            "must be mongodb://host:port/database, with several hosts and ?replicaSet=name for a"
            " replica set, or mongodb+srv://host/database; pymongo must know all of its options."
        ) from None


def make_store(app: Flask) -> Store:
    """Return the store, connected at first use."""
    # Several applications may share a database, but not a user 1.
    return MongoStore(_database(app.config["MONGODB_URL"])[f"{app.import_name}_sessions"])


def _database(url: str) -> Database[Mapping[str, Any]]:
    client: MongoClient[Mapping[str, Any]] = MongoClient(url, **CLIENT)
    return client.get_default_database()


class MongoStore:
    """A Store in one collection. A method is one command on one document, `prune` aside."""

    def __init__(self, collection: Collection[Mapping[str, Any]], *, grace: int = GRACE) -> None:
        self._collection = collection
        self._grace = grace
        self._has_indexes = False

    def load(self, key: str) -> Record | None:
        with _errors_translated():
            document = self._collection.find_one({"_id": key})
        return None if document is None else _parse(document)

    def insert(self, record: Record) -> None:
        with _errors_translated():
            self._create_indexes()
            self._collection.insert_one(_document(record))

    def update(self, record: Record) -> bool:
        before = {"_id": record.key, "version": record.version - 1}
        with _errors_translated():
            result = self._collection.replace_one(before, _document(record))
            return result.matched_count == 1

    def take(self, key: str, version: int) -> bool:
        with _errors_translated():
            result = self._collection.delete_one({"_id": key, "version": version})
            return result.deleted_count == 1

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        older = {"_id": key, "seen_at": {"$lt": seen_at}}
        times = {"seen_at": seen_at, "expires_at": expires_at, "forget_at": _date(expires_at)}
        with _errors_translated():
            self._collection.update_one(older, {"$set": times})

    def delete(self, key: str) -> None:
        with _errors_translated():
            self._collection.delete_one({"_id": key})

    def for_user(self, user_id: int) -> list[Record]:
        with _errors_translated():
            documents = list(self._collection.find({"user_id": user_id}))
        records = []
        for document in documents:
            with suppress(UnreadableRecord):
                records.append(_parse(document))
        return records

    def prune(self, now: float) -> int:
        """Delete what MongoDB itself would delete within the next hour, or has been told not to."""
        # The date has the index, the number has the fractions.
        expired = {"forget_at": {"$lte": _date(now)}, "expires_at": {"$lt": now}}
        total = 0
        while True:
            with _errors_translated():
                found = self._collection.find(expired, {"_id": True}, limit=PRUNE_BATCH)
                keys = [document["_id"] for document in found]
                # Asked again with the keys: one of them may have been touched in between.
                chosen = {"_id": {"$in": keys}, **expired}
                total += self._collection.delete_many(chosen).deleted_count
            if len(keys) < PRUNE_BATCH:
                return total

    def ping(self) -> None:
        """Return when the collection can be used: MongoDB answers `ping` to strangers, too."""
        with _errors_translated():
            self._create_indexes()
            self._collection.find_one({"_id": ""})

    def _create_indexes(self) -> None:
        """Create what is missing, once in each process: at its start MongoDB may not be there."""
        if not self._has_indexes:
            ended = IndexModel("forget_at", expireAfterSeconds=self._grace)
            self._collection.create_indexes([IndexModel("user_id"), ended])
            self._has_indexes = True


def _document(record: Record) -> dict[str, Any]:
    values = asdict(record)
    # MongoDB forgets by a date, which has no microseconds: the number beside it is what counts.
    return {"_id": values.pop("key"), **values, "forget_at": _date(record.expires_at)}


def _date(seconds: float) -> datetime:
    """Return the moment, or up to a second later."""
    return datetime.fromtimestamp(math.ceil(seconds), UTC)


def _parse(document: Mapping[str, Any]) -> Record:
    try:
        found = dict(document)
    except InvalidBSON as error:
        raise UnreadableRecord from error
    found["key"] = found["_id"]
    values: dict[str, Any] = {}
    for name, kind in FIELDS.items():
        value = found.get(name, ...)
        if not isinstance(value, kind):
            raise UnreadableRecord(name)
        # A number of 64 bits comes as a class of its own, which is not what was stored.
        values[name] = int(value) if isinstance(value, Int64) else value
    return Record(**values)


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except (PyMongoError, BSONError) as error:
        raise StoreUnavailable(type(error).__name__) from error
