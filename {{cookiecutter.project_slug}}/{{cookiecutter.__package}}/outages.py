"""What visitors see while a server of ours does not answer."""

from flask import Flask, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import ServiceUnavailable

from .sessions import current_session
from .sessions.interface import RETRY_AFTER
from .sessions.protocol import StoreUnavailable


def init_app(app: Flask) -> None:
    """Answer 503 when the session store or the database fails in a view."""
    # InternalError is what PostgreSQL answers to a write while it is read-only.
    for error in (StoreUnavailable, OperationalError, InternalError, InterfaceError, PoolTimeout):
        app.register_error_handler(error, show_unavailable)


def show_unavailable(error: Exception) -> ResponseReturnValue:
    """Ask to come back. The session is left as it is: its cookie may still be good."""
    current_app.logger.error("a server does not answer", exc_info=error)
    current_session().failed = True
    return current_app.handle_http_exception(ServiceUnavailable(retry_after=RETRY_AFTER))
