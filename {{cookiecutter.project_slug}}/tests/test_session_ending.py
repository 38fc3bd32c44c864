"""A session that is ended stays ended, even if another request is just moving it (CWE-362)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User

from .notebook import add_notebook
from .stores import store_of
from .style import is_signed_in, log_in, log_out, reauthenticate, revoke
from .support import Clock, Pause, browser, cookies_set, new_token, token_of, use_token


@pytest.fixture
def pause_before(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Pause]:
    """Make the first call of a method of the store wait."""

    def pause_before(method: str) -> Pause:
        pause = Pause()
        store = store_of(app)
        original = getattr(store, method)

        def slow(*args: Any) -> Any:
            if not pause.reached.is_set():
                pause()
            return original(*args)

        monkeypatch.setattr(store, method, slow)
        return pause

    return pause_before


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("method", ["insert", "update"])
def test_a_sign_out_ends_the_session_that_is_being_moved(
    app: Flask, signed_in_client: FlaskClient, pause_before: Callable[[str], Pause], method: str
) -> None:
    pause = pause_before(method)
    other_tab = use_token(browser(app), token_of(signed_in_client))
    moved, _ = pause.during(lambda: reauthenticate(signed_in_client), lambda: log_out(other_tab))
    assert cookies_set(moved) == []
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R37")
def test_a_sign_out_finds_the_session_that_was_moved_while_it_waited(
    app: Flask, signed_in_client: FlaskClient, user: User, pause_before: Callable[[str], Pause]
) -> None:
    pause = pause_before("delete")
    other_tab = use_token(browser(app), token_of(signed_in_client))
    _, moved = pause.during(lambda: log_out(other_tab), lambda: reauthenticate(signed_in_client))
    assert new_token(moved) is not None
    assert not is_signed_in(signed_in_client)
    assert store_of(app).for_user(user.id) == []


@pytest.mark.requirement("R37", "R40")
def test_a_device_that_is_just_moved_can_be_revoked(
    app: Flask, signed_in_client: FlaskClient, user: User, pause_before: Callable[[str], Pause]
) -> None:
    (device,) = store_of(app).for_user(user.id)
    desk = browser(app)
    with desk.session_transaction() as session:
        session["user_id"] = user.id
    pause = pause_before("update")
    moved, _ = pause.during(
        lambda: reauthenticate(signed_in_client), lambda: revoke(desk, device.public_id)
    )
    assert cookies_set(moved) == []
    assert not is_signed_in(signed_in_client)
    assert is_signed_in(desk)


def test_of_two_sign_ins_at_once_the_later_one_stays(
    app: Flask, client: FlaskClient, user: User, pause_before: Callable[[str], Pause], clock: Clock
) -> None:
    rules = app.session_interface.rules  # type: ignore[attr-defined]
    app.session_interface.rules = replace(rules, max_per_user=1)  # type: ignore[attr-defined]
    later = browser(app)
    pause = pause_before("for_user")

    def sign_in_later() -> None:
        clock.advance(seconds=1)
        log_in(later, user.email)

    pause.during(lambda: log_in(client, user.email), sign_in_later)
    assert is_signed_in(later)
    assert not is_signed_in(client)


def test_a_sign_in_that_is_stored_late_does_not_stay_above_the_maximum(
    app: Flask, client: FlaskClient, user: User, pause_before: Callable[[str], Pause], clock: Clock
) -> None:
    rules = app.session_interface.rules  # type: ignore[attr-defined]
    app.session_interface.rules = replace(rules, max_per_user=1)  # type: ignore[attr-defined]
    later = browser(app)
    pause = pause_before("insert")

    def sign_in_later() -> None:
        clock.advance(seconds=1)
        log_in(later, user.email)

    slow, _ = pause.during(lambda: log_in(client, user.email), sign_in_later)
    assert cookies_set(slow) == []
    assert is_signed_in(later)
    assert len(store_of(app).for_user(user.id)) == 1


@pytest.mark.requirement("R37")
def test_a_sign_out_sent_before_the_new_cookie_arrived_ends_the_moved_session(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    other_tab = use_token(browser(app), token_of(signed_in_client))
    reauthenticate(signed_in_client)
    log_out(other_tab)
    assert not is_signed_in(signed_in_client)
    assert store_of(app).for_user(user.id) == []


@pytest.mark.requirement("R27", "R36")
def test_what_a_move_leaves_behind_opens_nothing(app: Flask, signed_in_client: FlaskClient) -> None:
    other_tab = use_token(browser(app), token_of(signed_in_client))
    reauthenticate(signed_in_client)
    with other_tab.session_transaction() as session:
        assert dict(session) == {}
    assert not is_signed_in(other_tab)
    assert is_signed_in(signed_in_client)


def test_an_old_token_ends_nothing_when_its_minute_is_over(
    app: Flask, signed_in_client: FlaskClient, clock: Clock
) -> None:
    other_tab = use_token(browser(app), token_of(signed_in_client))
    reauthenticate(signed_in_client)
    clock.advance(seconds=61)
    log_out(other_tab)
    assert is_signed_in(signed_in_client)


def test_a_late_request_does_not_overwrite_the_cookie_of_a_move(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    add_notebook(app)
    late = use_token(browser(app), token_of(signed_in_client))
    reauthenticate(signed_in_client)
    response = late.post("/note/page/late")
    assert response.status_code == 200
    assert cookies_set(response) == []


def test_an_old_token_is_not_reported_as_damage(
    app: Flask, signed_in_client: FlaskClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    other_tab = use_token(browser(app), token_of(signed_in_client))
    reauthenticate(signed_in_client)
    clock.advance(seconds=61)
    assert not is_signed_in(other_tab)
    assert "reauthenticated" in caplog.messages
    assert "session_unreadable" not in caplog.messages
