"""A session gets a new token whenever what it is worth changes (session fixation, CWE-384)."""

import pytest
from flask import Flask, flash, session
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.security.access import public

from .style import change_password, is_signed_in, log_in, log_out, reauthenticate, succeeded
from .support import browser, cookies_set, new_token, token_of, use_token


@pytest.fixture(autouse=True)
def planted(app: Flask) -> None:
    """Add views as a developer would write them, who has never heard of rotation."""

    @app.post("/plant")
    @public
    def plant() -> str:
        session["planted"] = "by somebody else"
        return ""

    @app.post("/forgetful-sign-in/<int:user_id>")
    @public
    def forgetful_sign_in(user_id: int) -> str:
        session["user_id"] = user_id
        return ""

    @app.post("/forgetful-sign-out")
    @public
    def forgetful_sign_out() -> str:
        session.pop("user_id", None)
        flash("You are signed out.")
        return ""


@pytest.mark.requirement("R26", "R19")
def test_signing_in_moves_the_session_to_a_new_token(
    app: Flask, client: FlaskClient, user: User
) -> None:
    client.post("/plant")
    before = token_of(client)
    assert succeeded(log_in(client, user.email))
    assert token_of(client) not in (None, before)
    assert not is_signed_in(use_token(browser(app), before))


@pytest.mark.requirement("R26")
def test_a_view_that_only_assigns_the_user_rotates_all_the_same(
    app: Flask, client: FlaskClient, user: User
) -> None:
    client.post("/plant")
    before = token_of(client)
    client.post(f"/forgetful-sign-in/{user.id}")
    assert is_signed_in(client)
    assert token_of(client) != before
    assert not is_signed_in(use_token(browser(app), before))


@pytest.mark.requirement("R27")
def test_assigning_the_same_user_again_rotates(app: Flask, signed_in_client: FlaskClient) -> None:
    before = token_of(signed_in_client)
    with signed_in_client.session_transaction() as values:
        values["user_id"] = values["user_id"]
    assert is_signed_in(signed_in_client)
    assert not is_signed_in(use_token(browser(app), before))


@pytest.mark.requirement("R28")
def test_what_was_planted_before_the_sign_in_is_gone_after_it(
    client: FlaskClient, user: User
) -> None:
    client.post("/plant")
    log_in(client, user.email)
    with client.session_transaction() as values:
        assert values["user_id"] == user.id
        assert "planted" not in values


@pytest.mark.requirement("R26")
def test_signing_out_with_a_message_moves_to_a_new_token(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    before = token_of(signed_in_client)
    response = signed_in_client.post("/forgetful-sign-out")
    assert new_token(response) not in (None, before)
    assert not is_signed_in(signed_in_client)
    assert not is_signed_in(use_token(browser(app), before))
    with signed_in_client.session_transaction() as values:
        assert values["_flashes"] == [("message", "You are signed out.")]


@pytest.mark.requirement("R36", "R15")
def test_signing_out_ends_the_session_on_the_server(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    before = token_of(signed_in_client)
    response = log_out(signed_in_client)
    assert token_of(signed_in_client) is None
    (header,) = cookies_set(response)
    for attribute in ("Max-Age=0", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert attribute in header
    assert not is_signed_in(use_token(browser(app), before))


@pytest.mark.requirement("R30")
def test_signing_in_as_somebody_else_ends_the_first_session(
    app: Flask, signed_in_client: FlaskClient, other_user: User
) -> None:
    before = token_of(signed_in_client)
    assert succeeded(log_in(signed_in_client, other_user.email))
    assert not is_signed_in(use_token(browser(app), before))
    with signed_in_client.session_transaction() as values:
        assert values["user_id"] == other_user.id


@pytest.mark.requirement("R27")
def test_proving_who_one_is_rotates(app: Flask, signed_in_client: FlaskClient) -> None:
    before = token_of(signed_in_client)
    assert succeeded(reauthenticate(signed_in_client))
    assert is_signed_in(signed_in_client)
    assert not is_signed_in(use_token(browser(app), before))


@pytest.mark.requirement("R27", "R39")
def test_changing_the_password_rotates(app: Flask, signed_in_client: FlaskClient) -> None:
    before = token_of(signed_in_client)
    assert succeeded(change_password(signed_in_client, "another long passphrase of mine"))
    assert is_signed_in(signed_in_client)
    assert not is_signed_in(use_token(browser(app), before))
