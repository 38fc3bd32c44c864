"""What the application expects of every database, and PostgreSQL does by itself."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DataError

from my_flask_app import database
from my_flask_app.database import changes_one_row, db
from my_flask_app.models import User

from .support import make_user

# What a database may take for `ada@example.org` that compares texts as people do.
LOOK_ALIKES = ["ADA@example.org", "ada@example.org ", "\u00e1da@example.org"]


@pytest.mark.parametrize("email", LOOK_ALIKES, ids=ascii)
def test_texts_are_compared_byte_by_byte(app: Flask, user: User, email: str) -> None:
    with app.app_context():
        assert db.session.scalar(sa.select(User).where(User.email == email)) is None
    other = make_user(app, email)  # nor are they equal for the index
    with app.app_context():
        assert db.session.scalar(sa.select(User.id).where(User.email == email)) == other.id
        assert db.session.scalar(sa.select(User.id).where(User.email == user.email)) == user.id


def test_a_text_is_stored_whole_or_not_at_all(app: Flask, user: User) -> None:
    longer = "x" * 300
    with app.app_context():
        change = sa.update(User).where(User.id == user.id).values(password_hash=longer)
        try:
            db.session.execute(change)
        except DataError:
            return
        assert db.session.scalar(sa.select(User.password_hash)) == longer


def test_every_character_comes_back(app: Flask, user: User) -> None:
    text = "\N{GRINNING FACE} \N{LATIN SMALL LETTER E WITH ACUTE} \\ ' \" %s :x"
    with app.app_context():
        db.session.execute(sa.update(User).where(User.id == user.id).values(password_hash=text))
        db.session.commit()
        assert db.session.scalar(sa.select(User.password_hash)) == text


def test_an_update_counts_the_rows_that_it_finds(app: Flask, user: User) -> None:
    """Not only those in which something is new: compare-and-swap goes by this number."""
    same = sa.update(User).values(email=user.email)
    with app.app_context():
        assert changes_one_row(same.where(User.id == user.id))
        assert not changes_one_row(same.where(User.id == user.id + 1))


def test_what_is_not_committed_is_taken_back(app: Flask, user: User) -> None:
    with app.app_context():
        db.session.execute(sa.update(User).values(disabled=True))
        db.session.rollback()
        assert db.session.scalar(sa.select(User.disabled)) is False


def test_a_transaction_sees_what_others_have_committed(app: Flask, user: User) -> None:
    """A view that has read the user already still learns that they were signed out everywhere."""
    epoch = sa.select(User.session_epoch).where(User.id == user.id)
    with app.app_context():
        assert db.session.scalar(epoch) == 1
        with db.engine.begin() as elsewhere:
            elsewhere.execute(sa.update(User).values(session_epoch=2))
        assert db.session.scalar(epoch) == 2


def test_no_url_makes_a_connection_patient() -> None:
    parameters: dict[str, Any] = {"host": "db", "charset": "latin1", "sql_mode": ""}
    parameters |= {"autocommit": "true", "read_timeout": 60}
    database._connect_to_mariadb(None, None, None, parameters)
    assert parameters.pop("host") == "db"
    assert parameters.pop("charset") == "utf8mb4"
    assert parameters.pop("sql_mode") == "TRADITIONAL"
    assert parameters.pop("autocommit") is False
    assert parameters.keys() == {"connect_timeout", "read_timeout", "write_timeout"}
    assert set(parameters.values()) == {1.0}


def test_no_url_makes_a_connection_to_postgresql_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does an option that we have set already break it."""
    monkeypatch.setattr(database.ImpatientConnection, "connect", lambda **given: given)
    asked = {"host": "db", "autocommit": "true", "connect_timeout": "60"}
    assert database._connect_to_postgresql(None, None, [], asked) == {
        "host": "db",
        "autocommit": False,
        "connect_timeout": 2,
    }
