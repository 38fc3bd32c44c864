"""Errors as problem details (RFC 9457): what the program can do, nothing about the inside."""

from http import HTTPStatus

from flask import Flask, Response, json
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from .bodies import InvalidBody
from .security.access import ReauthenticationRequired


def init_app(app: Flask) -> None:
    """Answer every error with a problem document."""
    app.register_error_handler(ReauthenticationRequired, ask_for_reauthentication)
    app.register_error_handler(InvalidBody, show_faults)
    app.register_error_handler(HTTPException, show_error)


def problem(status: int, detail: str | None, **members: object) -> Response:
    """Return a problem document; `members` are its extension members."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def ask_for_reauthentication(error: ReauthenticationRequired) -> Response:
    """Tell this 403 from others: POST /api/reauthenticate, then ask again."""
    return problem(HTTPStatus.FORBIDDEN, error.description, type="/problems/reauthenticate")


def show_faults(error: InvalidBody) -> Response:
    """Say what is wrong with each field."""
    return problem(HTTPStatus.BAD_REQUEST, error.description, errors=error.errors)


def show_error(error: HTTPException) -> BaseResponse:
    """Return the problem for a status, keeping the headers that belong to it."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    response = problem(error.code, error.description)
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response
