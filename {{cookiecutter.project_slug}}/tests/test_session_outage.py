"""A store that is down: 503 within the request, the cookie left alone, all well afterwards."""

from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, Response, send_file, session
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from my_flask_app.auth.identity import require_user
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security import throttle
from my_flask_app.security.access import public
from my_flask_app.sessions import session_rules
from my_flask_app.sessions.protocol import StoreUnavailable

from .cookies import CALLS_OF_A_SIGN_IN
from .notebook import add_notebook
from .stores import WatchedStore
from .style import SIGNED_IN_PAGE, is_signed_in, log_in, log_out, succeeded
from .support import Clock, cookies_set, token_of

EVERYTHING = {"load", "insert", "update", "take", "touch", "delete", "for_user", "prune", "ping"}


@pytest.fixture(autouse=True)
def _notebook(app: Flask) -> None:
    add_notebook(app)


def is_unavailable(response: TestResponse) -> bool:
    """Tell whether this is the answer that promises nothing and leaves the cookie alone."""
    assert cookies_set(response) == []
    assert "Location" not in response.headers
    assert "Clear-Site-Data" not in response.headers
    assert response.cache_control.no_store
    return response.status_code == 503 and int(response.headers["Retry-After"]) > 0


@pytest.mark.requirement("R72")
def test_a_page_behind_the_sign_in_is_503_and_recovers(
    signed_in_client: FlaskClient, watched_store: WatchedStore
) -> None:
    token = token_of(signed_in_client)
    watched_store.failing = EVERYTHING
    assert is_unavailable(signed_in_client.get(SIGNED_IN_PAGE))
    assert token_of(signed_in_client) == token
    watched_store.failing = set()
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R72")
def test_the_store_is_asked_once_in_a_request_that_it_failed(
    app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore
) -> None:
    @app.get("/stubborn")
    @public
    def stubborn() -> str:
        for _ in range(3):
            with suppress(StoreUnavailable):
                session["note"] = "x"
        return "done"

    watched_store.failing = {"load"}
    response = signed_in_client.get("/stubborn")
    assert response.cache_control.no_store
    assert cookies_set(response) == []
    assert watched_store.calls == ["load"]


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("path", ["/", "/healthz", "/no-such-page"])
def test_pages_that_need_no_session_still_work(
    signed_in_client: FlaskClient, watched_store: WatchedStore, path: str
) -> None:
    watched_store.failing = EVERYTHING
    assert signed_in_client.get(path).status_code in (200, 404)
    assert watched_store.calls == []


@pytest.mark.requirement("R72")
def test_readiness_asks_the_store(client: FlaskClient, watched_store: WatchedStore) -> None:
    assert client.get("/readyz").status_code == 200
    watched_store.failing = {"ping"}
    assert client.get("/readyz").status_code == 503


@pytest.mark.requirement("R72")
def test_a_write_that_is_not_stored_is_503(
    signed_in_client: FlaskClient, watched_store: WatchedStore
) -> None:
    watched_store.failing = {"update"}
    response = signed_in_client.post("/note/note/lost")
    assert is_unavailable(response)
    assert "written" not in response.text
    assert watched_store.calls == ["load", "update"]
    watched_store.failing = set()
    assert is_signed_in(signed_in_client)
    assert signed_in_client.get("/note/note").text == ""


@pytest.mark.requirement("R72")
def test_an_error_page_may_ask_who_it_is_although_the_transaction_has_ended(
    app: Flask, signed_in_client: FlaskClient, user: User, watched_store: WatchedStore
) -> None:
    @app.post("/commit")
    def commit() -> str:
        session["note"] = "lost"
        require_user()
        db.session.commit()  # what was read is stale by that
        return "written"

    @app.errorhandler(503)
    def say_who(_: HTTPException) -> tuple[str, int]:
        return require_user().email, 503

    watched_store.failing = {"update"}
    response = signed_in_client.post("/commit")
    assert (response.status_code, response.text) == (503, user.email)


@pytest.mark.requirement("R72")
def test_a_touch_that_fails_does_not_fail_the_page(
    signed_in_client: FlaskClient,
    watched_store: WatchedStore,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock.advance(minutes=10)
    watched_store.failing = {"touch"}
    assert is_signed_in(signed_in_client)
    assert "touch" in watched_store.calls
    assert "session_store_unavailable" in caplog.messages


@pytest.mark.requirement("R72", "R70")
@pytest.mark.parametrize("method", CALLS_OF_A_SIGN_IN)
def test_a_sign_in_that_is_not_stored_is_no_sign_in(
    client: FlaskClient,
    watched_store: WatchedStore,
    user: User,
    caplog: pytest.LogCaptureFixture,
    method: str,
) -> None:
    client.post("/note/cart/tea")
    before = token_of(client)
    watched_store.failing = {method}
    response = log_in(client, user.email)
    assert method in watched_store.calls
    assert is_unavailable(response)
    assert not succeeded(response)
    assert "sign_in" not in caplog.messages
    watched_store.failing = set()
    assert token_of(client) == before
    assert not is_signed_in(client)


@pytest.mark.requirement("R70")
def test_a_sign_in_that_is_stored_is_logged_once(
    client: FlaskClient, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    log_in(client, user.email)
    assert caplog.messages.count("sign_in") == 1


@pytest.mark.requirement("R72", "R70", "R36")
def test_a_sign_out_that_is_not_stored_is_no_sign_out(
    signed_in_client: FlaskClient, watched_store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    watched_store.failing = {"delete"}
    assert is_unavailable(log_out(signed_in_client))
    assert "sign_out" not in caplog.messages
    watched_store.failing = set()
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R72")
def test_a_view_that_asks_a_store_that_is_down_is_503(
    app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore, user: User
) -> None:
    @app.post("/count")
    def count() -> str:
        session["asked"] = True
        return str(len(session_rules().store.for_user(user.id)))

    watched_store.failing = {"for_user"}
    assert is_unavailable(signed_in_client.post("/count"))
    assert watched_store.calls == ["load", "for_user"]


@pytest.mark.requirement("R72")
def test_nothing_of_the_answer_is_sent_with_the_error(
    app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore, tmp_path: Path
) -> None:
    path = tmp_path / "report.txt"
    path.write_text("private figures")

    @app.get("/report")
    def report() -> Response:
        session["read"] = True
        response = send_file(path, as_attachment=True)
        response.headers["Content-Encoding"] = "identity"
        response.headers["Location"] = "/done"
        response.headers["Clear-Site-Data"] = '"storage"'
        response.set_cookie("theme", "dark")
        return response

    watched_store.failing = {"update"}
    response = signed_in_client.get("/report", buffered=True)
    assert is_unavailable(response)
    assert "figures" not in response.text
    for name in ("ETag", "Last-Modified", "Content-Disposition", "Content-Encoding"):
        assert name not in response.headers
    assert response.content_length == len(response.data)


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    "error", [sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError]
)
def test_a_database_that_is_down_is_503_and_leaves_the_cookie_alone(
    signed_in_client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: type[sa.exc.DBAPIError]
) -> None:
    def fail(*_: object) -> None:
        raise error("SELECT", {}, Exception("down"))

    token = token_of(signed_in_client)
    with monkeypatch.context() as broken:
        broken.setattr(db.session, "scalar", fail)
        assert is_unavailable(signed_in_client.get(SIGNED_IN_PAGE))
    assert token_of(signed_in_client) == token
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R72")
def test_a_database_that_fails_when_the_epoch_is_asked_is_503(
    app: Flask, client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("down"))

    with monkeypatch.context() as broken, app.app_context():
        broken.setattr(type(db.engine), "connect", fail)
        response = client.post(f"/enter/{user.id}")
    assert is_unavailable(response)
    assert not is_signed_in(client)


@pytest.mark.requirement("R70", "R72")
def test_a_sign_in_that_is_stored_stands_though_the_throttle_cannot_be_reset(
    client: FlaskClient,
    watched_store: WatchedStore,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise sa.exc.OperationalError("DELETE", {}, Exception("down"))

    def lose_the_throttle() -> None:
        monkeypatch.setattr(throttle, "autocommit_engine", fail)

    watched_store.before["insert"] = lose_the_throttle
    assert succeeded(log_in(client, user.email))
    assert is_signed_in(client)
    assert caplog.messages.count("sign_in") == 1
