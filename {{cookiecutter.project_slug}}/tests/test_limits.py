"""Limits on what a request may bring, and input that was made to break something."""

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import RequestEntityTooLarge

from my_flask_app.models import User

from .routes import routes_of
from .style import (
    CONTENT_TYPE_OF_ERRORS,
    change_password,
    is_signed_in,
    log_in,
    reauthenticate,
    register,
    revoke,
)
from .support import use_token

# Each has broken an application before.
HOSTILE = {
    "NUL": "ada\0@example.org",
    "line break": "ada@example.org\r\nBcc: everybody@example.org",
    "escape": "\x1b[2J\x1b]0;title\x07",
    "right to left": "ada\u202e@example.org",
    "not a character": "\ufffe\uffff",
    "astral": "\U0001f600" * 60,
    "combining": "a" + "\u0301" * 120,
    "one that grows": "\ufdfa" * 60,  # 18 characters each in NFKC
    "SQL": "' OR 1=1; DROP TABLE users; --",
    "template": "{" * 2 + "config.SECRET_KEY" + "}" * 2,
    "format": "%s%n{0}{user}",
    "markup": '"><script>alert(1)</script>',
    "path": "../../../../etc/passwd",
    "long": "x" * 5000,
    "empty": "",
    "blank": " ",
}


@pytest.mark.requirement("R75")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_in_every_field(
    signed_in_client: FlaskClient, user: User, name: str
) -> None:
    client, hostile = signed_in_client, HOSTILE[name]
    good = "another long passphrase of mine"
    assert register(client, hostile, good).status_code == 400
    assert log_in(client, hostile).status_code in (400, 401)
    assert log_in(client, user.email, hostile).status_code in (400, 401)
    assert reauthenticate(client, hostile).status_code in (400, 401)
    assert change_password(client, good, current=hostile).status_code in (400, 401)
    assert is_signed_in(client)


@pytest.mark.requirement("R75")
def test_hostile_passwords_are_refused(client: FlaskClient) -> None:
    for name in ("NUL", "long", "empty", "blank"):
        assert register(client, "new@example.org", HOSTILE[name]).status_code == 400, name


@pytest.mark.requirement("R75")
def test_hostile_ids_name_no_device(signed_in_client: FlaskClient) -> None:
    for public_id in ("%00", "%ff", "..", "%20", "x" * 3000, "%F0%9F%98%80"):
        assert revoke(signed_in_client, public_id).status_code in (404, 405)
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R75")
def test_hostile_input_anywhere_else_is_no_fault_of_ours(app: Flask, client: FlaskClient) -> None:
    use_token(client, "x" * 43)
    odd = {"Accept": "%", "Accept-Language": "\xff", "If-None-Match": '"', "Range": "bytes=9-1"}
    for name, hostile in HOSTILE.items():
        agent = hostile.replace("\r\n", " ").encode().decode("latin-1")
        for route in routes_of(app):
            response = client.open(
                route.path,
                method=route.method,
                query_string={"next": hostile, hostile: hostile},
                data=hostile.encode(),
                headers={"User-Agent": agent, **odd},
                buffered=True,
            )
            assert response.status_code < 500, (name, route)


@pytest.mark.requirement("R74")
def test_a_body_that_is_too_large_is_refused(app: Flask, signed_in_client: FlaskClient) -> None:
    body = b'{"email": "' + b"x" * 300_000 + b'"}'
    for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        for route in routes_of(app):
            response = signed_in_client.open(
                route.path, method=route.method, data=body, content_type=content_type, buffered=True
            )
            assert response.status_code < 500, route
    response = log_in(signed_in_client, "x" * 300_000)
    assert response.status_code == 413
    assert response.content_type == CONTENT_TYPE_OF_ERRORS


@pytest.mark.requirement("R74")
def test_a_body_of_unknown_length_is_cut_off(app: Flask) -> None:
    terminated = {"wsgi.input_terminated": True}  # as gunicorn says of chunks
    chunks = BytesIO(b"x" * 300_000)
    with (
        app.test_request_context(
            method="POST", input_stream=chunks, environ_overrides=terminated
        ) as context,
        pytest.raises(RequestEntityTooLarge),
    ):
        context.request.get_data()


@pytest.mark.requirement("R74")
def test_an_address_that_is_too_long_is_refused(client: FlaskClient) -> None:
    address = "@".join(("ada", ".".join(["x" * 60] * 4)))
    assert len(address) < 254
    assert register(client, f"{address}.example").status_code == 400
