"""Records as rows of the application's database, on a connection of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..database import db
from .protocol import StoreUnavailable
from .record import LONGEST_IP, LONGEST_USER_AGENT, Record

PRUNE_BATCH = 500  # so that no other request waits long for the lock

sessions = sa.Table(
    "sessions",
    db.metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("public_id", sa.String(32), nullable=False),
    sa.Column("data", sa.Text().with_variant(MEDIUMTEXT(), "mariadb", "mysql"), nullable=False),
    sa.Column("user_id", sa.Integer, index=True),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("user_agent", sa.String(LONGEST_USER_AGENT), nullable=False),
    sa.Column("ip", sa.String(LONGEST_IP), nullable=False),
)

columns = [sessions.c[field.name] for field in fields(Record)]

# Made once: to build a statement takes longer than to run it.
_has_key = sessions.c.key == sa.bindparam("wanted")
_is_unchanged = _has_key & (sessions.c.version == sa.bindparam("expected"))
ROW = sa.select(*columns).where(_has_key)
INSERT = sa.insert(sessions)
UPDATE = sa.update(sessions).where(_is_unchanged)
TAKE = sa.delete(sessions).where(_is_unchanged)
TOUCH = sa.update(sessions).where(_has_key & (sessions.c.seen_at < sa.bindparam("now")))
DELETE = sa.delete(sessions).where(_has_key)
OF_USER = sa.select(*columns).where(sessions.c.user_id == sa.bindparam("user"))


class DatabaseStore:
    """A Store on an engine that commits each statement. A method is one, `prune` aside."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def load(self, key: str) -> Record | None:
        with self._connection() as connection:
            row = connection.execute(ROW, {"wanted": key}).one_or_none()
        return Record(*row) if row else None

    def insert(self, record: Record) -> None:
        with self._connection() as connection:
            connection.execute(INSERT, asdict(record))

    def update(self, record: Record) -> bool:
        unchanged = {"wanted": record.key, "expected": record.version - 1}
        with self._connection() as connection:
            result = connection.execute(UPDATE, asdict(record) | unchanged)
        return result.rowcount == 1

    def take(self, key: str, version: int) -> bool:
        with self._connection() as connection:
            result = connection.execute(TAKE, {"wanted": key, "expected": version})
        return result.rowcount == 1

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        times = {"seen_at": seen_at, "expires_at": expires_at}
        with self._connection() as connection:
            connection.execute(TOUCH, {"wanted": key, "now": seen_at} | times)

    def delete(self, key: str) -> None:
        with self._connection() as connection:
            connection.execute(DELETE, {"wanted": key})

    def for_user(self, user_id: int) -> list[Record]:
        with self._connection() as connection:
            return [Record(*row) for row in connection.execute(OF_USER, {"user": user_id})]

    def prune(self, now: float) -> int:
        expired = sessions.c.expires_at < now
        total = 0
        while True:
            with self._connection() as connection:
                batch = sa.select(sessions.c.key).where(expired).limit(PRUNE_BATCH)
                keys = connection.scalars(batch).all()
                # Asked again with the keys: one of them may have been touched in between.
                chosen = sessions.c.key.in_(keys) & expired
                total += connection.execute(sa.delete(sessions).where(chosen)).rowcount
            if len(keys) < PRUNE_BATCH:
                return total

    def ping(self) -> None:
        with self._connection() as connection:
            connection.execute(sa.select(sessions.c.key).limit(1))

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout) as error:
            raise StoreUnavailable(type(error).__name__) from error
