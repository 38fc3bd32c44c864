"""Sessions that end on the server: a token names each one, and only its digest is stored.

`session` is used as anywhere in Flask. To read how it works, take the files in this order:
`record.py` (what is kept), `protocol.py` (what a store does), `lifetime.py`, `session.py` (what
views see), `saving.py` (how it is written back), `ending.py`, `interface.py` (the cookie's
attributes, and headers), `cookie.py` (what the cookie holds), `store.py`.
"""

from collections.abc import Callable
from typing import cast

from flask import Flask, current_app
from flask import session as flask_session

from .interface import SessionInterface
from .lifetime import Lifetime
from .session import Session, SessionRules
from .store import make_store


def init_app(
    app: Flask, *, epoch_of: Callable[[int], int | None], report: Callable[..., None]
) -> None:
    """Give the application its sessions.

    `epoch_of` returns the present epoch of a user who may sign in; `report` writes audit events.
    """
    app.session_interface = SessionInterface(
        SessionRules(
            store=app.config["SESSION_STORE"] or make_store(app),
            clock=app.config["CLOCK"],
            lifetime=Lifetime(
                idle=app.config["SESSION_IDLE_TIMEOUT"].total_seconds(),
                absolute=app.config["SESSION_LIFETIME"].total_seconds(),
            ),
            max_per_user=app.config["SESSION_MAX_PER_USER"],
            epoch_of=epoch_of,
            report=report,
        )
    )


def session_rules() -> SessionRules:
    """Return the current application's store, clock and limits."""
    return cast("SessionInterface", current_app.session_interface).rules


def current_session() -> Session:
    """Return `flask.session` as what it is, for what a plain dict does not have."""
    return cast("Session", flask_session._get_current_object())  # type: ignore[attr-defined]
