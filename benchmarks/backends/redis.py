"""Redis: one GET of a record, by the client as the project sets it up."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from redis import Redis

from benchmarks.plan import Place

GROWTH = 1_000_000
PRUNES = False  # the server does
FILL = """
for number = ARGV[1], ARGV[2] do
    redis.call('COPY', KEYS[1], KEYS[2] .. redis.sha1hex(number) .. string.rep('0', 24))
end
"""
BATCH = 10_000


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of a value."""
    connection = importlib.import_module(f"{place.package}.sessions.connection")
    client = connection.connect(place.environment["REDIS_URL"])
    name = f"{place.package}:session:{record['key']}"
    return lambda: client.get(name)


def fill(record: dict[str, Any], place: Place, count: int) -> None:
    """Copy a session, in the server itself."""
    client = Redis.from_url(place.environment["REDIS_URL"])
    prefix = f"{place.package}:session:"
    for first in range(1, count + 1, BATCH):
        client.eval(FILL, 2, prefix + record["key"], prefix, first, min(first + BATCH - 1, count))
