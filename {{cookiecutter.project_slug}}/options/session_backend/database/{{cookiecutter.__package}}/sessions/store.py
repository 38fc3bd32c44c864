"""Sessions in the application's database: see rows.py."""

from typing import Any

from environs import Env
from flask import Flask

from ..database import autocommit_engine
from .protocol import Store
from .rows import DatabaseStore


def settings(env: Env) -> dict[str, Any]:
    """Return no settings: the sessions are where DATABASE_URL says."""
    return {}


def make_store(app: Flask) -> Store:
    """Return the store on the application's engine."""
    with app.app_context():
        return DatabaseStore(autocommit_engine())
