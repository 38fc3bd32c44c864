"""Flask-Session, as it comes and as somebody sets it up who has read all of its documentation."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cachelib.file import FileSystemCache
from flask import Flask
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from pymemcache.client.base import Client, PooledClient
from pymongo import MongoClient
from redis import Redis

from benchmarks.backends import memcached
from benchmarks.views import add_views, note_user

Environment = Mapping[str, str]


def make_app(place: str, environment: Environment, *, tuned: bool = False) -> Flask:
    """Return the application. Tuned, a request that only reads writes nothing."""
    app = Flask(f"flask_session_{place}")
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    add_sessions(app, place, environment, tuned=tuned)
    add_views(app, sign_in=note_user)
    return app


def add_sessions(app: Flask, place: str, environment: Environment, *, tuned: bool = False) -> None:
    """Give an application its sessions."""
    if tuned:
        app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    BACKENDS[place](app, environment, tuned)
    Session(app)


def _redis(app: Flask, environment: Environment, _: bool) -> None:
    app.config["SESSION_TYPE"] = "redis"
    app.config["SESSION_REDIS"] = Redis.from_url(environment["REDIS_URL"])


def _sql(app: Flask, environment: Environment, tuned: bool) -> None:
    url = environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        url = url.replace(".db", f"-flask-session{'-tuned' if tuned else ''}.db")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SESSION_TYPE"] = "sqlalchemy"
    app.config["SESSION_SQLALCHEMY_TABLE"] = f"flask_session{'_tuned' if tuned else ''}"
    app.config["SESSION_SQLALCHEMY"] = database = SQLAlchemy(app)
    if tuned and url.startswith("sqlite"):
        with app.app_context():
            sa.event.listen(database.engine, "connect", _write_ahead)


def _write_ahead(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _memcached(app: Flask, environment: Environment, tuned: bool) -> None:
    address, login = memcached.server(environment["MEMCACHED_URL"])
    # Tuned: without Nagle's algorithm, which waits for the server's acknowledgement.
    client = PooledClient(address, no_delay=True) if tuned else Client(address)
    client.set("auth", login, expire=-1, noreply=False)
    app.config["SESSION_TYPE"] = "memcached"
    app.config["SESSION_MEMCACHED"] = client


def _filesystem(app: Flask, environment: Environment, tuned: bool) -> None:
    name = f"flask-session{'-tuned' if tuned else ''}"
    folder = Path(environment["SESSION_DIR"]).with_name(name)
    app.config["SESSION_TYPE"] = "cachelib"
    # Tuned: without the limit of 500 files, above which live sessions are thrown away.
    app.config["SESSION_CACHELIB"] = FileSystemCache(str(folder), threshold=0 if tuned else 500)


def _mongodb(app: Flask, environment: Environment, _: bool) -> None:
    app.config["SESSION_TYPE"] = "mongodb"
    app.config["SESSION_MONGODB"] = MongoClient(environment["MONGODB_URL"])


BACKENDS: dict[str, Callable[[Flask, Environment, bool], None]] = {
    "redis": _redis,
    "sqlite": _sql,
    "postgresql": _sql,
    "mariadb": _sql,
    "memcached": _memcached,
    "filesystem": _filesystem,
    "mongodb": _mongodb,
}
