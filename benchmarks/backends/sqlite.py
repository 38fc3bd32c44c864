"""SQLite: one prepared SELECT on a connection of the driver that stays open."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from benchmarks.plan import Place

GROWTH = 1_000_000


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of a row."""
    connection = sqlite3.connect(_path(place), isolation_level=None, check_same_thread=False)
    query = f"SELECT {', '.join(record)} FROM sessions WHERE key = ?"
    return lambda: connection.execute(query, (record["key"],)).fetchone()


def fill(record: dict[str, Any], place: Place, count: int) -> None:
    """Copy a row, in the database itself."""
    new = {
        "key": "lower(hex(randomblob(32)))",
        "public_id": "lower(hex(randomblob(8)))",
        "user_id": "1000 + number % 100000",
        "expires_at": str(record["expires_at"]),
    }
    values = ", ".join(new.get(name, name) for name in record)
    statement = (
        "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers"
        " WHERE number < :count) INSERT INTO sessions"
        f" ({', '.join(record)}) SELECT {values} FROM sessions, numbers WHERE key = :key"
    )
    with closing(sqlite3.connect(_path(place), timeout=60)) as connection, connection:
        connection.execute(statement, {"count": count, "key": record["key"]})


def _path(place: Place) -> str:
    return urlsplit(place.environment["DATABASE_URL"]).path
