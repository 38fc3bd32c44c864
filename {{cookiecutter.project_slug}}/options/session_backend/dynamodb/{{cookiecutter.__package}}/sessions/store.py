"""Sessions in DynamoDB: an item for each session, and one in the index of its user."""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from environs import Env, ValidationError
from flask import Flask

from .protocol import Store, StoreUnavailable
from .record import Record, UnreadableRecord
from .table import ConditionFailed, Table

Item = dict[str, dict[str, Any]]  # each value with its type: {"S": "text"}, {"N": "1.5"}

RECORD = "session"  # the sort key of all records
GRACE = 3600  # seconds: DynamoDB goes by its own clock, which may be ahead of ours
INDEX_LIFETIME = 400 * 86_400  # seconds: SESSION_LIFETIME may be raised later, up to this
INDEX_GRACE = 60.0  # seconds in which an entry of the index may still wait for its record
TRIES = 3
READ_BATCH = 100  # DynamoDB's limits for one call
WRITE_BATCH = 25
PRUNE_BATCH = 500


def settings(env: Env) -> dict[str, Any]:
    """Return the backend's settings, read from the environment."""
    return {"DYNAMODB_URL": env.str("DYNAMODB_URL", validate=_check_url)}


def _check_url(url: str) -> None:
    try:
        Table(url)
    except ValueError:
        raise ValidationError(
            "must be dynamodb://region/table for AWS, such as dynamodb://eu-central-1/sessions, or"
            " dynamodb+http://host:port/table for an emulator on this machine, whose host has no"
            " dots or is 127.0.0.1. Credentials do not belong into it: they are AWS' usual ones."
        ) from None


def make_store(app: Flask) -> Store:
    """Return the store, connected at first use."""
    table = Table(app.config["DYNAMODB_URL"])
    return DynamoStore(table, prefix=app.import_name, clock=app.config["CLOCK"])


class DynamoStore:
    """A Store in one table. Each change of a record is one conditional write.

    The index of a user's sessions is made of items, not a secondary index of DynamoDB's: those
    follow some time later, and a sign-out everywhere would miss the session of a moment ago.
    """

    def __init__(self, table: Table, *, prefix: str, clock: Callable[[], float]) -> None:
        self._table = table
        self._prefix = prefix  # several applications may share a table, but not a user 1
        self._clock = clock

    def load(self, key: str) -> Record | None:
        # Consistent: any other read may, for a second or so, show a session that has ended.
        answer = self._ask("get_item", Key=self._place(key), ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else _parse(key, item)

    def insert(self, record: Record) -> None:
        if record.user_id is not None:
            # The index comes first: a session that it does not name could not be revoked.
            self._ask("put_item", Item=self._entry(record, record.user_id))
        try:
            self._ask(
                "put_item",
                Item=self._item(record),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ConditionFailed as error:
            raise StoreUnavailable("a record with this key exists already") from error

    def update(self, record: Record) -> bool:
        with suppress(ConditionFailed):
            self._ask(
                "put_item",
                Item=self._item(record),
                ConditionExpression="version = :before",
                ExpressionAttributeValues={":before": _value(record.version - 1)},
            )
            return True
        return False

    def take(self, key: str, version: int) -> bool:
        with suppress(ConditionFailed):
            self._delete(
                key,
                ConditionExpression="version = :version",
                ExpressionAttributeValues={":version": _value(version)},
            )
            return True
        return False

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        with suppress(ConditionFailed):
            self._ask(
                "update_item",
                Key=self._place(key),
                UpdateExpression="SET seen_at = :seen, expires_at = :expires, forget_at = :forget",
                ConditionExpression="attribute_exists(pk) AND seen_at < :seen",
                ExpressionAttributeValues={
                    ":seen": _value(seen_at),
                    ":expires": _value(expires_at),
                    ":forget": _forget_at(expires_at),
                },
            )

    def delete(self, key: str) -> None:
        self._delete(key)

    def for_user(self, user_id: int) -> list[Record]:
        # A session that is moved meanwhile is under a new key, which the index names before the
        # old record goes. So as long as one is not there any more, the index is read again.
        noted: dict[str, float] = {}
        records: list[Record] = []
        for _ in range(TRIES):
            entries = self._entries(user_id)
            new = [key for key in entries if key not in noted]
            noted |= entries
            found = [record for record in self._load_all(new) if record.user_id == user_id]
            records += found
            if len(found) == len(new):
                break
        self._tidy(user_id, noted.keys() - {record.key for record in records}, noted)
        return records

    def prune(self, now: float) -> int:
        """Delete what DynamoDB itself deletes within days, if its TTL is on. Reads all items."""
        expired = {
            "ConditionExpression": "expires_at < :now",
            "ExpressionAttributeValues": {":now": _value(now)},
        }
        total = 0
        for place in self._expired(now):
            # Asked again: it may have been touched in between.
            with suppress(ConditionFailed):
                if place["sk"]["S"] == RECORD:
                    self._delete(place["pk"]["S"].removeprefix(self._pk("session", "")), **expired)
                    total += 1
                else:
                    self._ask("delete_item", Key=place, **expired)
        return total

    def ping(self) -> None:
        """Return when the table can be read."""
        self._ask("get_item", Key=self._place("none"), ConsistentRead=True)

    def _delete(self, key: str, **condition: Any) -> None:
        answer = self._ask("delete_item", Key=self._place(key), ReturnValues="ALL_OLD", **condition)
        user_id = answer.get("Attributes", {}).get("user_id", {}).get("N")
        if user_id is not None:
            # The session has ended, which is what was asked; for_user tidies up what is left.
            with suppress(StoreUnavailable):
                self._ask("delete_item", Key=self._entry_place(user_id, key))

    def _entries(self, user_id: int) -> dict[str, float]:
        """Return the keys in a user's index, each with the time at which it was entered."""
        answers = self._pages(
            "query",
            KeyConditionExpression="pk = :user",
            ExpressionAttributeValues={":user": _value(self._pk("user", user_id))},
            ConsistentRead=True,
        )
        entries = {}
        for item in answers:
            with suppress(KeyError, ValueError):  # not ours
                entries[item["sk"]["S"]] = float(item["noted_at"]["N"])
        return entries

    def _load_all(self, keys: list[str]) -> list[Record]:
        """Return the records under these keys that are there and can be read."""
        records = []
        waiting = [self._place(key) for key in keys]
        while waiting:
            batch, waiting = waiting[:READ_BATCH], waiting[READ_BATCH:]
            request = {"Keys": batch, "ConsistentRead": True}
            answer = self._table.ask("batch_get_item", RequestItems={self._table.name: request})
            for item in answer["Responses"].get(self._table.name, []):
                with suppress(UnreadableRecord):
                    key = item["pk"]["S"].removeprefix(self._pk("session", ""))
                    records.append(_parse(key, item))
            left = answer.get("UnprocessedKeys", {}).get(self._table.name, {}).get("Keys", [])
            if len(left) == len(batch):
                raise StoreUnavailable("batch_get_item: nothing is read any more")
            waiting += left
        return records

    def _tidy(self, user_id: int, gone: set[str], noted: dict[str, float]) -> None:
        """Delete entries of the index whose records are not there any more."""
        stale = [key for key in gone if noted[key] < self._clock() - INDEX_GRACE]
        if stale:
            places = [self._entry_place(user_id, key) for key in stale[:WRITE_BATCH]]
            requests = [{"DeleteRequest": {"Key": place}} for place in places]
            self._table.ask("batch_write_item", RequestItems={self._table.name: requests})

    def _expired(self, now: float) -> Iterator[Item]:
        """Yield where this application's items are that had expired before `now`."""
        yield from self._pages(
            "scan",
            FilterExpression="begins_with(pk, :ours) AND expires_at < :now",
            ExpressionAttributeValues={":ours": _value(f"{self._prefix}#"), ":now": _value(now)},
            ProjectionExpression="pk, sk",
            Limit=PRUNE_BATCH,
        )

    def _pages(self, operation: str, **parameters: Any) -> Iterator[Item]:
        answer = self._ask(operation, **parameters)
        yield from answer["Items"]
        while "LastEvaluatedKey" in answer:
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            answer = self._ask(operation, **parameters)
            yield from answer["Items"]

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._table.ask(operation, TableName=self._table.name, **parameters)

    def _pk(self, kind: str, name: str | int) -> str:
        return f"{self._prefix}#{kind}#{name}"

    def _place(self, key: str) -> Item:
        return {"pk": _value(self._pk("session", key)), "sk": _value(RECORD)}

    def _entry_place(self, user_id: str | int, key: str) -> Item:
        return {"pk": _value(self._pk("user", user_id)), "sk": _value(key)}

    def _item(self, record: Record) -> Item:
        values = {name: _value(value) for name, value in asdict(record).items() if name != "key"}
        return {**self._place(record.key), **values, "forget_at": _forget_at(record.expires_at)}

    def _entry(self, record: Record, user_id: int) -> Item:
        # It outlives its record, whose end moves with each use.
        expires_at = record.created_at + INDEX_LIFETIME
        return {
            **self._entry_place(user_id, record.key),
            "noted_at": _value(record.seen_at),
            "expires_at": _value(expires_at),
            "forget_at": _forget_at(expires_at),
        }


def _value(value: str | float | None) -> dict[str, Any]:
    """Return a value as DynamoDB takes it. Its numbers hold more digits than a float has."""
    if value is None:
        return {"NULL": True}
    return {"S": value} if isinstance(value, str) else {"N": repr(value)}


def _forget_at(expires_at: float) -> dict[str, Any]:
    """Return when DynamoDB may delete an item: its TTL wants full seconds."""
    return _value(math.ceil(expires_at) + GRACE)


def _parse(key: str, item: Item) -> Record:
    try:
        return Record(
            key=key,
            public_id=item["public_id"]["S"],
            data=item["data"]["S"],
            user_id=None if "NULL" in item["user_id"] else int(item["user_id"]["N"]),
            created_at=float(item["created_at"]["N"]),
            seen_at=float(item["seen_at"]["N"]),
            expires_at=float(item["expires_at"]["N"]),
            version=int(item["version"]["N"]),
            user_agent=item["user_agent"]["S"],
            ip=item["ip"]["S"],
        )
    except (KeyError, ValueError) as error:
        raise UnreadableRecord from error
