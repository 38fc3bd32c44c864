"""PostgreSQL: one prepared SELECT on a connection of the driver that stays open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from benchmarks.plan import Place

GROWTH = 1_000_000


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of a row."""
    connection = _connect(place)
    query = f"SELECT {', '.join(record)} FROM sessions WHERE key = %s".encode()
    return lambda: connection.execute(query, (record["key"],), prepare=True).fetchone()


def fill(record: dict[str, Any], place: Place, count: int) -> None:
    """Copy a row, in the database itself."""
    new = {
        "key": "md5(random()::text) || md5(random()::text)",
        "public_id": "md5(random()::text)",
        "user_id": "1000 + number %% 100000",
        "expires_at": str(record["expires_at"]),
    }
    values = ", ".join(new.get(name, name) for name in record)
    statement = (
        f"INSERT INTO sessions ({', '.join(record)})"
        f" SELECT {values} FROM sessions, generate_series(1, %s) AS number WHERE key = %s"
    )
    with _connect(place) as connection:
        connection.execute(statement.encode(), (count, record["key"]))
        connection.execute("ANALYZE sessions")


def _connect(place: Place) -> psycopg.Connection[tuple[Any, ...]]:
    url = place.environment["DATABASE_URL"].replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)
