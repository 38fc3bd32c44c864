"""Whose session it still is: one number in the user's row ends all of them, on every backend."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask, request, session
from flask.testing import FlaskClient

from my_flask_app.auth.identity import raise_epoch
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security.access import public
from my_flask_app.sessions.interface import SessionInterface
from my_flask_app.sessions.lifetime import Lifetime

from .backend import contents
from .notebook import add_notebook
from .stores import WatchedStore, record_of, store_of
from .style import (
    SIGNED_IN_PAGE,
    change_password,
    is_signed_in,
    log_in,
    reauthenticate,
    revoke_others,
    succeeded,
)
from .support import Clock, Outbox, another_device, browser, cookies_set, token_of, use_token

NOBODY = 4_000_000


@pytest.fixture(autouse=True)
def _notebook(app: Flask) -> None:
    add_notebook(app)


def flask(app: Flask, *command: str) -> None:
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 0, result.output


def raise_epoch_of(app: Flask, user: User) -> None:
    """Raise the epoch and leave the records: the epoch alone has to be enough."""
    with app.app_context():
        found = db.session.get(User, user.id)
        assert found
        raise_epoch(found)


def test_an_unknown_user_is_not_stored(app: Flask, client: FlaskClient) -> None:
    assert cookies_set(client.post(f"/enter/{NOBODY}")) == []
    assert contents(store_of(app)) == ""


@pytest.mark.requirement("R38")
def test_a_disabled_user_is_not_stored(app: Flask, client: FlaskClient, user: User) -> None:
    flask(app, "users", "disable", user.email)
    assert cookies_set(client.post(f"/enter/{user.id}")) == []
    assert contents(store_of(app)) == ""


@pytest.mark.requirement("R38")
def test_a_disabled_user_does_not_inherit_an_anonymous_session(
    app: Flask, client: FlaskClient, user: User
) -> None:
    client.post("/note/cart/tea")
    flask(app, "users", "disable", user.email)
    client.post(f"/enter/{user.id}")
    assert token_of(client) is None
    assert contents(store_of(app)) == ""


@pytest.mark.requirement("R28", "R38")
def test_an_epoch_that_was_written_before_the_user_does_not_count(
    app: Flask, client: FlaskClient, user: User
) -> None:
    @app.post("/mass-assignment")
    @public
    def mass_assignment() -> str:
        session.update({"session_epoch": user.session_epoch + 1, "user_id": user.id})
        return ""

    flask(app, "users", "disable", user.email)
    client.post("/mass-assignment")
    assert contents(store_of(app)) == ""


@pytest.mark.requirement("R38", "R39", "R40")
def test_a_raised_epoch_alone_ends_every_session(
    app: Flask, signed_in_client: FlaskClient, desk: FlaskClient, user: User
) -> None:
    raise_epoch_of(app, user)
    assert len(store_of(app).for_user(user.id)) == 2
    assert not is_signed_in(signed_in_client)
    assert not is_signed_in(desk)


def test_a_session_of_an_old_epoch_is_left_alone(
    app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore, user: User, clock: Clock
) -> None:
    raise_epoch_of(app, user)
    token = token_of(signed_in_client)
    clock.advance(seconds=30)
    response = signed_in_client.get(SIGNED_IN_PAGE)
    assert response.status_code in (303, 401)
    assert cookies_set(response) == []
    assert token_of(signed_in_client) == token
    assert watched_store.calls == ["load"]


@pytest.mark.requirement("R38")
def test_a_user_who_was_disabled_by_hand_is_out(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    assert is_signed_in(signed_in_client)
    with app.app_context():
        db.session.execute(sa.update(User).where(User.id == user.id).values(disabled=True))
        db.session.commit()
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R38")
def test_disabling_ends_every_session_and_enabling_revives_none(
    app: Flask, signed_in_client: FlaskClient, desk: FlaskClient, user: User
) -> None:
    flask(app, "users", "disable", user.email)
    assert not is_signed_in(signed_in_client)
    assert not is_signed_in(desk)
    flask(app, "users", "enable", user.email)
    assert not is_signed_in(signed_in_client)
    assert succeeded(log_in(signed_in_client, user.email))
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R39")
def test_a_change_of_password_ends_the_other_sessions(
    app: Flask, signed_in_client: FlaskClient, desk: FlaskClient
) -> None:
    before = token_of(signed_in_client)
    assert succeeded(change_password(signed_in_client, "another long passphrase of mine"))
    assert is_signed_in(signed_in_client)
    assert token_of(signed_in_client) != before
    assert not is_signed_in(desk)
    assert not is_signed_in(use_token(browser(app), before))


@pytest.mark.requirement("R39", "R40")
def test_signing_out_the_others_moves_ones_own_session(
    app: Flask, signed_in_client: FlaskClient, desk: FlaskClient, other_user: User
) -> None:
    stranger = another_device(app, other_user)
    before = token_of(signed_in_client)
    revoke_others(signed_in_client)
    assert is_signed_in(signed_in_client)
    assert not is_signed_in(desk)
    assert not is_signed_in(use_token(browser(app), before))
    assert is_signed_in(stranger)


@pytest.mark.requirement("R40")
def test_everybody_can_be_signed_out_at_once(
    app: Flask, signed_in_client: FlaskClient, other_user: User
) -> None:
    stranger = another_device(app, other_user)
    flask(app, "sessions", "revoke", "--all")
    assert not is_signed_in(signed_in_client)
    assert not is_signed_in(stranger)


@pytest.mark.requirement("R40")
def test_one_session_too_many_ends_the_oldest(
    app: Flask, client: FlaskClient, user: User, other_user: User, clock: Clock
) -> None:
    interface = app.session_interface
    assert isinstance(interface, SessionInterface)
    interface.rules = replace(interface.rules, max_per_user=3)
    stranger = another_device(app, other_user)
    devices = []
    for _ in range(3):
        devices.append(another_device(app, user))
        clock.advance(minutes=1)
    assert all(is_signed_in(device) for device in devices)
    reauthenticate(devices[0])  # used last, and moved, but the oldest all the same
    assert succeeded(log_in(client, user.email))
    assert [is_signed_in(device) for device in devices] == [False, True, True]
    assert is_signed_in(client)
    assert is_signed_in(stranger)


@pytest.mark.requirement("R40")
def test_sessions_that_ended_do_not_count(
    app: Flask, client: FlaskClient, user: User, clock: Clock
) -> None:
    interface = app.session_interface
    assert isinstance(interface, SessionInterface)
    interface.rules = replace(
        interface.rules, max_per_user=2, lifetime=Lifetime(idle=3600.0, absolute=86_400.0)
    )
    phone = another_device(app, user)
    clock.advance(minutes=1)
    forgotten = another_device(app, user)
    for _ in range(2):
        clock.advance(seconds=interface.rules.lifetime.idle / 2 + 1)
        assert is_signed_in(phone)
    assert succeeded(log_in(client, user.email))
    assert not is_signed_in(forgotten)
    assert is_signed_in(phone)
    assert is_signed_in(client)


@pytest.mark.requirement("R40")
def test_moving_a_session_does_not_make_it_a_new_device(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    before = record_of(app, signed_in_client)
    reauthenticate(signed_in_client)
    (after,) = store_of(app).for_user(user.id)
    assert before
    assert after.key != before.key
    assert (after.public_id, after.created_at) == (before.public_id, before.created_at)


@pytest.mark.requirement("R26", "R40")
def test_a_new_sign_in_is_a_new_device(
    app: Flask, signed_in_client: FlaskClient, user: User, clock: Clock
) -> None:
    before = record_of(app, signed_in_client)
    clock.advance(minutes=1)
    log_in(signed_in_client, user.email)
    (after,) = store_of(app).for_user(user.id)
    assert before
    assert after.public_id != before.public_id
    assert after.created_at == clock.now


@pytest.mark.requirement("R38", "R40")
def test_who_was_signed_out_a_moment_ago_does_not_come_along_into_a_new_epoch(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    @app.before_request
    def everybody_is_signed_out_after_the_guard_let_this_request_in() -> None:
        if request.method in ("POST", "DELETE"):
            flask_out(app, user)

    assert not succeeded(revoke_others(signed_in_client))
    assert not is_signed_in(signed_in_client)


def flask_out(app: Flask, user: User) -> None:
    with db.engine.begin() as connection:
        raised = {"session_epoch": User.session_epoch + 1}
        connection.execute(sa.update(User).where(User.id == user.id).values(raised))


@pytest.mark.requirement("R39", "R54")
def test_a_changed_password_is_told_though_the_store_fails(
    watched_store: WatchedStore, signed_in_client: FlaskClient, outbox: Outbox
) -> None:
    watched_store.failing.add("for_user")
    assert change_password(signed_in_client, "another long passphrase of mine").status_code == 503
    assert [mail["subject"] for mail in outbox.mails()] == ["Your password was changed"]
