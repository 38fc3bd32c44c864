"""Sessions in Redis or Valkey: a value for each session, and a sorted set for each user."""

import json
from collections.abc import Callable
from typing import Any

from environs import Env, ValidationError
from flask import Flask
from redis import ResponseError

from .address import parse
from .connection import Client, call, connect, eval_with_copy, one_call
from .protocol import Store, StoreUnavailable
from .record import UNREADABLE, Record, UnreadableRecord, is_signpost, is_well_formed

TRIES = 3
INDEX_LIFETIME = 400 * 86_400  # seconds: SESSION_LIFETIME may be raised later, up to this
INDEX_GRACE = 60.0  # seconds in which an entry of the index may still wait for its record

# A session is one value, since a read then costs half of what nine fields take. What the scripts
# look at stands in front: version, user, seen_at and expires_at, and then the rest as JSON.
NOBODY = "-"

# A script runs alone, so each of these is one step that no other request can get between. Each
# uses one key, so that they work in a cluster.
UPDATE = """
local value = redis.call('GET', KEYS[1])
if not value or string.match(value, '^%S+') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1
"""
TAKE = """
local value = redis.call('GET', KEYS[1])
if not value then return nil end
local user_id = string.match(value, '^%S+ (%d+) ')
if ARGV[1] and string.match(value, '^%S+') ~= ARGV[1] then return nil end
redis.call('DEL', KEYS[1])
return user_id or ''
"""
TOUCH = """
local value = redis.call('GET', KEYS[1]) or ''
local front, seen_at, rest = string.match(value, '^(%S+ %S+) (%S+) %S+( .*)$')
if not front or (tonumber(seen_at) or 0) >= tonumber(ARGV[2]) then return 0 end
local touched = front .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. rest
redis.call('SET', KEYS[1], touched, 'PX', ARGV[1])
return 1
"""
INDEX = """
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""


def settings(env: Env) -> dict[str, Any]:
    """Return the backend's settings, read from the environment."""
    return {"REDIS_URL": env.str("REDIS_URL", validate=_check_url)}


def _check_url(url: str) -> None:
    try:
        parse(url)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def make_store(app: Flask) -> Store:
    """Return the store, connected at first use: gunicorn's workers are forked before that."""
    url = app.config["REDIS_URL"]
    return RedisStore(lambda: connect(url), prefix=app.import_name, clock=app.config["CLOCK"])


class RedisStore:
    """A Store on what `connect` returns. Redis itself deletes what has expired."""

    def __init__(
        self, connect: Callable[[], Client], *, prefix: str, clock: Callable[[], float]
    ) -> None:
        self._connect = connect
        self._connected: Client | None = None
        self._prefix = prefix
        self._clock = clock

    def load(self, key: str) -> Record | None:
        with one_call():
            try:
                value = call(self._client, "GET", self._name(key))
            except ResponseError as error:
                if str(error).startswith("WRONGTYPE"):
                    raise UnreadableRecord from error
                raise
        return None if value is None else _parse(key, value)

    def insert(self, record: Record) -> None:
        if record.user_id is not None:
            # The index comes first: a session that it does not name could not be revoked.
            entry: list[Any] = [record.seen_at, record.key, INDEX_LIFETIME]
            with one_call():
                self._client.eval(INDEX, 1, self._index(record.user_id), *entry)
        name, life = self._name(record.key), _milliseconds(record.seen_at, record.expires_at)
        with one_call():
            if not self._client.set(name, _dump(record), px=life, nx=True):
                raise StoreUnavailable("a record with this key exists already")

    def update(self, record: Record) -> bool:
        name = self._name(record.key)
        life = _milliseconds(record.seen_at, record.expires_at)
        arguments: list[Any] = [record.version - 1, life, _dump(record)]
        with one_call():
            if is_signpost(record):  # the token that leads here opens nothing any more
                return bool(eval_with_copy(self._client, UPDATE, name, *arguments))
            return bool(call(self._client, "EVAL", UPDATE, 1, name, *arguments))

    def take(self, key: str, version: int) -> bool:
        return self._take(key, version)

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        life = _milliseconds(seen_at, expires_at)
        arguments: list[Any] = [life, repr(seen_at), repr(expires_at)]
        with one_call():
            self._client.eval(TOUCH, 1, self._name(key), *arguments)

    def delete(self, key: str) -> None:
        self._take(key)

    def for_user(self, user_id: int) -> list[Record]:
        # A session that is moved meanwhile is under a new key, which the index names before the
        # old record goes. So the index is read until it names nothing new.
        scores: dict[str, float] = {}
        records: list[Record] = []
        for _ in range(TRIES):
            entries = self._entries(user_id)
            new = [key for key in entries if key not in scores]
            if not new:
                break
            scores |= entries
            records += self._load_all(new)
        records = [record for record in records if record.user_id == user_id]
        gone = scores.keys() - {record.key for record in records}
        stale = [key for key in gone if scores[key] < self._clock() - INDEX_GRACE]
        if stale:
            with one_call():
                self._client.zrem(self._index(user_id), *stale)
        return records

    def prune(self, now: float) -> int:
        """Return 0: Redis has deleted what expired before `now`."""
        return 0

    def ping(self) -> None:
        with one_call():
            self._client.ping()

    @property
    def _client(self) -> Client:
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def _entries(self, user_id: int) -> dict[str, float]:
        """Return the keys in a user's index, each with the time at which it was entered."""
        with one_call():
            entries: Any = self._client.zrange(self._index(user_id), 0, -1, withscores=True)
        return {key.decode(errors="replace"): score for key, score in entries}

    def _load_all(self, keys: list[str]) -> list[Record]:
        """Return the records under these keys that are there and can be read."""
        with one_call(), self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(self._name(key))
            answers = pipe.execute(raise_on_error=False)
        found = [_parse_or_none(key, values) for key, values in zip(keys, answers, strict=True)]
        return [record for record in found if record]

    def _take(self, key: str, *version: int) -> bool:
        with one_call():
            user_id = eval_with_copy(self._client, TAKE, self._name(key), *version)
            if user_id:
                self._client.zrem(self._index(int(user_id)), key)
        return user_id is not None

    def _name(self, key: str) -> str:
        return f"{self._prefix}:session:{key}"

    def _index(self, user_id: int) -> str:
        return f"{self._prefix}:user:{user_id}"


def _dump(record: Record) -> str:
    user = NOBODY if record.user_id is None else record.user_id
    rest = [record.public_id, record.data, record.created_at, record.user_agent, record.ip]
    return (
        f"{record.version} {user} {record.seen_at!r} {record.expires_at!r}"
        f" {json.dumps(rest, separators=(',', ':'))}"
    )


def _milliseconds(seen_at: float, expires_at: float) -> int:
    return max(1, int((expires_at - seen_at) * 1000))


def _parse(key: str, value: bytes) -> Record:
    try:
        version, user, seen_at, expires_at, rest = value.decode().split(" ", 4)
        public_id, data, created_at, user_agent, ip = json.loads(rest)
        return Record(
            key=key,
            public_id=public_id,
            data=data,
            user_id=None if user == NOBODY else int(user),
            created_at=created_at,
            seen_at=float(seen_at),
            expires_at=float(expires_at),
            version=int(version),
            user_agent=user_agent,
            ip=ip,
        )
    except UNREADABLE as error:
        raise UnreadableRecord from error


def _parse_or_none(key: str, value: Any) -> Record | None:
    if isinstance(value, Exception):
        if "WRONGTYPE" in str(value):  # not ours
            return None
        raise StoreUnavailable(type(value).__name__) from value
    try:
        record = None if value is None else _parse(key, value)
    except UnreadableRecord:
        return None
    return record if record and is_well_formed(record) else None
