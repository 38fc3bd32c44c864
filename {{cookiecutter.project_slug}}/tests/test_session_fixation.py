"""Whichever way a developer signs somebody in: the token from before is dead (CWE-384)."""

from collections.abc import Callable

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.security.access import public
from my_flask_app.sessions import current_session

from .cookies import STORE_HAS_THE_DATA
from .notebook import add_notebook
from .style import is_signed_in
from .support import browser, new_token, token_of, use_token


def assign(user_id: int) -> None:
    session["user_id"] = user_id


def assign_and_rotate(user_id: int) -> None:
    session["user_id"] = user_id
    current_session().rotate()


def clear_and_assign(user_id: int) -> None:
    session.clear()
    session["user_id"] = user_id


def clear_and_rotate(user_id: int) -> None:
    session.clear()
    current_session().rotate()
    session["user_id"] = user_id


def rotate_and_assign(user_id: int) -> None:
    current_session().rotate()
    session["user_id"] = user_id


def update(user_id: int) -> None:
    session.update({"user_id": user_id})


def set_default(user_id: int) -> None:
    session.setdefault("user_id", user_id)


def say_that_nothing_changed(user_id: int) -> None:
    session["user_id"] = user_id
    session.modified = False


@pytest.mark.requirement("R26", "R28")
@pytest.mark.parametrize(
    "way",
    [
        assign,
        assign_and_rotate,
        clear_and_assign,
        clear_and_rotate,
        rotate_and_assign,
        update,
        set_default,
        say_that_nothing_changed,
    ],
)
def test_fixation_fails_however_the_view_signs_in(
    app: Flask, client: FlaskClient, user: User, way: Callable[[int], None]
) -> None:
    add_notebook(app)

    @app.post("/home-made-sign-in")
    @public
    def home_made_sign_in() -> str:
        way(user.id)
        return ""

    client.post("/note/planted/evil")
    planted = token_of(client)
    response = client.post("/home-made-sign-in")
    assert new_token(response) not in (None, planted)
    assert is_signed_in(client)
    assert client.get("/note/planted").text == ""
    assert planted
    attacker = use_token(browser(app), planted)
    assert not is_signed_in(attacker)
    # A cookie that carries its data shows it until its hour is over, to whoever has kept it.
    assert attacker.get("/note/planted").text == ("" if STORE_HAS_THE_DATA else "evil")


@pytest.mark.requirement("R26")
def test_session_transaction_rotates_as_well(app: Flask, client: FlaskClient, user: User) -> None:
    with client.session_transaction() as values:
        values["planted"] = "evil"
    planted = token_of(client)
    with client.session_transaction() as values:
        values["user_id"] = user.id
    assert is_signed_in(client)
    with client.session_transaction() as values:
        assert "planted" not in values
    assert planted
    assert token_of(client) != planted
    assert not is_signed_in(use_token(browser(app), planted))


@pytest.mark.requirement("R28")
def test_an_epoch_that_was_planted_does_not_sign_in(
    app: Flask, client: FlaskClient, user: User
) -> None:
    with client.session_transaction() as values:
        values["session_epoch"] = user.session_epoch
        values["email"] = user.email
    assert token_of(client)
    assert not is_signed_in(client)
