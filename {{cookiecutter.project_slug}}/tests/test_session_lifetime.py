"""When a session ends by itself (ASVS 7.3), and how seldom that is written down."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User

from .backend import keep_forever, overwrite
from .notebook import add_notebook
from .stores import WatchedStore, key_in, record_of, store_of
from .style import is_signed_in, log_in, reauthenticate
from .support import Clock, cookies_set


@pytest.fixture
def config() -> dict[str, Any]:
    """A working day, with a break of less than two hours."""
    return {"SESSION_LIFETIME": timedelta(hours=8), "SESSION_IDLE_TIMEOUT": timedelta(hours=2)}


@pytest.fixture(autouse=True)
def _notebook(app: Flask) -> None:
    add_notebook(app)


@pytest.mark.requirement("R31")
def test_a_session_in_use_outlives_the_idle_limit(
    signed_in_client: FlaskClient, clock: Clock
) -> None:
    for _ in range(4):
        clock.advance(minutes=110)
        assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R31")
def test_an_idle_session_ends(signed_in_client: FlaskClient, clock: Clock) -> None:
    clock.advance(minutes=119)
    assert is_signed_in(signed_in_client)
    clock.advance(minutes=120)
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R31")
def test_pages_without_a_session_do_not_keep_it_alive(
    signed_in_client: FlaskClient, clock: Clock
) -> None:
    for _ in range(3):
        clock.advance(minutes=50)
        signed_in_client.get("/")
        signed_in_client.get("/healthz")
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R32")
def test_no_activity_lengthens_the_absolute_limit(
    signed_in_client: FlaskClient, clock: Clock
) -> None:
    for _ in range(7):
        clock.advance(minutes=60)
        signed_in_client.post("/note/still/here")
        assert is_signed_in(signed_in_client)
    clock.advance(minutes=60)
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R32")
def test_a_new_token_does_not_restart_the_absolute_limit(
    signed_in_client: FlaskClient, clock: Clock
) -> None:
    for _ in range(7):
        clock.advance(minutes=60)
        reauthenticate(signed_in_client)
        assert is_signed_in(signed_in_client)
    clock.advance(minutes=60)
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R32")
def test_a_new_sign_in_restarts_the_absolute_limit(
    signed_in_client: FlaskClient, clock: Clock, user: User
) -> None:
    clock.advance(minutes=110)
    log_in(signed_in_client, user.email)
    for _ in range(7):
        clock.advance(minutes=60)
        assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R32", "R13")
def test_remember_me_does_not_lengthen_a_limit(
    client: FlaskClient, clock: Clock, user: User
) -> None:
    log_in(client, user.email, remember=True)
    assert is_signed_in(client)
    clock.advance(minutes=121)
    assert not is_signed_in(client)


def test_a_session_without_a_user_lives_an_hour(client: FlaskClient, clock: Clock) -> None:
    client.post("/note/cart/tea")
    clock.advance(minutes=40)
    client.post("/note/also/milk")
    assert client.get("/note/cart").text == "tea"
    clock.advance(minutes=20)
    assert client.get("/note/cart").text == ""


@pytest.mark.requirement("R33")
def test_the_idle_limit_holds_though_the_store_forgets_nothing(
    app: Flask, signed_in_client: FlaskClient, clock: Clock
) -> None:
    store, key = store_of(app), key_in(signed_in_client)
    keep_forever(store, key)
    clock.advance(minutes=120)
    assert store.load(key) is not None
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R33")
def test_the_absolute_limit_holds_though_the_store_forgets_nothing(
    app: Flask, signed_in_client: FlaskClient, clock: Clock
) -> None:
    store, key = store_of(app), key_in(signed_in_client)
    keep_forever(store, key)
    clock.advance(minutes=8 * 60 - 1)
    overwrite(store, key, seen_at=clock.now)
    assert is_signed_in(signed_in_client)
    keep_forever(store, key)
    overwrite(store, key, seen_at=clock.now)
    clock.advance(minutes=1)
    assert store.load(key) is not None
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R33")
def test_an_expired_session_that_is_still_stored_is_not_written_again(
    app: Flask, signed_in_client: FlaskClient, clock: Clock, user: User
) -> None:
    store, old_key = store_of(app), key_in(signed_in_client)
    keep_forever(store, old_key)
    before = store.load(old_key)
    clock.advance(minutes=121)
    signed_in_client.post("/note/new/life")
    assert key_in(signed_in_client) != old_key
    assert store.load(old_key) == before


def test_a_record_ends_on_its_own_day_though_the_limits_were_raised_since(
    app: Flask, signed_in_client: FlaskClient, clock: Clock
) -> None:
    key = key_in(signed_in_client)
    overwrite(store_of(app), key, expires_at=clock.now + 60)
    clock.advance(seconds=61)
    assert not is_signed_in(signed_in_client)


@pytest.mark.requirement("R31")
def test_a_clock_that_runs_a_few_seconds_behind_does_no_harm(
    app: Flask, signed_in_client: FlaskClient, clock: Clock
) -> None:
    before = record_of(app, signed_in_client)
    clock.advance(seconds=-5)
    assert is_signed_in(signed_in_client)
    assert record_of(app, signed_in_client) == before


@pytest.mark.requirement("R31")
def test_a_read_only_request_writes_nothing(
    signed_in_client: FlaskClient, watched_store: WatchedStore, clock: Clock
) -> None:
    clock.advance(seconds=59)
    assert is_signed_in(signed_in_client)
    assert signed_in_client.get("/note/anything").status_code == 200
    assert watched_store.calls == ["load", "load"]


@pytest.mark.requirement("R31")
def test_a_read_notes_once_a_minute_that_the_session_was_seen(
    app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore, clock: Clock
) -> None:
    before = record_of(app, signed_in_client)
    watched_store.calls.clear()
    clock.advance(seconds=60)
    responses = [signed_in_client.get("/note/anything") for _ in range(2)]
    assert watched_store.calls == ["load", "touch", "load"]
    assert [cookies_set(response) for response in responses] == [[], []]
    after = record_of(app, signed_in_client)
    assert before
    assert after
    assert (after.seen_at, after.expires_at) == (clock.now, clock.now + 7200)
    assert (after.data, after.version) == (before.data, before.version)


def test_a_touch_does_not_lengthen_the_absolute_limit(
    app: Flask, signed_in_client: FlaskClient, clock: Clock
) -> None:
    start = clock.now
    for _ in range(7):
        clock.advance(minutes=60)
        assert is_signed_in(signed_in_client)
    record = record_of(app, signed_in_client)
    assert record
    assert record.expires_at == start + 8 * 3600


def test_an_ended_session_is_reported(
    signed_in_client: FlaskClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.advance(minutes=121)
    assert not is_signed_in(signed_in_client)
    assert "session_expired" in caplog.messages
