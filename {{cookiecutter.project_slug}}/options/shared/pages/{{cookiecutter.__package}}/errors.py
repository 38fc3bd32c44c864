"""Error pages: they say what the visitor can do, and nothing about the inside."""

from http import HTTPStatus

from flask import Flask, current_app, redirect, render_template, request, url_for
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response

from .security.access import ReauthenticationRequired, SignInRequired
from .sessions import current_session
from .sessions.interface import RETRY_AFTER
from .sessions.protocol import StoreUnavailable


def init_app(app: Flask) -> None:
    """Answer every error with a page of our own."""
    app.register_error_handler(SignInRequired, send_to_sign_in)
    app.register_error_handler(ReauthenticationRequired, send_to_reauthentication)
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(Exception, show_failure)
    for error in (StoreUnavailable, OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(error, show_unavailable)


def send_to_sign_in(_: SignInRequired) -> Response:
    """Ask who it is, and remember where they wanted to go."""
    return redirect(url_for("auth.login", next=_wanted("pages.home")), 303)


def send_to_reauthentication(_: ReauthenticationRequired) -> Response:
    """Ask for the password again, then go on."""
    return redirect(url_for("auth.reauthenticate", next=_wanted("account.sessions")), 303)


def show_error(error: HTTPException) -> Response:
    """Return the page for a status, keeping the headers that belong to it."""
    response = error.get_response()
    if error.code is not None and error.code >= HTTPStatus.BAD_REQUEST:
        response.set_data(render_template("error.html", error=error))
        response.content_type = "text/html; charset=utf-8"
    return response


def show_failure(error: Exception) -> Response:
    """Log what happened, and say only that it did."""
    current_app.logger.error("unhandled exception", exc_info=error)
    return show_error(InternalServerError())


def show_unavailable(error: Exception) -> Response:
    """Say that a server of ours does not answer. The cookie is left alone: it may still be good."""
    current_app.logger.error("a server does not answer: %s", type(error).__name__)
    current_session().failed = True
    return show_error(ServiceUnavailable(retry_after=RETRY_AFTER))


def _wanted(fallback: str) -> str:
    """Return the address that was asked for; a POST cannot be repeated by a redirect."""
    if request.method != "GET":
        return url_for(fallback)
    return request.full_path.rstrip("?")
