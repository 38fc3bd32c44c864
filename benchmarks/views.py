"""The views that every application is measured with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, session

EMAIL = "ada@example.org"
THEME = "dark"
# About what a shop keeps: 200 bytes as JSON.
DATA: dict[str, Any] = {
    "theme": THEME,
    "language": "en",
    "cart": [{"article": 4711, "count": 2}, {"article": 4712, "count": 1}],
    "seen": [101, 102, 103, 104, 105],
    "return_to": "/articles/4712?colour=blue",
}


def untouched() -> str:
    """Answer without the session."""
    return THEME


def read() -> str:
    """Answer with what the session holds."""
    return str(session["theme"])


def write() -> str:
    """Change the session."""
    session["count"] = session.get("count", 0) + 1
    return THEME


def note_user() -> None:
    """Sign the user in as the session layer alone understands it."""
    session["user_id"] = 1


def add_views(
    app: Flask,
    *,
    sign_in: Callable[[], object],
    user_email: Callable[[], str] | None = None,
    public: Callable[[Any], Any] = lambda view: view,
    guarded: Callable[[Any], Any] = lambda view: view,
) -> None:
    """Add the views; `guarded` is what lets only signed-in users in."""

    def fill() -> str:
        session.update(DATA)
        sign_in()
        return THEME

    for view in (untouched, read, write, fill):
        app.add_url_rule(f"/benchmark/{view.__name__}", view.__name__, public(view))
    if user_email:
        app.add_url_rule("/benchmark/account", "benchmark_account", guarded(user_email))
