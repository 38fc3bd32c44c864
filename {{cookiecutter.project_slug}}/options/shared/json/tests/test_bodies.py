"""JSON in and JSON out: what is read, what is refused, and how (RFC 9457)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_flask_app.models import User
from my_flask_app.security.access import public

from .routes import routes_of
from .stores import WatchedStore
from .style import is_signed_in, log_in
from .support import PASSWORD, Clock, browser, cookies_set, token_of

WITH_BODY = {
    "POST /api/users",
    "POST /api/session",
    "POST /api/reauthenticate",
    "PUT /api/password",
}
GOOD: dict[str, Any] = {
    "email": "ada@example.org",
    "password": PASSWORD,
    "remember": False,
}


def sign_in(client: FlaskClient, body: Any, content_type: str = "application/json") -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/api/session", data=data, content_type=content_type).status_code


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonp",
        "application/json+xml",
        "application/problem+json",
        "text/json",
        "text/plain; application/json",
        "text/plain,application/json",
        "application/json;",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "application/json\ttext/plain",
    ],
)
def test_only_json_is_read(client: FlaskClient, user: User, content_type: str) -> None:
    assert sign_in(client, GOOD, content_type) == 415
    assert not is_signed_in(client)


@pytest.mark.requirement("R50")
def test_every_route_with_a_body_reads_json_only(app: Flask, signed_in_client: FlaskClient) -> None:
    for route in routes_of(app):
        if str(route) in WITH_BODY:
            response = signed_in_client.open(
                route.path, method=route.method, data=json.dumps(GOOD), content_type="text/plain"
            )
            assert response.status_code == 415, route
    unsafe = {str(route) for route in routes_of(app) if not route.is_safe}
    assert {route for route in unsafe if not route.startswith("DELETE")} == WITH_BODY


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", "application/json; charset=UTF-8"]
)
def test_json_may_say_that_it_is_utf_8(client: FlaskClient, user: User, content_type: str) -> None:
    assert sign_in(client, GOOD, content_type) == 200


@pytest.mark.requirement("R75")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b'{"email": "ada@example.org", "password": ',
        b"[" * 100_000,
        b'{"email":' * 20_000,
        b"1" * 5_000,
        b"1e99999",
        b"NaN",
    ],
)
def test_what_is_no_object_is_refused(client: FlaskClient, body: bytes) -> None:
    assert sign_in(client, body) == 400


@pytest.mark.requirement("R75")
@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        1.5,
        True,
        [],
        {},
        ["ada@example.org"],
        {"$ne": None},
        {"$gt": ""},
        "",
        "\0",
        chr(0xD800),
        "x" * 255,
    ],
)
def test_a_field_of_the_wrong_type_is_refused(
    client: FlaskClient, user: User, field: str, value: object
) -> None:
    response = client.post("/api/session", json={**GOOD, field: value})
    assert response.status_code == 400
    assert list(response.get_json()["errors"]) == [field]


@pytest.mark.requirement("R75")
@pytest.mark.parametrize("value", [None, "yes", "true", 2, [], {}, ""])
def test_remember_is_true_or_false(client: FlaskClient, user: User, value: object) -> None:
    assert sign_in(client, {**GOOD, "remember": value}) == 400


@pytest.mark.requirement("R75")
def test_what_nobody_asked_for_is_refused(client: FlaskClient, user: User) -> None:
    response = client.post("/api/session", json={**GOOD, "disabled": False, "user_id": 1})
    assert response.status_code == 400
    assert set(response.get_json()["errors"]) == {"disabled", "user_id"}


@pytest.mark.requirement("R75")
def test_a_missing_field_is_named(client: FlaskClient) -> None:
    response = client.post("/api/users", json={"email": "new@example.org"})
    assert response.status_code == 400
    assert list(response.get_json()["errors"]) == ["password"]


@pytest.mark.requirement("R52", "R53")
def test_a_weak_password_is_explained(client: FlaskClient) -> None:
    body = {"email": "new@example.org", "password": "passwordpassword"}
    response = client.post("/api/users", json=body)
    assert response.status_code == 400
    assert "guess" in str(response.get_json()["errors"]["password"])


# How to get an answer of each kind.
REFUSALS: dict[int, Callable[[FlaskClient], TestResponse]] = {
    400: lambda client: client.post("/api/session", data="{", content_type="application/json"),
    401: lambda client: client.post("/api/session", json={**GOOD, "password": "not the password"}),
    403: lambda client: client.delete("/api/sessions"),
    404: lambda client: client.get("/api/nowhere"),
    405: lambda client: client.put("/api/session"),
    409: lambda client: client.post(
        "/api/users", json={"email": GOOD["email"], "password": PASSWORD}
    ),
    413: lambda client: client.post("/api/session", json={**GOOD, "password": "x" * 300_000}),
    415: lambda client: client.post("/api/session", data=GOOD),
    429: lambda client: [log_in(client, GOOD["email"], "not it at all") for _ in range(6)][-1],
    500: lambda client: client.get("/broken"),
}


@pytest.mark.requirement("R50", "R68")
@pytest.mark.parametrize("status", REFUSALS)
def test_every_error_is_a_problem_document(
    app: Flask, signed_in_client: FlaskClient, clock: Clock, status: int
) -> None:
    @app.get("/broken")
    @public
    def broken() -> str:
        raise RuntimeError("the inside")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    clock.advance(minutes=11)  # the sign-in is not fresh
    response = REFUSALS[status](signed_in_client)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert "Location" not in response.headers
    problem = response.get_json()
    assert problem["status"] == status
    assert problem["type"] == ("/problems/reauthenticate" if status == 403 else "about:blank")
    assert problem["detail"]
    assert "inside" not in response.text
    assert "Traceback" not in response.text
    if status == 405:
        assert set(response.headers["Allow"].split(", ")) >= {"GET", "POST", "DELETE"}
    if status == 429:
        assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.requirement("R72")
def test_a_store_that_is_down_is_a_problem_document(
    signed_in_client: FlaskClient, watched_store: WatchedStore
) -> None:
    watched_store.failing.add("load")
    before = token_of(signed_in_client)
    response = signed_in_client.get("/api/session")
    assert response.status_code == 503
    assert response.content_type == "application/problem+json"
    assert int(response.headers["Retry-After"]) >= 1
    assert cookies_set(response) == []
    assert token_of(signed_in_client) == before


@pytest.mark.requirement("R72")
def test_a_sign_in_that_could_not_be_stored_is_a_problem_document(
    app: Flask, user: User, watched_store: WatchedStore
) -> None:
    watched_store.failing.add("insert")
    response = log_in(browser(app), user.email)
    assert response.status_code == 503
    assert response.content_type == "application/problem+json"
    assert response.get_json()["status"] == 503
    assert cookies_set(response) == []


@pytest.mark.requirement("R50")
def test_nobody_is_ever_sent_to_a_page(app: Flask, client: FlaskClient) -> None:
    for route in routes_of(app):
        response = client.open(route.path, method=route.method, headers={"Accept": "text/html"})
        assert response.status_code // 100 != 3, route
        assert "Location" not in response.headers
        response.close()


@pytest.mark.requirement("R50", "R68")
def test_no_other_origin_may_read_an_answer(signed_in_client: FlaskClient) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    for method in ("GET", "OPTIONS"):
        response = signed_in_client.open("/api/session", method=method, headers=headers)
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


@pytest.mark.requirement("R40")
def test_the_list_of_devices_shows_no_token(app: Flask, signed_in_client: FlaskClient) -> None:
    response = signed_in_client.get("/api/sessions")
    (device,) = response.get_json()["sessions"]
    assert set(device) == {"id", "current", "user_agent", "ip", "created_at", "seen_at"}
    assert device["current"] is True
    assert (token_of(signed_in_client) or "?") not in response.text
