"""What the tests have to know of a session's cookie: it is signed, and carries the data."""

import warnings

from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.sessions.record import encode
from my_flask_app.sessions.signing import sign, verify

from .stores import token_in
from .support import token_of, use_token

OWN_TESTS = {"test_session_signed_cookie.py"}  # which not every kind of cookie has
# Hence two tabs overwrite each other's data, and an older cookie of a session shows older data.
STORE_HAS_THE_DATA = False
CALLS_OF_A_SIGN_IN = ["insert", "for_user"]  # over a session of nobody, which has no row


def cookie_for(app: Flask, token: str) -> str:
    """Return the cookie that a user's session with this token would have."""
    return sign(app, token, encode({"user_id": 1, "session_epoch": 1}))


def plant(app: Flask, client: FlaskClient, data: str) -> None:
    """Put other data into the client's session, as nobody does who has not our key."""
    before = verify(app, token_of(client) or "")
    times = "" if before.startswith("{") else before.partition("{")[0]
    planted = sign(app, token_in(client), times + data)
    with warnings.catch_warnings(action="ignore"):  # of Werkzeug, that browsers keep no such cookie
        use_token(client, planted)
