"""Flask alone, and Flask's own session: a cookie that is signed."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from flask import Flask

from benchmarks.views import THEME, add_views, note_user


def bare() -> Flask:
    """Return an application of one view."""
    app = Flask("bare")
    app.add_url_rule("/benchmark/untouched", "untouched", lambda: THEME)
    return app


def limit(raw_call: Callable[[], object]) -> Flask:
    """Return an application of one view, which makes one call of a store's client."""
    app = Flask("limit")

    def read() -> str:
        raw_call()
        return THEME

    app.add_url_rule("/benchmark/read", "read", read)
    return app


def signed_cookie() -> Flask:
    """Return an application with Flask's own session."""
    app = Flask("signed_cookie")
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    add_views(app, sign_in=note_user)
    return app
