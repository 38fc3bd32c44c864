"""Every route is for signed-in users, unless it says that it is not."""

import secrets

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.account.devices import devices_of
from my_flask_app.auth.identity import current_user
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security.access import (
    fresh_sign_in_required,
    public,
)

from .routes import routes_of
from .style import (
    PUBLIC,
    SIGNED_IN_PAGE,
    asks_for_credentials,
    asks_to_sign_in,
    change_password,
    is_signed_in,
    log_in,
    log_out,
    reauthenticate,
    register,
    revoke,
    revoke_others,
    succeeded,
    was_registered,
)
from .support import COOKIE, PASSWORD, Clock, browser, cookies_set, token_of

NEW_PASSWORD = "another long passphrase of mine"


def test_every_route_needs_a_signed_in_user_unless_it_is_listed_as_public(
    app: Flask, client: FlaskClient
) -> None:
    routes = routes_of(app)
    closed = {
        str(route)
        for route in routes
        if asks_to_sign_in(client.open(route.path, method=route.method))
        # A page that nobody has to sign in for may well answer with such a redirect.
        and str(route) not in PUBLIC
    }
    assert {str(route) for route in routes} - closed == PUBLIC


def test_a_new_view_is_closed_without_another_word(app: Flask, client: FlaskClient) -> None:
    @app.route("/secret-plans", methods=["GET", "POST"])
    def secret_plans() -> str:
        return "the plans"

    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        response = client.open("/secret-plans", method=method)
        assert asks_to_sign_in(response)
        assert b"the plans" not in response.data


def test_a_public_view_is_open(app: Flask, client: FlaskClient) -> None:
    @app.get("/open")
    @public
    def open_to_all() -> str:
        return "come in"

    assert client.get("/open").text == "come in"


def test_a_page_that_does_not_exist_is_the_same_for_everybody(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    stranger = browser(app).get("/no-such-page")
    assert stranger.status_code == 404
    assert stranger.data == signed_in_client.get("/no-such-page").data


@pytest.mark.requirement("R38")
def test_a_user_who_is_gone_is_nobody(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    assert is_signed_in(signed_in_client)
    with app.app_context():
        db.session.delete(db.session.get_one(User, user.id))
        db.session.commit()
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R38")
def test_a_disabled_user_is_nobody_at_the_next_request(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    with app.app_context():
        # In the row alone: neither the epoch nor the store helps.
        db.session.get_one(User, user.id).disabled = True
        db.session.commit()
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R39")
def test_a_raised_epoch_ends_the_session_whatever_the_store_holds(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    with app.app_context():
        db.session.get_one(User, user.id).session_epoch += 1
        db.session.commit()
    response = signed_in_client.get(SIGNED_IN_PAGE)
    assert asks_to_sign_in(response)
    assert cookies_set(response) == []


@pytest.mark.requirement("R17")
def test_the_token_counts_in_the_cookie_only(app: Flask, signed_in_client: FlaskClient) -> None:
    token = token_of(signed_in_client) or ""
    stranger = browser(app)
    headers = {"Authorization": f"Bearer {token}", "X-Session-Id": token, COOKIE: token}
    for name in ("session", "sid", COOKIE):
        address = f"{SIGNED_IN_PAGE}?{name}={token}"
        assert asks_to_sign_in(stranger.get(address, headers=headers))
    assert stranger.get(f"{SIGNED_IN_PAGE};jsessionid={token}").status_code == 404


@pytest.mark.requirement("R28")
def test_making_an_account_does_not_sign_in(client: FlaskClient) -> None:
    response = register(client, "new@example.org")
    assert was_registered(response)
    assert cookies_set(response) == []
    assert not is_signed_in(client)


@pytest.mark.requirement("R28")
def test_a_failed_sign_in_leaves_nothing_behind(client: FlaskClient, user: User) -> None:
    response = log_in(client, user.email, "not the password of ada")
    assert response.status_code == 401
    assert cookies_set(response) == []
    assert not is_signed_in(client)


@pytest.mark.requirement("R28")
def test_an_anonymous_session_never_becomes_somebody(
    app: Flask, client: FlaskClient, user: User
) -> None:
    with client.session_transaction() as session:
        session["_user_id"] = user.id
        session["user"] = user.email
        session["session_epoch"] = user.session_epoch
        session["reauthenticated_at"] = 2e9
    assert not is_signed_in(client)


def test_whoever_is_signed_in_is_known_to_a_public_view_too(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    @app.get("/who")
    @public
    def who() -> str:
        somebody = current_user()
        return somebody.email if somebody else "nobody"

    assert signed_in_client.get("/who").text == user.email
    assert browser(app).get("/who").text == "nobody"


@pytest.mark.requirement("R44")
def test_a_sensitive_change_needs_a_fresh_sign_in(
    app: Flask, signed_in_client: FlaskClient, user: User, clock: Clock
) -> None:
    clock.advance(minutes=11)
    assert asks_for_credentials(change_password(signed_in_client, NEW_PASSWORD))
    assert asks_for_credentials(revoke_others(signed_in_client))
    assert asks_for_credentials(revoke(signed_in_client, "x"))
    assert succeeded(log_in(browser(app), user.email))  # the password is what it was


@pytest.mark.requirement("R44")
def test_a_sign_in_is_fresh_for_ten_minutes(signed_in_client: FlaskClient, clock: Clock) -> None:
    clock.advance(minutes=10, seconds=-1)
    assert succeeded(revoke_others(signed_in_client))
    clock.advance(seconds=1)
    assert asks_for_credentials(revoke_others(signed_in_client))


@pytest.mark.requirement("R44")
def test_proving_who_one_is_makes_the_sign_in_fresh_again(
    signed_in_client: FlaskClient, clock: Clock
) -> None:
    clock.advance(minutes=11)
    assert succeeded(reauthenticate(signed_in_client))
    assert succeeded(revoke_others(signed_in_client))
    clock.advance(minutes=10)
    assert asks_for_credentials(revoke_others(signed_in_client))


@pytest.mark.requirement("R44")
def test_proving_it_with_a_wrong_password_changes_nothing(
    signed_in_client: FlaskClient, clock: Clock
) -> None:
    clock.advance(minutes=11)
    assert reauthenticate(signed_in_client, "not the password of ada").status_code == 401
    assert asks_for_credentials(revoke_others(signed_in_client))
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R44")
def test_a_view_of_ones_own_can_ask_for_a_fresh_sign_in(
    app: Flask, signed_in_client: FlaskClient, clock: Clock
) -> None:
    @app.get("/vault")
    @fresh_sign_in_required
    def vault() -> str:
        return "gold"

    assert signed_in_client.get("/vault").text == "gold"
    clock.advance(minutes=10)
    assert asks_for_credentials(signed_in_client.get("/vault"))
    assert asks_to_sign_in(browser(app).get("/vault"))


@pytest.mark.requirement("R49")
def test_looking_changes_nothing(app: Flask, signed_in_client: FlaskClient) -> None:
    before = token_of(signed_in_client)
    for route in routes_of(app):
        for method in ("GET", "HEAD", "OPTIONS"):
            assert cookies_set(signed_in_client.open(route.path, method=method)) == [], route
    assert token_of(signed_in_client) == before
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R49")
def test_what_changes_something_has_no_safe_method(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    routes = routes_of(app)
    readable = {route.path for route in routes if route.is_safe}
    for path in {route.path for route in routes} - readable:
        assert signed_in_client.get(path).status_code == 405, path
        assert signed_in_client.head(path).status_code == 405, path


@pytest.mark.requirement("R41", "R69")
def test_signing_out_clears_what_pages_have_stored(signed_in_client: FlaskClient) -> None:
    response = log_out(signed_in_client)
    assert response.headers["Clear-Site-Data"] == '"storage"'
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("R40", "R39")
def test_signing_out_everywhere_else_leaves_this_device_alone(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    phone = browser(app)
    log_in(phone, user.email)
    assert succeeded(revoke_others(signed_in_client))
    assert is_signed_in(signed_in_client)
    assert not is_signed_in(phone)


@pytest.mark.requirement("R40")
def test_nobody_can_sign_somebody_elses_device_out(
    app: Flask, signed_in_client: FlaskClient, other_user: User
) -> None:
    other = browser(app)
    with other.session_transaction() as session:
        session["user_id"] = other_user.id
    with app.app_context():
        (device,) = devices_of(other_user)
    assert revoke(signed_in_client, device.id).status_code == 404
    assert is_signed_in(other)


@pytest.mark.requirement("R04")
def test_a_new_key_beside_the_old_one_signs_nobody_out(app: Flask, user: User) -> None:
    client = browser(app)
    log_in(client, user.email)
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    assert is_signed_in(client)


@pytest.mark.requirement("R08")
@pytest.mark.parametrize("name", ["admin", "root", "test", "user", "admin@localhost"])
def test_no_default_account_lets_anybody_in(app: Flask, name: str) -> None:
    for password in (name, "admin", "password", "changeme", PASSWORD):
        assert log_in(browser(app), name, password).status_code in (400, 401, 429)
