"""Which sessions a user has, in the application's database: memcached cannot be searched.

A row is written before its record and goes after it, so a session that can be used can be found.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..database import db
from .protocol import StoreUnavailable

session_index = sa.Table(
    "session_index",
    db.metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.Integer, nullable=False, index=True),
    # The record's end when the row was last looked at; a session in use has a later one by now.
    sa.Column("expires_at", sa.Double, nullable=False, index=True),
)
columns = session_index.c


class Index:
    """The rows on an engine that commits each statement; each method is one statement.

    Every method raises StoreUnavailable when the database does not answer.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, key: str, user_id: int, expires_at: float) -> None:
        """Name a session. Raises StoreUnavailable, too, when there is one with this key."""
        row = {"key": key, "user_id": user_id, "expires_at": expires_at}
        with self._connection() as connection:
            connection.execute(sa.insert(session_index).values(row))

    def of_user(self, user_id: int) -> dict[str, float]:
        """Return the keys of a user's sessions, each with the end that its row knows of."""
        rows = sa.select(columns.key, columns.expires_at).where(columns.user_id == user_id)
        with self._connection() as connection:
            return {row.key: row.expires_at for row in connection.execute(rows)}

    def ended(self, now: float, at_most: int) -> list[str]:
        """Return some keys whose rows say that the session has ended."""
        batch = sa.select(columns.key).where(columns.expires_at < now).limit(at_most)
        with self._connection() as connection:
            return list(connection.scalars(batch))

    def extend(self, key: str, expires_at: float) -> None:
        """Note that a session lasts longer than its row says."""
        change = sa.update(session_index).where(columns.key == key).values(expires_at=expires_at)
        with self._connection() as connection:
            connection.execute(change)

    def forget(self, key: str) -> None:
        """Delete the row of a session that is gone."""
        with self._connection() as connection:
            connection.execute(sa.delete(session_index).where(columns.key == key))

    def forget_ended(self, keys: Collection[str], now: float) -> int:
        """Delete those of these rows that still say that the session has ended; how many?"""
        chosen = columns.key.in_(keys) & (columns.expires_at < now)
        with self._connection() as connection:
            return connection.execute(sa.delete(session_index).where(chosen)).rowcount

    def ping(self) -> None:
        """Return when the table can be read."""
        with self._connection() as connection:
            connection.execute(sa.select(columns.key).limit(1))

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout) as error:
            raise StoreUnavailable(type(error).__name__) from error
