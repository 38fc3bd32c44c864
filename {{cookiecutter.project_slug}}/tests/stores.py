"""Stores for the tests, and what a record looks like."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.sessions import protocol
from my_flask_app.sessions.cookie import open_cookie
from my_flask_app.sessions.interface import SessionInterface
from my_flask_app.sessions.record import Record, key_of

from .support import token_of

NOW = 1_800_000_000.0


class WatchedStore:
    """A store before the real one: it notes the calls, and fails or waits where it is told to."""

    def __init__(self, real: protocol.Store) -> None:
        self.real = real
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.before: dict[str, Callable[[], object]] = {}

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """Return a method of the real store, watched."""
        original = getattr(self.real, method)

        def call(*args: Any) -> Any:
            self.calls.append(method)
            if method in self.failing:
                raise protocol.StoreUnavailable("switched off by a test")
            self.before.get(method, lambda: None)()
            return original(*args)

        return call


def store_of(app: Flask) -> protocol.Store:
    """Return the application's store."""
    return _interface(app).rules.store


def watch(app: Flask) -> WatchedStore:
    """Put a watched store before the application's own."""
    interface = _interface(app)
    watched = WatchedStore(interface.rules.store)
    interface.rules = replace(interface.rules, store=cast("protocol.Store", watched))
    return watched


def record_of(app: Flask, client: FlaskClient) -> Record | None:
    """Return the record behind the client's cookie."""
    token, store = open_cookie(app, token_of(client) or "", store_of(app))
    return store.load(key_of(token)) if token else None


def token_in(client: FlaskClient) -> str:
    """Return the token in the client's cookie."""
    app = client.application
    token, _ = open_cookie(app, token_of(client) or "", store_of(app))
    assert token
    return token


def key_in(client: FlaskClient) -> str:
    """Return the key under which the client's session is stored."""
    return key_of(token_in(client))


def make_record(name: str = "one", *, user_id: int | None = 7, **fields: Any) -> Record:
    """Return a record that no store holds yet; the same name is the same key."""
    values = {} if user_id is None else {"user_id": user_id}
    record = Record(
        key=key_of(name),
        public_id=f"public-{name}",
        data=json.dumps(values),
        user_id=user_id,
        created_at=NOW,
        seen_at=NOW + 0.123456,
        expires_at=NOW + 3600.654321,
        version=1,
        user_agent="Firefox on a test",
        ip="2001:db8::1",
    )
    return replace(record, **fields)


def _interface(app: Flask) -> SessionInterface:
    assert isinstance(app.session_interface, SessionInterface)
    return app.session_interface
