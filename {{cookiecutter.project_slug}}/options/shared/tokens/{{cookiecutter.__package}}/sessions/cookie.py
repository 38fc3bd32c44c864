"""What a session's cookie holds: its token, which is random and says nothing."""

from flask import Flask

from .protocol import Store
from .record import is_token
from .saving import Outcome
from .session import Session


def open_cookie(app: Flask, value: str, store: Store) -> tuple[str | None, Store]:
    """Return the token, or None for what is none, and the store of the session that it names."""
    return (value if is_token(value) else None), store


def value_to_send(app: Flask, session: Session, outcome: Outcome) -> str | None:
    """Return the cookie's new value, or None when the browser's own is right."""
    return session.token if outcome is Outcome.SEND else None
