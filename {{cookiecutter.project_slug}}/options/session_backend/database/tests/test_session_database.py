"""What is special to sessions in the application's database."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.database import db
from my_flask_app.sessions import store as module
from my_flask_app.sessions.record import key_of

from .backend import overwrite
from .stores import NOW, make_record, store_of
from .style import is_signed_in
from .support import token_of


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
    key = key_of(token_of(signed_in_client) or "")
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
