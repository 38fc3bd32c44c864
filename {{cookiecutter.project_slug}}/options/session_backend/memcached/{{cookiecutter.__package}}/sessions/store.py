"""Sessions in memcached; which of them a user has is in the application's database (`index.py`).

memcached has no command that writes or deletes by our own version number. What it has is a number
of its own for each state of a value (`cas`). So a change is: read value and number, compare our
version, then write or delete if the number is still the same.
"""

import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from environs import Env, ValidationError
from flask import Flask

from ..database import autocommit_engine
from .as_json import dump, parse
from .connections import Address, Connections
from .index import Index
from .protocol import Store, StoreUnavailable
from .record import Record, UnreadableRecord

MONTH = 30 * 86_400  # seconds; what is more is a date for memcached
LEEWAY = 5  # seconds by which memcached's clock may be behind
INDEX_TRIES = 3
TRIES = 10  # each one that fails is a change that another request has made
BATCH = 100  # records in one answer
PRUNE_BATCH = 500  # so that no other request waits long for the lock


def settings(env: Env) -> dict[str, Any]:
    """Return the backend's settings, read from the environment."""
    return {
        "MEMCACHED_URL": env.str("MEMCACHED_URL", validate=_check_url),
        # Several applications may share a server, but not a session. Tests bring their own.
        "MEMCACHED_PREFIX": __name__.partition(".")[0],
    }


def _check_url(url: str) -> None:
    try:
        Address.parse(url)
    except ValueError:
        raise ValidationError(
            "must be memcached://user:password@host:port, or memcacheds:// for TLS."
        ) from None


def make_store(app: Flask) -> Store:
    """Return the store, connected at first use."""
    with app.app_context():
        index = Index(autocommit_engine())
    return MemcachedStore(
        Connections(Address.parse(app.config["MEMCACHED_URL"])),
        index,
        prefix=app.config["MEMCACHED_PREFIX"],
        clock=app.config["CLOCK"],
    )


class MemcachedStore:
    """A Store on one memcached server. What it has lost or evicted is a session that has ended."""

    def __init__(
        self, connections: Connections, index: Index, *, prefix: str, clock: Callable[[], float]
    ) -> None:
        self._connections = connections
        self._index = index
        self._prefix = prefix
        self._clock = clock

    def load(self, key: str) -> Record | None:
        value, _ = self._fetch([key]).get(key, (None, b""))
        return None if value is None else parse(key, value)

    def insert(self, record: Record) -> None:
        if record.user_id is not None:
            # The index comes first: a session that it does not name could not be revoked.
            self._index.add(record.key, record.user_id, record.expires_at)
        with self._connections.client() as client:
            is_new = client.add(self._name(record.key), dump(record), expire=_lifetime(record))
        if not is_new:
            raise StoreUnavailable("a record with this key exists already")

    def update(self, record: Record) -> bool:
        for _ in range(TRIES):
            before, number = self._load_readable(record.key)
            if before is None or before.version != record.version - 1:
                return False
            if self._replace(record, number):
                if record.user_id is None:
                    self._forget(record.key)  # a signpost is no session of the user's
                return True
        raise StoreUnavailable("other requests kept touching the record")

    def take(self, key: str, version: int) -> bool:
        for _ in range(TRIES):
            before, number = self._load_readable(key)
            if before is None or before.version != version:
                return False
            if self._delete_unchanged(key, number):
                self._forget(key)
                return True
        raise StoreUnavailable("other requests kept touching the record")

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        for _ in range(TRIES):
            before, number = self._load_readable(key)
            if before is None or before.seen_at >= seen_at:
                return
            if self._replace(replace(before, seen_at=seen_at, expires_at=expires_at), number):
                return

    def delete(self, key: str) -> None:
        with self._connections.client() as client:
            client.delete(self._name(key))
        self._forget(key)

    def for_user(self, user_id: int) -> list[Record]:
        # A session that is moved meanwhile is under a new key, which the index names before the
        # old record goes. So the index is read until it names nothing new.
        ends: dict[str, float] = {}
        found: dict[str, tuple[Record, bytes]] = {}
        for _ in range(INDEX_TRIES):
            rows = self._index.of_user(user_id)
            new = rows.keys() - ends.keys()
            if not new:
                break
            ends |= rows
            found |= self._load_all(new)
        # A row without a record may still wait for it, until its time is up: the record that
        # comes later than that has expired, too.
        now = self._clock()
        over = [key for key, end in ends.items() if end < now and key not in found]
        if over:
            with suppress(StoreUnavailable):
                self._index.forget_ended(over, now)
        return [record for record, _ in found.values() if record.user_id == user_id]

    def prune(self, now: float) -> int:
        """Delete the rows of sessions that have ended; memcached itself forgets the records."""
        count = 0
        while True:
            keys = self._index.ended(now, PRUNE_BATCH)
            over = set(keys)
            for key, (record, number) in self._load_all(keys).items():
                if record.expires_at >= now:
                    self._index.extend(key, record.expires_at)
                    over.remove(key)
                elif not self._delete_unchanged(key, number):
                    over.remove(key)  # it has been touched just now
            count += self._index.forget_ended(over, now)
            if len(keys) < PRUNE_BATCH:
                return count

    def ping(self) -> None:
        with self._connections.client() as client:
            client.version()
        self._index.ping()

    def _fetch(self, keys: Iterable[str]) -> dict[str, tuple[bytes, bytes]]:
        """Return the values under these keys, each with memcached's number of its state."""
        names: dict[bytes | str, str] = {self._name(key): key for key in keys}
        with self._connections.client() as client:
            found = client.gets_many(names)
        return {names[name]: value for name, value in found.items()}

    def _load_readable(self, key: str) -> tuple[Record | None, bytes]:
        return self._load_all([key]).get(key, (None, b""))

    def _load_all(self, keys: Iterable[str]) -> dict[str, tuple[Record, bytes]]:
        """Return the records under these keys that are there and can be read, with the numbers."""
        records = {}
        wanted = list(keys)
        for start in range(0, len(wanted), BATCH):
            for key, (value, number) in self._fetch(wanted[start : start + BATCH]).items():
                with suppress(UnreadableRecord):
                    records[key] = (parse(key, value), number)
        return records

    def _replace(self, record: Record, number: bytes) -> bool:
        """Write a record over the state of this number; False when it is gone or changed."""
        name, value = self._name(record.key), dump(record)
        with self._connections.client() as client:
            return bool(client.cas(name, value, number, expire=_lifetime(record)))

    def _delete_unchanged(self, key: str, number: bytes) -> bool:
        """Delete the state of this number; False when it is gone or changed.

        By a meta command (memcached 1.6): `delete` knows no number, and a `cas` that has already
        expired needs memory, of which a full server has none.
        """
        with self._connections.client() as client:
            answer = client.ask(f"md {self._name(key)} C{number.decode()}")
        if answer not in (b"HD", b"NF", b"EX"):
            raise StoreUnavailable("memcached does not understand `md`")
        return answer == b"HD"

    def _forget(self, key: str) -> None:
        """Delete the row of a session that is gone: it does no harm, and goes when it ends."""
        with suppress(StoreUnavailable):
            self._index.forget(key)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:session:{key}"


def _lifetime(record: Record) -> int:
    """Return when memcached may forget a record: in so many seconds or, above 30 days, the date.

    The time that is left counts: memcached has a clock of its own, as of the last second or, on a
    busy machine, of the one before. A date is by this machine's clock, for the same reason. Both
    only save memory: that a session ends in time is checked by the code.
    """
    seconds = max(1, math.ceil(record.expires_at - record.seen_at)) + LEEWAY
    return seconds if seconds <= MONTH else int(time.time()) + seconds
