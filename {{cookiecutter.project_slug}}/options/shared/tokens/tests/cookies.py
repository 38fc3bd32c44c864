"""What the tests have to know of a session's cookie: it is the token and nothing else."""

from flask import Flask
from flask.testing import FlaskClient

from .backend import overwrite
from .stores import key_in, store_of

OWN_TESTS = {"test_session_data.py"}  # which not every kind of cookie has
STORE_HAS_THE_DATA = True
CALLS_OF_A_SIGN_IN = ["load", "insert", "take", "for_user"]  # over a session of nobody


def cookie_for(app: Flask, token: str) -> str:
    """Return the cookie that a user's session with this token would have."""
    return token


def plant(app: Flask, client: FlaskClient, data: str) -> None:
    """Put other data into the client's session, as nobody does who uses its methods."""
    overwrite(store_of(app), key_in(client), data=data)
