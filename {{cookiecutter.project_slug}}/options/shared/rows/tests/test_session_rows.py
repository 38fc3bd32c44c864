"""What is special to records in the application's database."""

import time
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.database import db
from my_flask_app.sessions import rows as module
from my_flask_app.sessions.protocol import StoreUnavailable

from .backend import overwrite
from .stores import NOW, key_in, make_record, store_of
from .style import is_signed_in
from .support import PATIENCE

LONGEST = 3.0  # seconds until a visitor is told


@pytest.mark.requirement("R35")
def test_prune_deletes_what_expired_in_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE_BATCH", 2)
    store = store_of(app)
    for number in range(5):
        store.insert(make_record(f"old {number}", expires_at=NOW + number))
    live = make_record("live", expires_at=NOW + 5)
    store.insert(live)
    assert store.prune(NOW + 4.5) == 5
    assert store.for_user(7) == [live]
    assert store.prune(NOW + 4.5) == 0


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": "yesterday"},
        {"expires_at": b"\x00"},
        {"version": "first"},
        {"user_id": "1 or 1=1"},
    ],
    ids=str,
)
def test_a_column_of_the_wrong_type_means_anonymous(
    app: Flask, signed_in_client: FlaskClient, fields: dict[str, Any]
) -> None:
    key = key_in(signed_in_client)
    with app.app_context():
        takes_anything = db.engine.dialect.name == "sqlite"
    if takes_anything:
        columns = ", ".join(f"{name} = :{name}" for name in fields)
        with app.app_context():
            statement = sa.text(f"UPDATE sessions SET {columns} WHERE key = :key")  # noqa: S608
            db.session.execute(statement, {**fields, "key": key})
            db.session.commit()
        assert not is_signed_in(signed_in_client)
    else:
        with pytest.raises(sa.exc.StatementError):
            overwrite(store_of(app), key, **fields)
        assert is_signed_in(signed_in_client)


def test_the_table_is_what_the_migration_makes(app: Flask) -> None:
    with app.app_context():
        made = {column["name"]: column for column in sa.inspect(db.engine).get_columns("sessions")}
    assert made.keys() == set(module.sessions.c.keys())
    for column in module.sessions.c:
        assert made[column.name]["nullable"] == column.nullable


def test_a_session_holds_more_than_65535_bytes(app: Flask) -> None:
    """Which is as much as MariaDB's TEXT takes."""
    store = store_of(app)
    store.insert(make_record("long", data="x" * 100_000))
    assert len(store.for_user(7)[0].data) == 100_000


def test_a_row_that_somebody_else_holds_is_an_outage(app: Flask) -> None:
    store = store_of(app)
    record = make_record("one")
    store.insert(record)
    with app.app_context(), db.engine.connect() as holder:
        holder.execute(sa.update(module.sessions).values(version=1))
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.update(replace(record, version=2))
        assert time.monotonic() - began < LONGEST
        if db.engine.dialect.name in ("mariadb", "mysql"):
            # Nor is it done later, when nobody waits for it any more.
            while _statements(holder):
                assert time.monotonic() - began < PATIENCE
        holder.rollback()


def _statements(connection: sa.Connection) -> int:
    """Return how many statements others have under way in the test's database."""
    others = "command = 'Query' AND id <> connection_id() AND db = database()"
    query = f"SELECT count(*) FROM information_schema.processlist WHERE {others}"  # noqa: S608
    return int(connection.scalar(sa.text(query)) or 0)
