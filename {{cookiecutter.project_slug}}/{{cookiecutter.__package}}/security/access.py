"""Every route is for signed-in users, unless its view says `@public`."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Request
from werkzeug.exceptions import Forbidden

from ..auth.identity import SignInRequired, current_user, is_fresh

P = ParamSpec("P")
R = TypeVar("R")


class ReauthenticationRequired(Forbidden):
    """The sign-in is too long ago for what was asked."""

    description = "Please confirm who you are first."


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Open a view to everybody."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def fresh_sign_in_required(view: Callable[P, R]) -> Callable[P, R]:
    """Ask for the credentials again if the sign-in is older than ten minutes (ASVS 7.5)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not is_fresh():
            raise ReauthenticationRequired
        return view(*args, **kwargs)

    return guarded


def is_public(app: Flask, endpoint: str) -> bool:
    """Tell whether anybody may call the endpoint."""
    view = app.view_functions[endpoint]
    return endpoint == "static" or getattr(view, "is_public", False) is True


def require_sign_in(app: Flask, request: Request) -> None:
    """Guard every route. What has no route is a 404 or 405 to everybody alike."""
    endpoint = request.endpoint
    if endpoint is not None and not is_public(app, endpoint) and current_user() is None:
        raise SignInRequired
