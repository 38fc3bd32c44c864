"""A rendered project's site for tests/races/test_processes.py: a request can be held in it.

The header `X-Hold: PORT NUMBER` makes a request wait before its call of the store with this number,
from 0 on. It connects to the port, and goes on when the connection is closed.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from flask import Response, request, session

from my_flask_app import create_app
from my_flask_app.auth.identity import current_user
from my_flask_app.security.access import public
from my_flask_app.sessions import current_session

from .stores import watch

PATIENCE = 30  # seconds

app = create_app()
store = watch(app)


def hold() -> None:
    """Wait here, if this is the call before which the request has to wait."""
    port, number = (int(word) for word in request.headers["X-Hold"].split())
    if len(store.calls) == number + 1:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as waiting:
            waiting.recv(1)


def begin() -> None:
    """Count the calls of this request, the only one that the process has."""
    store.calls.clear()
    held = "X-Hold" in request.headers
    store.before = (
        dict.fromkeys(("load", "insert", "update", "take", "touch"), hold) if held else {}
    )


app.before_request_funcs.setdefault(None, []).insert(0, begin)


@app.after_request
def sign(response: Response) -> Response:
    """Tell which process has answered."""
    response.headers["X-Process"] = str(os.getpid())
    return response


@app.get("/read")
@public
def read() -> str:
    """Read the session."""
    return str(session.get("user_id", ""))


@app.post("/write/<name>")
@public
def write(name: str) -> str:
    """Write into it."""
    found = str(session.get("user_id", ""))
    session[name] = "x"
    return found


@app.post("/move")
@public
def move() -> str:
    """Move it to a new token."""
    current_session().rotate()
    return str(session.get("user_id", ""))


@app.get("/who")
@public
def who() -> dict[str, Any]:
    """Tell whose session it is, what it holds, and its name in the list of devices."""
    return {
        "is_signed_in": current_user() is not None,
        "notes": sorted({"mine", "theirs"} & {*session}),
        "public_id": current_session().public_id,
    }
