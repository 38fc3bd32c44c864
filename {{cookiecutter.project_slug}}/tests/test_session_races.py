"""Two requests of one session at once: no write is undone, no sign-out survived (CWE-362)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest
from flask import Flask, flash, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_flask_app.auth.identity import sign_in
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security.access import public

from .notebook import add_notebook
from .stores import WatchedStore, key_in, record_of, store_of
from .style import change_password, is_signed_in, log_out, reauthenticate, revoke
from .support import PATIENCE, Clock, Pause, browser, cookies_set, new_token, token_of, use_token

AT_ONCE = 6


@pytest.fixture(autouse=True)
def _notebook(app: Flask, pause: Pause) -> None:
    add_notebook(app, pause)


@pytest.fixture
def other_tab(app: Flask, signed_in_client: FlaskClient) -> FlaskClient:
    """A second tab of the same browser."""
    return use_token(browser(app), token_of(signed_in_client))


def test_the_last_write_to_one_key_wins(
    signed_in_client: FlaskClient, other_tab: FlaskClient, pause: Pause
) -> None:
    pause.during(
        lambda: signed_in_client.post("/slow/note/note/slow"),
        lambda: other_tab.post("/note/note/quick"),
    )
    assert signed_in_client.get("/note/note").text == "slow"


@pytest.mark.parametrize("minutes", [0, 10])
def test_a_slow_reader_does_not_revert_a_write(
    signed_in_client: FlaskClient,
    other_tab: FlaskClient,
    clock: Clock,
    pause: Pause,
    minutes: int,
) -> None:
    clock.advance(minutes=minutes)
    answer, _ = pause.during(
        lambda: signed_in_client.get("/slow/read"), lambda: other_tab.post("/note/note/new")
    )
    assert cookies_set(answer) == []
    assert other_tab.get("/note/note").text == "new"


@pytest.mark.requirement("R37")
def test_a_write_to_a_session_that_moved_sends_no_cookie(
    signed_in_client: FlaskClient, other_tab: FlaskClient, pause: Pause
) -> None:
    slow, moved = pause.during(
        lambda: other_tab.post("/slow/note/late/x"), lambda: reauthenticate(signed_in_client)
    )
    assert new_token(moved)
    assert cookies_set(slow) == []
    assert is_signed_in(signed_in_client)
    assert signed_in_client.get("/note/late").text == ""


def a_slow_reader(client: FlaskClient) -> TestResponse:
    return client.get("/slow/read")


def a_slow_writer(client: FlaskClient) -> TestResponse:
    return client.post("/slow/note/late/x")


def a_slow_move(client: FlaskClient) -> TestResponse:
    return client.post("/slow/rotate")


SLOW = pytest.mark.parametrize("slow", [a_slow_reader, a_slow_writer, a_slow_move])


@SLOW
@pytest.mark.requirement("R36", "R37")
@pytest.mark.parametrize("minutes", [0, 10])
def test_a_sign_out_survives(
    app: Flask,
    signed_in_client: FlaskClient,
    other_tab: FlaskClient,
    user: User,
    clock: Clock,
    pause: Pause,
    slow: Callable[[FlaskClient], TestResponse],
    minutes: int,
) -> None:
    clock.advance(minutes=minutes)
    answer, _ = pause.during(lambda: slow(signed_in_client), lambda: log_out(other_tab))
    assert answer.status_code == 200
    assert cookies_set(answer) == []
    assert not is_signed_in(signed_in_client)
    assert store_of(app).for_user(user.id) == []


@SLOW
@pytest.mark.requirement("R37", "R40")
def test_a_revocation_survives(
    app: Flask,
    signed_in_client: FlaskClient,
    desk: FlaskClient,
    pause: Pause,
    slow: Callable[[FlaskClient], TestResponse],
) -> None:
    record = record_of(app, signed_in_client)
    assert record
    answer, _ = pause.during(lambda: slow(signed_in_client), lambda: revoke(desk, record.public_id))
    assert cookies_set(answer) == []
    assert not is_signed_in(signed_in_client)
    assert is_signed_in(desk)


@SLOW
@pytest.mark.requirement("R37", "R39")
def test_a_change_of_password_survives(
    signed_in_client: FlaskClient,
    desk: FlaskClient,
    pause: Pause,
    slow: Callable[[FlaskClient], TestResponse],
) -> None:
    answer, _ = pause.during(
        lambda: slow(signed_in_client),
        lambda: change_password(desk, "another long passphrase of mine"),
    )
    assert cookies_set(answer) == []
    assert not is_signed_in(signed_in_client)
    assert is_signed_in(desk)


@SLOW
@pytest.mark.requirement("R37", "R38")
def test_a_disabled_user_stays_out(
    app: Flask,
    signed_in_client: FlaskClient,
    user: User,
    pause: Pause,
    slow: Callable[[FlaskClient], TestResponse],
) -> None:
    disable = ["users", "disable", user.email]
    answer, result = pause.during(
        lambda: slow(signed_in_client), lambda: app.test_cli_runner().invoke(args=disable)
    )
    assert result.exit_code == 0
    assert cookies_set(answer) == []
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R37")
def test_a_slow_sign_in_of_a_user_who_is_disabled_meanwhile_lets_nobody_in(
    app: Flask, client: FlaskClient, user: User, pause: Pause
) -> None:
    @app.post("/slow/enter")
    @public
    def slow_enter() -> str:
        session["user_id"] = user.id
        pause()
        return ""

    disable = ["users", "disable", user.email]
    answer, _ = pause.during(
        lambda: client.post("/slow/enter"), lambda: app.test_cli_runner().invoke(args=disable)
    )
    assert cookies_set(answer) == []
    assert not is_signed_in(client)
    assert store_of(app).for_user(user.id) == []


@pytest.mark.requirement("R37", "R39")
def test_a_slow_sign_in_with_the_old_password_is_dead_once_it_is_changed(
    app: Flask, client: FlaskClient, desk: FlaskClient, user: User, pause: Pause
) -> None:
    @app.post("/slow/sign-in")
    @public
    def slow_sign_in() -> str:
        verified = db.session.get(User, user.id)
        assert verified
        sign_in(verified)
        pause()
        return ""

    pause.during(
        lambda: client.post("/slow/sign-in"),
        lambda: change_password(desk, "another long passphrase of mine"),
    )
    assert not is_signed_in(client)
    assert is_signed_in(desk)


@pytest.mark.requirement("R37", "R70")
def test_what_a_sign_out_overtook_is_not_logged_as_done(
    signed_in_client: FlaskClient,
    other_tab: FlaskClient,
    watched_store: WatchedStore,
    pause: Pause,
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched_store.before["insert"] = pause
    answer, _ = pause.during(lambda: reauthenticate(signed_in_client), lambda: log_out(other_tab))
    assert cookies_set(answer) == []
    assert "sign_out" in caplog.messages
    assert "reauthenticated" not in caplog.messages


@pytest.mark.requirement("R36", "R37")
def test_a_sign_out_with_a_message_ends_a_session_that_moves_meanwhile(
    app: Flask, signed_in_client: FlaskClient, other_tab: FlaskClient, user: User, pause: Pause
) -> None:
    @app.post("/slow/sign-out")
    @public
    def slow_sign_out() -> str:
        session.pop("user_id")
        flash("You are signed out.")
        pause()
        return ""

    pause.during(lambda: other_tab.post("/slow/sign-out"), lambda: reauthenticate(signed_in_client))
    assert not is_signed_in(signed_in_client)
    assert not is_signed_in(other_tab)
    assert store_of(app).for_user(user.id) == []


@pytest.mark.requirement("R30")
def test_a_switch_of_users_ends_a_session_that_moves_meanwhile(
    app: Flask,
    signed_in_client: FlaskClient,
    other_tab: FlaskClient,
    user: User,
    other_user: User,
    pause: Pause,
) -> None:
    @app.post("/slow/switch")
    @public
    def slow_switch() -> str:
        session["user_id"] = other_user.id
        pause()
        return ""

    pause.during(lambda: other_tab.post("/slow/switch"), lambda: reauthenticate(signed_in_client))
    assert is_signed_in(other_tab)
    assert not is_signed_in(signed_in_client)
    assert store_of(app).for_user(user.id) == []


@pytest.mark.requirement("R26")
def test_two_sign_ins_from_one_anonymous_session_are_two_sessions(
    app: Flask, client: FlaskClient, user: User, pause: Pause
) -> None:
    @app.post("/slow/enter")
    @public
    def slow_enter() -> str:
        session["user_id"] = user.id
        pause()
        return ""

    client.post("/note/cart/tea")
    other = use_token(browser(app), token_of(client))
    pause.during(lambda: client.post("/slow/enter"), lambda: other.post(f"/enter/{user.id}"))
    assert is_signed_in(client)
    assert is_signed_in(other)
    assert token_of(client) != token_of(other)


def someone_else_writes(watched: WatchedStore, client: FlaskClient, times: int) -> None:
    """Let another request be quicker, so many times, whenever this one is about to write."""
    left = [times]
    key = key_in(client)

    def write() -> None:
        record = watched.real.load(key)
        if record and left[0]:
            left[0] -= 1
            assert watched.real.update(replace(record, version=record.version + 1))

    watched.before = {"update": write, "take": write}


@pytest.mark.parametrize("path", ["/note/note/new", "/slow/rotate"])
def test_a_write_is_tried_three_times(
    signed_in_client: FlaskClient, watched_store: WatchedStore, pause: Pause, path: str
) -> None:
    pause.go_on.set()
    someone_else_writes(watched_store, signed_in_client, times=2)
    assert signed_in_client.post(path).status_code == 200
    assert watched_store.calls.count("update") + watched_store.calls.count("take") == 3
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("path", ["/note/note/new", "/slow/rotate"])
def test_a_write_that_fails_three_times_is_not_called_a_success(
    signed_in_client: FlaskClient, watched_store: WatchedStore, pause: Pause, user: User, path: str
) -> None:
    pause.go_on.set()
    someone_else_writes(watched_store, signed_in_client, times=9)
    response = signed_in_client.post(path)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert cookies_set(response) == []
    assert watched_store.calls.count("update") + watched_store.calls.count("take") == 3
    assert is_signed_in(signed_in_client)
    assert len(watched_store.real.for_user(user.id)) == 1


@pytest.mark.requirement("R40")
def test_of_parallel_sign_ins_as_many_stay_as_may(app: Flask, user: User, clock: Clock) -> None:
    ticks = count(clock.now, 0.001)  # no two sign-ins are of the same moment
    app.session_interface.rules = replace(  # type: ignore[attr-defined]
        app.session_interface.rules,  # type: ignore[attr-defined]
        clock=lambda: next(ticks),
        max_per_user=2,
    )
    clients = [browser(app) for _ in range(AT_ONCE)]
    start = threading.Barrier(AT_ONCE)

    def enter(client: FlaskClient) -> int:
        start.wait(PATIENCE)
        return client.post(f"/enter/{user.id}").status_code

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert set(threads.map(enter, clients)) == {200}
    assert len(store_of(app).for_user(user.id)) == 2
    assert len([client for client in clients if is_signed_in(client)]) == 2
