"""What only a store can promise that keeps a session's data itself."""

import secrets

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User

from .backend import contents
from .notebook import add_notebook
from .stores import WatchedStore, key_in, store_of
from .style import is_signed_in, log_in
from .support import Pause, browser, cookies_set, new_token, token_of, use_token


@pytest.fixture(autouse=True)
def _notebook(app: Flask, pause: Pause) -> None:
    add_notebook(app, pause)


@pytest.fixture
def other_tab(app: Flask, signed_in_client: FlaskClient) -> FlaskClient:
    """A second tab of the same browser."""
    return use_token(browser(app), token_of(signed_in_client))


def test_two_tabs_keep_both_writes(
    signed_in_client: FlaskClient, other_tab: FlaskClient, pause: Pause
) -> None:
    pause.during(
        lambda: signed_in_client.post("/slow/note/mine/1"), lambda: other_tab.post("/note/theirs/2")
    )
    assert signed_in_client.get("/note/mine").text == "1"
    assert signed_in_client.get("/note/theirs").text == "2"


@pytest.mark.parametrize(
    ("slow", "quick"),
    [("/slow/note/mine/1", "/forget/old"), ("/slow/forget/old", "/note/mine/1")],
)
def test_a_key_that_one_tab_removes_stays_removed(
    signed_in_client: FlaskClient, other_tab: FlaskClient, pause: Pause, slow: str, quick: str
) -> None:
    signed_in_client.post("/note/old/x")
    pause.during(lambda: signed_in_client.post(slow), lambda: other_tab.post(quick))
    assert signed_in_client.get("/note/mine").text == "1"
    assert signed_in_client.get("/note/old").text == ""


def test_a_write_is_kept_when_another_tab_moves_the_session(
    signed_in_client: FlaskClient, other_tab: FlaskClient, pause: Pause
) -> None:
    pause.during(
        lambda: signed_in_client.post("/slow/rotate"), lambda: other_tab.post("/note/note/kept")
    )
    assert is_signed_in(signed_in_client)
    assert signed_in_client.get("/note/note").text == "kept"


def test_the_last_write_is_what_every_tab_reads(
    signed_in_client: FlaskClient, other_tab: FlaskClient
) -> None:
    signed_in_client.post("/note/note/first")
    other_tab.post("/note/note/last")
    assert signed_in_client.get("/note/note").text == "last"


def test_the_cookie_is_sent_only_with_a_new_token(client: FlaskClient) -> None:
    assert new_token(client.post("/note/one/1"))
    assert cookies_set(client.post("/note/two/2")) == []
    assert cookies_set(client.get("/note/two")) == []


def test_the_cookie_does_not_grow_with_the_session(client: FlaskClient) -> None:
    (header,) = cookies_set(client.post(f"/note/long/{'x' * 20_000}"))
    assert len(header) < 150
    assert client.get("/note/long").text == "x" * 20_000


def test_a_session_of_nobody_has_a_record_until_the_sign_in(
    app: Flask, client: FlaskClient, user: User
) -> None:
    client.post("/note/cart/tea")
    before = key_in(client)
    assert before in contents(store_of(app))
    log_in(client, user.email)
    assert store_of(app).load(before) is None


def test_a_first_write_that_is_not_stored_sets_no_cookie(
    client: FlaskClient, watched_store: WatchedStore
) -> None:
    watched_store.failing = {"insert"}
    response = client.post("/note/note/lost")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert cookies_set(response) == []
    assert token_of(client) is None


def test_a_new_key_alone_signs_nobody_out(app: Flask, signed_in_client: FlaskClient) -> None:
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    assert is_signed_in(signed_in_client)
