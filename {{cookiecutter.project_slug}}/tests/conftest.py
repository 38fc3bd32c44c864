"""Fixtures. Without DATABASE_URL and its like in the environment, no server is needed."""

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from my_flask_app import create_app
from my_flask_app.database import db
from my_flask_app.models import User

from .backend import ENVIRONMENT, fresh_store
from .stores import WatchedStore, watch
from .support import Clock, Outbox, Pause, another_device, browser, dispose_engines, make_user


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for this run: a SQLite file, or a new schema in the server of DATABASE_URL.

    What MariaDB calls a schema is a database.
    """
    url = os.environ.get("DATABASE_URL", "sqlite:")
    if url.startswith("sqlite:"):
        yield f"sqlite:///{tmp_path_factory.mktemp('database')}/test.db"
        return
    schema = f"test_{secrets.token_hex(8)}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    if server.dialect.name == "postgresql":
        own = server.url.update_query_dict({"options": f"-csearch_path={schema}"})
    else:
        own = server.url.set(database=schema)
    with server.connect() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
        yield own.render_as_string(hide_password=False)
        everything = server.dialect.name == "postgresql"  # elsewhere without saying so
        connection.execute(sa.schema.DropSchema(schema, cascade=everything))
    server.dispose()


@pytest.fixture(scope="session")
def tables(database_url: str) -> list[sa.Table]:
    """The tables, made by the migrations as in production."""
    with pytest.MonkeyPatch.context() as environment:
        set_environment(environment, database_url)
        app = create_app()
        with app.app_context():
            upgrade()
        dispose_engines(app)
    return db.metadata.sorted_tables


def set_environment(environment: pytest.MonkeyPatch, database_url: str) -> None:
    """Set what the application needs, so that a developer's own settings do not matter."""
    clear_environment(environment)
    environment.setenv("APP_ENV", "testing")
    environment.setenv("SECRET_KEY", secrets.token_hex(32))
    environment.setenv("DATABASE_URL", database_url)
    for name, value in ENVIRONMENT.items():
        environment.setenv(name, value)


def clear_environment(environment: pytest.MonkeyPatch) -> None:
    """Remove every setting that the application knows."""
    example = Path(__file__).parents[1] / ".env.example"
    names = re.findall(r"^#?([A-Z_]+)=", example.read_text(encoding="utf-8"), re.MULTILINE)
    for name in (*names, *(f"{name}_FILE" for name in names), "FLASK_DEBUG"):
        environment.delenv(name, raising=False)


@pytest.fixture
def clock() -> Clock:
    """The application's clock, in the test's hand."""
    return Clock()


@pytest.fixture(scope="session")
def outbox_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the mails of all tests: making a folder for each would take longer."""
    return tmp_path_factory.mktemp("outboxes")


@pytest.fixture
def outbox(outbox_folder: Path) -> Outbox:
    """The mails that the application sends."""
    return Outbox(outbox_folder / f"{secrets.token_hex(8)}.jsonl")


@pytest.fixture
def backend(clock: Clock) -> Iterator[dict[str, Any]]:
    """An empty session store."""
    with fresh_store(clock) as config:
        yield config


@pytest.fixture
def config() -> dict[str, Any]:
    """What a module of tests wants otherwise than the rest; to be overridden there."""
    return {}


@pytest.fixture
def app(
    database_url: str,
    tables: list[sa.Table],
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    outbox: Outbox,
    backend: dict[str, Any],
    config: dict[str, Any],
) -> Iterator[Flask]:
    """The application, with empty tables."""
    set_environment(monkeypatch, database_url)
    quick_hashes = {"memory_cost": 8, "time_cost": 1, "parallelism": 1}
    defaults = {"CLOCK": clock, "MAIL_URL": f"file:{outbox.path}", "ARGON2_PROFILE": quick_hashes}
    app = create_app({**defaults, **backend, **config})
    with app.app_context(), db.engine.begin() as connection:
        for table in reversed(tables):
            connection.execute(sa.delete(table))
    yield app
    dispose_engines(app)


@pytest.fixture
def watched_store(app: Flask) -> WatchedStore:
    """The application's store, watched."""
    return watch(app)


@pytest.fixture
def pause() -> Pause:
    """A place for one request to wait."""
    return Pause()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser: it sends what browsers send with a form of our own pages."""
    return browser(app)


@pytest.fixture
def user(app: Flask) -> User:
    """A user, who has the password `PASSWORD`."""
    return make_user(app, "ada@example.org")


@pytest.fixture
def other_user(app: Flask) -> User:
    """Somebody else, with the same password."""
    return make_user(app, "grace@example.org")


@pytest.fixture
def signed_in_client(client: FlaskClient, user: User) -> FlaskClient:
    """A browser in which the user is signed in: one key in the session is all that it takes."""
    with client.session_transaction() as session:
        session["user_id"] = user.id
    return client


@pytest.fixture
def desk(app: Flask, user: User) -> FlaskClient:
    """Another device of the same user."""
    return another_device(app, user)
