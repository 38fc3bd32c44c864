"""Sessions in files: one for each session, and one for each user that names the user's sessions.

What several processes have to agree on when they read and write files is in `files.py`.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from environs import Env, ValidationError
from flask import Flask

from .as_json import dump, parse
from .files import DIGEST, Folder
from .protocol import Store, StoreUnavailable
from .record import UNREADABLE, Record, UnreadableRecord

TRIES = 3


def settings(env: Env) -> dict[str, Any]:
    """Return the backend's settings, read from the environment."""
    return {"SESSION_DIR": env.str("SESSION_DIR", validate=_check_path)}


def _check_path(path: str) -> None:
    if not path.strip() or not path.isprintable():
        raise ValidationError("must be the path of a folder.")


def make_store(app: Flask) -> Store:
    """Return the store. A relative SESSION_DIR is in the instance folder, as SQLite's files are."""
    store = FileStore(Path(app.instance_path, app.config["SESSION_DIR"]))
    with suppress(StoreUnavailable):  # like a server that is down: requests will say so
        store.ping()
    return store


class FileStore:
    """A Store in a folder on this machine's own disk, for all processes of one user."""

    def __init__(self, path: Path) -> None:
        self._sessions = Folder(path / "sessions")
        self._users = Folder(path / "users")

    def load(self, key: str) -> Record | None:
        with _errors_translated():
            try:
                content = self._sessions.read(key)
            except IsADirectoryError as error:
                raise UnreadableRecord from error
        return None if content is None else parse(key, content)

    def insert(self, record: Record) -> None:
        if record.user_id is None:
            self._add(record)
            return
        user = _user_name(record.user_id)
        # The index comes first: a session that it does not name could not be revoked. The lock is
        # held until the record is there, lest somebody who tidies the index drops its name.
        with _errors_translated(), self._users.locked(user):
            keys = [other.key for other in self._records_of(record.user_id)]
            self._users.write(user, json.dumps([*keys, record.key]).encode(), sync=True)
            self._add(record)

    def _add(self, record: Record) -> None:
        with _errors_translated(), self._sessions.locked(record.key):
            if self._sessions.read(record.key) is not None:
                raise StoreUnavailable("a record with this key exists already")
            self._sessions.write(record.key, dump(record))

    def update(self, record: Record) -> bool:
        with _errors_translated(), self._sessions.locked(record.key):
            before = self._load_readable(record.key)
            if before is None or before.version != record.version - 1:
                return False
            self._sessions.write(record.key, dump(record))
            return True

    def take(self, key: str, version: int) -> bool:
        with _errors_translated(), self._sessions.locked(key):
            before = self._load_readable(key)
            if before is None or before.version != version:
                return False
            return self._sessions.delete(key, sync=True)

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        with _errors_translated(), self._sessions.locked(key):
            before = self._load_readable(key)
            if before is not None and before.seen_at < seen_at:
                touched = replace(before, seen_at=seen_at, expires_at=expires_at)
                self._sessions.write(key, dump(touched))

    def delete(self, key: str) -> None:
        with _errors_translated(), self._sessions.locked(key):
            self._sessions.delete(key, sync=True)

    def for_user(self, user_id: int) -> list[Record]:
        with _errors_translated():
            return self._records_of(user_id)

    def prune(self, now: float) -> int:
        """Delete what expired before `now`, what is no record, and the indexes that name none."""
        count = 0
        with _errors_translated():
            for key in self._sessions.names():
                if self._is_over(key, now):
                    with self._sessions.locked(key):
                        # Asked again: the session may have been touched in between.
                        count += self._is_over(key, now) and self._sessions.delete(key)
            for user in self._users.names():
                with self._users.locked(user):
                    if not any(map(self._load_readable, self._keys(user))):
                        self._users.delete(user)
        return count

    def ping(self) -> None:
        """Return when the folders are there and take a lock, which is a write."""
        for folder in (self._sessions, self._users):
            with _errors_translated(), folder.locked("ping"):
                pass

    def _records_of(self, user_id: int) -> list[Record]:
        # A session that is moved meanwhile is under a new key, which the index names before the
        # old record goes. So the index is read until it names nothing new.
        found: dict[str, Record | None] = {}
        for _ in range(TRIES):
            new = [key for key in self._keys(_user_name(user_id)) if key not in found]
            if not new:
                break
            found |= {key: self._load_readable(key) for key in new}
        return [record for record in found.values() if record and record.user_id == user_id]

    def _load_readable(self, key: str) -> Record | None:
        try:
            return self.load(key)
        except UnreadableRecord:
            return None

    def _is_over(self, key: str, now: float) -> bool:
        record = self._load_readable(key)
        return record is None or record.expires_at < now

    def _keys(self, user: str) -> list[str]:
        """Return the keys of a user's sessions; all keys there are, when the index is damaged."""
        content = self._users.read(user)
        if content is None:
            return []
        with suppress(*UNREADABLE):
            keys = json.loads(content)
            if isinstance(keys, list) and all(re.fullmatch(DIGEST, key) for key in keys):
                return keys
        return list(self._sessions.names())


def _user_name(user_id: int) -> str:
    return sha256(str(user_id).encode()).hexdigest()


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(error.strerror or type(error).__name__) from error
