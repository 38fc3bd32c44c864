"""Where the tests keep sessions: in a fake Redis, or in the server of REDIS_URL."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from fakeredis import FakeRedis
from redis import RedisCluster

from my_flask_app.sessions.connection import connect
from my_flask_app.sessions.protocol import Store
from my_flask_app.sessions.store import (
    NOBODY,
    RedisStore,
    _parse,
)

from .support import Clock

URL = os.environ.get("REDIS_URL")
ENVIRONMENT = {"REDIS_URL": URL or "redis://localhost:6379/0"}
OWN_TESTS = {"test_redis_connection.py", "test_session_redis.py"}  # which only this backend has


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: an empty store, under names that no one else uses."""
    client: Any = connect(URL) if URL else FakeRedis()
    prefix = f"test-{secrets.token_hex(8)}"
    yield {"SESSION_STORE": RedisStore(lambda: client, prefix=prefix, clock=clock)}
    for name in client.scan_iter(f"{prefix}:*"):
        client.delete(name)
    close(client)


def contents(store: Store) -> str:
    """Return all that the store holds, as somebody sees it who has stolen it."""
    client, prefix = connection(store)
    lines = []
    for name in sorted(client.scan_iter(f"{prefix}:*")):
        is_record = client.type(name) == b"string"
        lines.append(f"{name} {client.get(name) if is_record else client.zrange(name, 0, -1)}")
    return "\n".join(lines)


def overwrite(store: Store, key: str, **fields: Any) -> None:
    """Change a record as nobody does who uses the store's own methods."""
    client, prefix = connection(store)
    name = f"{prefix}:session:{key}"
    values = asdict(_parse(key, client.get(name))) | fields
    user = NOBODY if values["user_id"] is None else values["user_id"]
    front = [values["version"], user, values["seen_at"], values["expires_at"]]
    rest = [values[part] for part in ("public_id", "data", "created_at", "user_agent", "ip")]
    client.set(name, " ".join([*map(str, front), json.dumps(rest)]), keepttl=True)


def keep_forever(store: Store, key: str) -> None:
    """Take away what makes the store itself forget the record."""
    client, prefix = connection(store)
    client.persist(f"{prefix}:session:{key}")
    overwrite(store, key, expires_at="9e12")


@contextmanager
def broken_store() -> Iterator[Store]:
    """Yield a store whose server does not answer."""
    client = connect("redis://127.0.0.1:1")
    yield RedisStore(lambda: client, prefix="test", clock=Clock())
    close(client)


def connection(store: Store) -> tuple[Any, str]:
    """Return the store's client, and what all of its names begin with."""
    assert isinstance(store, RedisStore)
    return store._client, store._prefix


def close(client: Any) -> None:
    """Close all connections of a client, those to sentinels and nodes as well."""
    if isinstance(client, RedisCluster):
        client.disconnect_connection_pools()
        return
    manager = getattr(client.connection_pool, "sentinel_manager", None)
    for sentinel in manager.sentinels if manager else []:
        sentinel.close()
    client.close()
