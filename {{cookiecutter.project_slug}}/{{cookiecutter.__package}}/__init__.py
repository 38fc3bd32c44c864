"""The application factory."""

import time
from collections.abc import Mapping
from typing import Any

from flask import Flask

from . import cli, database, errors, health, logs, outages, pages, sessions
from .account import views as account
from .auth import style
from .auth.identity import session_epoch_of
from .config import read_settings
from .security import guards, headers, hosts
from .security.audit import audit


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the application, configured from the environment and then from `config`.

    Raises SystemExit, before anything is served, when a setting is missing or unsafe.
    """
    app = Flask(__name__)
    app.config["CLOCK"] = time.time  # seconds since the epoch; tests bring their own
    app.config["SESSION_STORE"] = None  # a ready store, for tests
    app.config.from_mapping(read_settings())
    app.config.from_mapping(config or {})

    logs.init_app(app)
    database.init_app(app)
    sessions.init_app(app, epoch_of=session_epoch_of, report=audit)
    for part in (headers, hosts, guards, errors, outages, cli):
        part.init_app(app)
    for blueprint in (pages.blueprint, health.blueprint, style.blueprint, account.blueprint):
        app.register_blueprint(blueprint)
    return app
