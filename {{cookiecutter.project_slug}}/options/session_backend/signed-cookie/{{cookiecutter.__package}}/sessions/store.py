"""Sessions in signed cookies: where what a cookie cannot promise is kept, in the database."""

from typing import Any

from environs import Env
from flask import Flask

from ..database import autocommit_engine
from .protocol import Store
from .rows import DatabaseStore


def settings(env: Env) -> dict[str, Any]:
    """Return one setting: Werkzeug need not warn of long cookies, cookie.py refuses them."""
    return {"MAX_COOKIE_SIZE": 0}


def make_store(app: Flask) -> Store:
    """Return the store of the rows, on the application's engine."""
    with app.app_context():
        return DatabaseStore(autocommit_engine())
