"""What every request passes before it reaches a view."""

from flask import Flask, Request, request
from flask.typing import ResponseReturnValue

from .access import require_sign_in
from .csrf import require_same_origin
from .hosts import check_host, require_https

# In this order; the first one that answers or raises is the last one.
GUARDS = (check_host, require_https, require_same_origin, require_sign_in)


def init_app(app: Flask) -> None:
    """Have the guards look at every request, on every route."""

    # One function for all, with the request itself at hand: Flask's own loop and its proxies would
    # take longer than what they are there for.
    @app.before_request
    def pass_guards() -> ResponseReturnValue | None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        for guard in GUARDS:
            answer = guard(app, asked)
            if answer is not None:
                return answer
        return None
