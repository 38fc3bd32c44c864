"""Where the tests keep sessions: in a fake Redis, or in the server of REDIS_URL."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fakeredis import FakeRedis
from redis import Redis

from {{ cookiecutter.__package }}.sessions.store import RedisStore

from .support import Clock

URL = os.environ.get("REDIS_URL")
ENVIRONMENT = {"REDIS_URL": URL or "redis://localhost:6379/0"}


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: an empty store, under names that no one else uses."""
    client = Redis.from_url(URL) if URL else FakeRedis()
    prefix = f"test-{secrets.token_hex(8)}"
    yield {"SESSION_STORE": RedisStore(client, prefix=prefix, index_lifetime=86_400, clock=clock)}
    for name in client.scan_iter(f"{prefix}:*"):
        client.delete(name)
    client.close()
