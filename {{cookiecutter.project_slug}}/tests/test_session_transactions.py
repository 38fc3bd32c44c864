"""The application's transactions are its own: the session layer neither ends nor waits for them."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, session
from flask.testing import FlaskClient

from my_flask_app import create_app
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security.access import public

from .notebook import add_notebook
from .stores import WatchedStore
from .style import is_signed_in
from .support import Clock, browser, dispose_engines, token_of, use_token


@pytest.fixture(autouse=True)
def _unfinished(app: Flask) -> None:
    add_notebook(app)

    @app.post("/unfinished/<what>")
    @public
    def unfinished(what: str) -> str:
        session["note"] = "before"
        db.session.add(User(email="unfinished@example.org", password_hash="none"))
        db.session.flush()
        session["note"] = "after"
        if what == "commit":
            db.session.commit()
        return ""


def users(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(sa.select(User.email)))


@pytest.mark.parametrize("is_new", [True, False])
def test_saving_a_session_does_not_commit_the_views_work(
    app: Flask, client: FlaskClient, is_new: bool
) -> None:
    if not is_new:
        client.post("/note/one/1")
    assert client.post("/unfinished/nothing").status_code == 200
    assert users(app) == []


def test_saving_a_session_does_not_undo_what_the_view_committed(
    app: Flask, client: FlaskClient
) -> None:
    client.post("/unfinished/commit")
    assert users(app) == ["unfinished@example.org"]


@pytest.mark.requirement("R72")
def test_saving_a_session_does_not_wait_for_the_views_open_write(
    signed_in_client: FlaskClient, watched_store: WatchedStore
) -> None:
    assert signed_in_client.post("/unfinished/nothing").status_code == 200
    assert signed_in_client.get("/note/note").text == "after"
    assert watched_store.calls == ["load", "update", "load"]


def test_loading_a_session_does_not_end_the_views_transaction(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    seen = []

    @app.post("/late")
    @public
    def late() -> str:
        db.session.add(User(email="unfinished@example.org", password_hash="none"))
        db.session.flush()
        seen.append(session["user_id"])
        seen.append(db.session.scalar(sa.select(sa.func.count()).select_from(User)))
        db.session.rollback()
        return ""

    assert signed_in_client.post("/late").status_code == 200
    assert seen == [user.id, 2]
    assert users(app) == [user.email]
    assert is_signed_in(signed_in_client)


def test_two_applications_in_one_process_share_the_store(
    app: Flask, signed_in_client: FlaskClient, backend: dict[str, Any], clock: Clock
) -> None:
    second = create_app({"CLOCK": clock, **backend})
    assert is_signed_in(use_token(browser(second), token_of(signed_in_client)))
    assert is_signed_in(signed_in_client)
    dispose_engines(second)
