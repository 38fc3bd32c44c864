"""The application's database."""

import selectors
import sqlite3
from pathlib import Path
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from flask import Flask, Response
from flask_migrate import Migrate, upgrade
from flask_sqlalchemy import SQLAlchemy
from psycopg import errors
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import CreateTable

TIMEOUT = 1.0  # seconds that a statement may take before the request gives up with 503
CONNECT_TIMEOUT = 2  # seconds; libpq takes no less

# What every connection has, whatever DATABASE_URL asks for. By itself each driver begins a
# transaction: what a view takes back must not be stored by then.
POSTGRESQL = {"autocommit": False, "connect_timeout": CONNECT_TIMEOUT}
MARIADB = {
    "autocommit": False,
    "charset": "utf8mb4",
    "sql_mode": "TRADITIONAL",  # a text that is too long is an error, and not cut
    "connect_timeout": TIMEOUT,
    "read_timeout": TIMEOUT,
    "write_timeout": TIMEOUT,
}

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
    options = {"hide_parameters": True, "pool_timeout": TIMEOUT}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    autocommit = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True, **options}
    autocommit["url"] = app.config["SQLALCHEMY_DATABASE_URI"]
    app.config["SQLALCHEMY_BINDS"] = {"autocommit": autocommit}
    db.init_app(app)
    app.after_request(_end_transaction)
    migrate.init_app(app, db, directory=str(MIGRATIONS))
    with app.app_context():
        for engine in db.engines.values():
            PREPARE[engine.dialect.name](engine)
        if app.config["APP_ENV"] == "development" and not sa.inspect(db.engine).has_table("users"):
            upgrade()


def changes_one_row(change: sa.Update) -> bool:
    """Carry out an UPDATE in the transaction of the view; False when it has found no row."""
    # Not by RETURNING, which MariaDB does not know here.
    result = cast("sa.CursorResult[Any]", db.session.execute(change))
    return result.rowcount == 1


def autocommit_engine() -> sa.Engine:
    """Return the engine for statements that stand for themselves, beside the view's transaction.

    It has connections of its own: to switch one back and forth takes longer than a statement, and
    requests that hold one of the others would wait for each other.
    """
    return db.engines["autocommit"]


def _end_transaction(response: Response) -> Response:
    """End what the view left open, before the session is saved.

    SQLite has one writer, and saving is the next one. And a connection that breaks is noticed
    here, not after the answer has been made.
    """
    if not db.session.registry.has():  # the view has not asked the database
        return response
    try:
        db.session.remove()  # not rollback, which would also mark each object as stale
    except SQLAlchemyError:
        db.session().invalidate()
    return response


def _prepare_sqlite(engine: sa.Engine) -> None:
    sa.event.listen(engine, "connect", _set_up_sqlite)


def _prepare_postgresql(engine: sa.Engine) -> None:
    sa.event.listen(engine, "do_connect", _connect_to_postgresql)
    sa.event.listen(engine, "checkout", _replace_if_closed)


def _prepare_mariadb(engine: sa.Engine) -> None:
    sa.event.listen(engine, "do_connect", _connect_to_mariadb)
    sa.event.listen(engine, "connect", _set_up_mariadb)
    sa.event.listen(engine, "checkout", _replace_if_closed)


PREPARE = {
    "sqlite": _prepare_sqlite,
    "postgresql": _prepare_postgresql,
    "mariadb": _prepare_mariadb,
    "mysql": _prepare_mariadb,
}


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(TIMEOUT * 1000)}")
    connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for the writer
    connection.execute("PRAGMA synchronous = NORMAL")  # safe with WAL, and quicker
    connection.execute("PRAGMA foreign_keys = ON")


def _replace_if_closed(connection: Any, _: Any, __: Any) -> None:
    """Let the pool replace a connection that a restarted server has closed.

    An idle connection has something to read only then; to ask the server would take a round trip.
    """
    socket = getattr(connection, "_sock", connection)  # PyMySQL's, and None when it is closed
    with _Selector() as selector:
        if socket is not None:
            selector.register(socket, selectors.EVENT_READ)
        if socket is None or selector.select(timeout=0):
            raise sa.exc.DisconnectionError


def _connect_to_postgresql(_: Any, __: Any, args: Any, parameters: dict[str, Any]) -> Any:
    return ImpatientConnection.connect(*args, **parameters | POSTGRESQL)


def _connect_to_mariadb(_: Any, __: Any, ___: Any, parameters: dict[str, Any]) -> None:
    parameters.update(MARIADB)


def _set_up_mariadb(connection: Any, _: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {int(TIMEOUT)}")
        # As on PostgreSQL: a transaction sees what others have committed, such as a sign-out.
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")


@compiles(CreateTable, "mariadb")
@compiles(CreateTable, "mysql")
def _create_table_in_mariadb(create: CreateTable, compiler: Any, **options: Any) -> str:
    """Let every table, those of migrations too, compare texts byte by byte.

    By default `a`, `A`, `á` and `a` with a space behind it would be equal there: one key, one user.
    """
    statement: str = compiler.visit_create_table(create, **options).rstrip()
    collation = "utf8mb4_nopad_bin" if compiler.dialect.is_mariadb else "utf8mb4_0900_bin"
    return f"{statement} CHARACTER SET utf8mb4 COLLATE {collation}"
