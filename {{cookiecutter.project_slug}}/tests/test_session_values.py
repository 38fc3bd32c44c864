"""A session holds what Flask's own sessions hold, alike on every backend."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    has_app_context,
    has_request_context,
    session,
    stream_with_context,
)
from flask.testing import FlaskClient
from markupsafe import Markup

from my_flask_app.models import User
from my_flask_app.security.access import public
from my_flask_app.sessions.interface import SessionInterface

from .stores import record_of
from .style import is_signed_in
from .support import cookies_set, token_of

VALUES = [
    None,
    True,
    0,
    -(2**70),
    0.1,
    "",
    "Zoë \N{SNOWMAN} \U0001f600 \x00 \ud800 '\"\\",
    b"\x00\xff",
    (1, ("two", None)),
    [1, [2, {"three": (4,)}]],
    {"nested": {"deeper": [b"x"]}, "": 0},
    {" t": "looks like a tag"},
    uuid.UUID(int=7),
    Markup("<b>bold</b>"),
    datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_what_it_was(client: FlaskClient, value: Any) -> None:
    with client.session_transaction() as values:
        values["value"] = value
    with client.session_transaction() as values:
        assert values["value"] == value
        assert type(values["value"]) is type(value)


def test_a_session_does_what_a_dict_does(client: FlaskClient) -> None:
    with client.session_transaction() as values:
        values.update({"a": 1, "b": 2}, c=3)
        assert values.setdefault("a", 9) == 1
        assert values.setdefault("d", 4) == 4
        assert values.pop("b") == 2
        assert values.pop("b", "gone") == "gone"
        del values["c"]
    with client.session_transaction() as values:
        assert dict(values) == {"a": 1, "d": 4}
        assert ("a" in values, "b" in values, len(values)) == (True, False, 2)
        assert values.get("b", "gone") == "gone"
        with pytest.raises(KeyError):
            values["b"]


def test_a_change_inside_a_value_is_kept_once_it_is_announced(client: FlaskClient) -> None:
    with client.session_transaction() as values:
        values["cart"] = {"tea": [1]}
    with client.session_transaction() as values:
        values["cart"]["tea"].append(2)
        values.modified = True
    with client.session_transaction() as values:
        assert values["cart"] == {"tea": [1, 2]}


def test_clearing_keeps_what_is_written_afterwards(client: FlaskClient) -> None:
    with client.session_transaction() as values:
        values.update(old=1, both=1)
    with client.session_transaction() as values:
        values.clear()
        values["both"] = 2
    with client.session_transaction() as values:
        assert dict(values) == {"both": 2}


def test_session_transaction_needs_no_context(app: Flask, signed_in_client: FlaskClient) -> None:
    with signed_in_client.session_transaction() as values:
        assert not has_request_context()
        assert not has_app_context()
        assert values["user_id"]
        values["note"] = "written outside every context"
    record = record_of(app, signed_in_client)
    assert record
    assert "written outside every context" in record.data


def test_an_opened_session_is_used_outside_every_context(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    interface = app.session_interface
    assert isinstance(interface, SessionInterface)
    environ = {"HTTP_COOKIE": f"__Host-session={token_of(signed_in_client)}"}
    with app.test_request_context(environ_overrides=environ) as context:
        opened = interface.open_session(app, context.request)
    assert opened["user_id"] == user.id


@pytest.mark.parametrize("value", [None, "1", 1.0, True])
def test_a_user_id_is_a_number(client: FlaskClient, value: Any) -> None:
    with client.session_transaction() as values, pytest.raises(TypeError):
        values["user_id"] = value
    assert token_of(client) is None


@pytest.mark.requirement("R72")
def test_what_json_cannot_hold_is_an_error_and_harms_no_session(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.post("/impossible")
    @public
    def impossible() -> str:
        session["user_id"] = session["user_id"]
        session["object"] = object()
        return ""

    before = record_of(app, signed_in_client)
    response = signed_in_client.post("/impossible")
    assert response.status_code == 500
    assert cookies_set(response) == []
    assert record_of(app, signed_in_client) == before
    assert is_signed_in(signed_in_client)


def test_a_copy_of_the_values_does_not_change_the_session(client: FlaskClient, user: User) -> None:
    with client.session_transaction() as values:
        copy = values.as_dict()  # type: ignore[attr-defined]
        copy.update(user_id=user.id, session_epoch=user.session_epoch)
        values.modified = True
    assert not is_signed_in(client)


def test_a_change_after_the_answer_has_begun_is_an_error(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    @app.get("/stream")
    def stream() -> Response:
        def late() -> Iterator[str]:
            session["late"] = True
            yield "never"

        return Response(stream_with_context(late()))

    with pytest.raises(RuntimeError, match="saved already"):
        signed_in_client.get("/stream", buffered=True)
