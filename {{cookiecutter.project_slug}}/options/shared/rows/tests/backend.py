"""Where the tests keep sessions: in the test's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from my_flask_app.database import db
from my_flask_app.sessions.protocol import Store
from my_flask_app.sessions.rows import DatabaseStore

from .support import Clock

ENVIRONMENT: dict[str, str] = {}
OWN_TESTS = {"test_session_rows.py"}  # which only this backend has

sessions = db.metadata.tables["sessions"]


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: nothing, the tables are there."""
    yield {}


def contents(store: Store) -> str:
    """Return all that the store holds, as somebody sees it who has stolen it."""
    with _engine(store).connect() as connection:
        return "\n".join(str(tuple(row)) for row in connection.execute(sa.select(sessions)))


def overwrite(store: Store, key: str, **fields: Any) -> None:
    """Change a record as nobody does who uses the store's own methods."""
    with _engine(store).begin() as connection:
        connection.execute(sa.update(sessions).where(sessions.c.key == key).values(**fields))


def keep_forever(store: Store, key: str) -> None:
    """Take away what makes the store itself forget the record."""
    overwrite(store, key, expires_at=9e12)


@contextmanager
def broken_store() -> Iterator[Store]:
    """Yield a store whose server does not answer."""
    engine = sa.create_engine("sqlite:////no/such/folder/test.db")
    yield DatabaseStore(engine)
    engine.dispose()


def _engine(store: Store) -> sa.Engine:
    assert isinstance(store, DatabaseStore)
    return store._engine
