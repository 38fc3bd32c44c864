"""The application's database."""

import selectors
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask, Response
from flask_migrate import Migrate, upgrade
from flask_sqlalchemy import SQLAlchemy
from psycopg import errors
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase

TIMEOUT = 1.0  # seconds that a statement may take before the request gives up with 503
CONNECT_TIMEOUT = 2  # seconds; libpq takes no less

_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # no poll on Windows

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Base(DeclarativeBase):
    """The base of every model."""


db = SQLAlchemy(model_class=Base)
migrate = Migrate()


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that hangs; psycopg by itself waits forever."""

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """Wait for the server's answer. Raises OperationalError when none comes in time."""
        kwargs["timeout"] = TIMEOUT
        try:
            return super().wait(*args, **kwargs)
        except errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("the database does not answer") from None


def init_app(app: Flask) -> None:
    """Connect the application to its database. In development the first start creates it."""
    # Parameters stay out of error messages: they hold addresses and digests (CWE-532).
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True, "pool_timeout": TIMEOUT}
    db.init_app(app)
    app.after_request(_end_transaction)
    migrate.init_app(app, db, directory=str(MIGRATIONS))
    with app.app_context():
        _prepare(db.engine)
        if app.config["APP_ENV"] == "development" and not sa.inspect(db.engine).has_table("users"):
            upgrade()


def _end_transaction(response: Response) -> Response:
    """End what the view left open, before the session is saved.

    SQLite has one writer, and saving is the next one. And a connection that breaks is noticed
    here, not after the answer has been made.
    """
    if not db.session.registry.has():  # the view has not asked the database
        return response
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()
    return response


def _prepare(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
    else:
        sa.event.listen(engine, "do_connect", _connect_to_postgresql)
        sa.event.listen(engine, "checkout", _replace_if_closed)


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(TIMEOUT * 1000)}")
    connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for the writer
    connection.execute("PRAGMA synchronous = NORMAL")  # safe with WAL, and quicker
    connection.execute("PRAGMA foreign_keys = ON")


def _replace_if_closed(connection: ImpatientConnection, _: Any, __: Any) -> None:
    """Let the pool replace a connection that a restarted server has closed.

    An idle connection has something to read only then; to ask the server would take a round trip.
    """
    with _Selector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        if selector.select(timeout=0):
            raise sa.exc.DisconnectionError


def _connect_to_postgresql(_: Any, __: Any, args: Any, parameters: dict[str, Any]) -> Any:
    return ImpatientConnection.connect(*args, connect_timeout=CONNECT_TIMEOUT, **parameters)
