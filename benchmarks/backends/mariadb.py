"""MariaDB: one SELECT on a connection of the driver that stays open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymysql
import sqlalchemy as sa

from benchmarks.plan import Place


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of a row."""
    url = sa.make_url(place.environment["DATABASE_URL"])
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 0,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )
    names = ", ".join(f"`{name}`" for name in record)  # `key` is a word of its own there
    query = f"SELECT {names} FROM sessions WHERE `key` = %s"

    def read() -> object:
        with connection.cursor() as cursor:
            cursor.execute(query, (record["key"],))
            return cursor.fetchone()

    return read
