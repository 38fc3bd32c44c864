"""Error pages: they say what the visitor can do, and nothing about the inside."""

from http import HTTPStatus

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from .auth.identity import SignInRequired
from .security.access import ReauthenticationRequired


def init_app(app: Flask) -> None:
    """Answer every error with a page of our own."""
    app.register_error_handler(SignInRequired, send_to_sign_in)
    app.register_error_handler(ReauthenticationRequired, send_to_reauthentication)
    app.register_error_handler(HTTPException, show_error)


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


def _wanted(fallback: str) -> str:
    """Return the address that was asked for; a POST cannot be repeated by a redirect."""
    if request.method != "GET":
        return url_for(fallback)
    return request.full_path.rstrip("?")
