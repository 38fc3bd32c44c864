"""Helpers for the tests."""

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_flask_app.auth.passwords import hash_password
from my_flask_app.database import db
from my_flask_app.models import User

PASSWORD = "correct horse battery staple"
COOKIE = "__Host-session"
PATIENCE = 10  # seconds until a test that waits for another thread fails


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, *, seconds: float = 0, minutes: float = 0, days: float = 0) -> None:
        """Let time pass, or run back."""
        self.now += seconds + 60 * minutes + 86_400 * days


class Outbox:
    """The mails that were sent."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mails(self) -> list[dict[str, str]]:
        """Return each mail's `to`, `subject` and `text`."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


class Pause:
    """A place in a view where one request waits until another one has been answered."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> None:
        """Wait here, in the view."""
        self.reached.set()
        assert self.go_on.wait(PATIENCE)

    def during(
        self, slow: Callable[[], TestResponse], quick: Callable[[], Any]
    ) -> tuple[TestResponse, Any]:
        """Start `slow` in a thread, run `quick` while it waits here, and return both results."""
        with ThreadPoolExecutor(1) as threads:
            answer: Future[TestResponse] = threads.submit(slow)
            try:
                assert self.reached.wait(PATIENCE)
                quick_answer = quick()
            finally:
                self.go_on.set()
            return answer.result(PATIENCE), quick_answer


def browser(app: Flask) -> FlaskClient:
    """Return one more browser, with cookies of its own."""
    client = app.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    client.environ_base["HTTP_USER_AGENT"] = "Firefox on a test"
    return client


def another_device(app: Flask, user: User) -> FlaskClient:
    """Return one more browser, in which the user is signed in."""
    client = browser(app)
    with client.session_transaction() as session:
        session["user_id"] = user.id
    return client


def make_user(app: Flask, email: str) -> User:
    """Return a new user, who can be read outside the application's context."""
    with app.app_context():
        user = User(email=email, password_hash=hash_password(PASSWORD))
        db.session.add(user)
        db.session.commit()
        db.session.refresh(user)
        db.session.expunge(user)
    return user


def token_of(client: FlaskClient) -> str | None:
    """Return the session cookie that the client holds."""
    cookie = client.get_cookie(COOKIE)
    return cookie.value if cookie else None


def dispose_engines(app: Flask) -> None:
    """Close an application's connections to its database."""
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def use_token(client: FlaskClient, token: str | None) -> FlaskClient:
    """Give the client this session cookie, or none, as somebody does who has copied it."""
    if token is None:
        client.delete_cookie(COOKIE)
    else:
        client.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="Lax")
    return client


def cookies_set(response: TestResponse) -> list[str]:
    """Return the Set-Cookie headers of a response."""
    return response.headers.getlist("Set-Cookie")


def new_token(response: TestResponse) -> str | None:
    """Return the session token that a response sends, or None."""
    for header in cookies_set(response):
        match = re.match(rf"{re.escape(COOKIE)}=([^;]+)", header)
        if match:
            return match[1]
    return None
