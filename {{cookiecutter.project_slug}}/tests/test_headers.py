"""What every response tells the browser: headers, caches, cookies (ASVS 3.3 and 3.4)."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_flask_app.models import User
from my_flask_app.security.access import public

from .routes import routes_of
from .stores import WatchedStore
from .style import (
    CONTENT_TYPE_OF_ERRORS,
    SIGNED_IN_PAGE,
    log_in,
    log_out,
    register,
)
from .support import COOKIE, browser, cookies_set, token_of

# Each kind of answer that the application can give.
ANSWERS: dict[str, tuple[int, Callable[[FlaskClient], TestResponse]]] = {
    "page": (200, lambda client: client.get("/")),
    "static file": (200, lambda client: client.get("/static/style.css", buffered=True)),
    "static file, not changed": (304, lambda client: _again(client, "/static/style.css")),
    "JSON": (200, lambda client: client.get("/healthz")),
    "page of a user": (200, lambda client: client.get(SIGNED_IN_PAGE)),
    "host is not ours": (400, lambda client: client.get("/", headers={"Host": "evil.example"})),
    "wrong password": (401, lambda client: log_in(client, "ada@example.org", "no" * 10)),
    "from another site": (
        403,
        lambda client: client.post("/", headers={"Sec-Fetch-Site": "cross-site"}),
    ),
    "no such page": (404, lambda client: client.get("/no-such-page")),
    "no such method": (405, lambda client: client.post("/")),
    "too large": (413, lambda client: client.post("/echo", data=b"x" * 300_000)),
    "fault of ours": (500, lambda client: client.get("/broken")),
}


def _again(client: FlaskClient, path: str) -> TestResponse:
    tag = client.get(path, buffered=True).headers["ETag"]
    return client.get(path, headers={"If-None-Match": tag}, buffered=True)


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "EXTERNAL_URL": "https://localhost",
        "PREFERRED_URL_SCHEME": "https",
        "PROPAGATE_EXCEPTIONS": False,  # show what visitors see
    }


@pytest.fixture
def client(app: Flask, user: User) -> FlaskClient:
    """A browser on https, in which the user is signed in."""

    @app.post("/echo")
    @public
    def echo() -> bytes:
        return request.get_data()

    @app.get("/broken")
    @public
    def broken() -> str:
        raise RuntimeError("the inside of the application")

    client = browser(app)
    log_in(client, user.email)
    return client


@pytest.fixture
def answers(client: FlaskClient) -> dict[str, TestResponse]:
    """One answer of each kind."""
    answers = {name: ask(client) for name, (_, ask) in ANSWERS.items()}
    for name, (status, _) in ANSWERS.items():
        assert answers[name].status_code == status, name
    return answers


@pytest.mark.requirement("R68")
def test_every_answer_has_the_security_headers(answers: dict[str, TestResponse]) -> None:
    expected = {
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    unwanted = {"Server", "X-Powered-By", "Access-Control-Allow-Origin"}
    for kind, answer in answers.items():
        assert {name: answer.headers.get(name) for name in expected} == expected, kind
        assert not unwanted & set(answer.headers.keys()), kind


@pytest.mark.requirement("R68")
def test_every_answer_allows_nothing_from_elsewhere_and_nothing_inline(
    answers: dict[str, TestResponse],
) -> None:
    for answer in answers.values():
        parts = answer.headers["Content-Security-Policy"].split(";")
        policy = {name: values for name, *values in (part.split() for part in parts)}
        for name in ("default-src", "object-src", "base-uri", "frame-ancestors"):
            assert policy[name] == ["'none'"]
        assert policy["form-action"] == ["'self'"]
        assert {value for values in policy.values() for value in values} == {"'none'", "'self'"}


@pytest.mark.requirement("R68")
def test_every_text_says_how_it_is_encoded(answers: dict[str, TestResponse]) -> None:
    texts = [answer for answer in answers.values() if (answer.mimetype or "").startswith("text/")]
    assert len(texts) > 1
    for answer in texts:
        assert answer.content_type.endswith("; charset=utf-8")


@pytest.mark.requirement("R68")
def test_an_error_says_nothing_about_the_inside(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/broken?__debugger__=yes&cmd=resource&f=debugger.js")
    assert response.status_code == 500
    assert response.content_type == CONTENT_TYPE_OF_ERRORS
    for word in ("RuntimeError", "inside", "Traceback", "werkzeug", ".py"):
        assert word not in response.text
    assert "the inside of the application" in caplog.text  # but we shall know


@pytest.mark.requirement("R06")
@pytest.mark.parametrize("path", ["/console", "/?__debugger__=yes&cmd=printpin&s=x"])
def test_there_is_no_debugger(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert "debugger" not in response.text.lower()
    assert response.status_code == (404 if path == "/console" else 200)


@pytest.mark.requirement("R69")
def test_what_a_user_sees_is_not_stored(client: FlaskClient) -> None:
    for route in routes_of(client.application):
        response = client.open(route.path, method=route.method)
        log_in(client, "ada@example.org")
        if "Cookie" in response.vary:
            assert response.headers.get("Cache-Control") == "no-store", route
    assert client.get(SIGNED_IN_PAGE).headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("R69")
def test_what_depends_on_the_session_says_so(client: FlaskClient) -> None:
    assert "Cookie" in client.get(SIGNED_IN_PAGE).vary
    assert "Cookie" not in client.get("/").vary
    assert "Cookie" not in client.get("/static/style.css", buffered=True).vary


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("ending", ["/x.css", ";.js", "%2f..%2fstatic%2fstyle.css", "/..%3bx.js"])
def test_a_page_of_a_user_has_no_second_address_that_looks_like_a_file(
    client: FlaskClient, ending: str
) -> None:
    assert client.get(SIGNED_IN_PAGE + ending).status_code in (404, 405)


@pytest.mark.requirement("R69")
def test_what_has_to_do_with_credentials_is_not_stored(app: Flask, client: FlaskClient) -> None:
    stranger = browser(app)
    for response in (
        log_in(stranger, "ada@example.org", "not the password of ada"),
        register(stranger, "new@example.org"),
        log_in(stranger, "ada@example.org"),
        log_out(stranger),
    ):
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("R16", "R10")
def test_the_session_has_the_only_cookie(client: FlaskClient, user: User) -> None:
    headers: list[str] = []
    for route in routes_of(client.application):
        headers += cookies_set(client.open(route.path, method=route.method))
        headers += cookies_set(log_in(client, user.email))
    assert len(headers) > 10
    for header in headers:
        name, *attributes = header.split("; ")
        assert name.split("=")[0] == COOKIE
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)


@pytest.mark.requirement("R11", "R71")
def test_the_token_appears_in_the_cookie_alone(
    client: FlaskClient, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for route in routes_of(client.application):
        token = token_of(client) or ""
        response = client.open(route.path, method=route.method)
        others = [value for name, value in response.headers if name != "Set-Cookie"]
        assert not any(token in text for text in (response.text, *others)), route
        assert token not in caplog.text
        log_in(client, user.email)


@pytest.mark.requirement("R29")
def test_visitors_get_no_cookie(app: Flask, watched_store: WatchedStore) -> None:
    for path in ("/", "/healthz", "/static/style.css", "/no-such-page", SIGNED_IN_PAGE):
        response = browser(app).get(path, buffered=True)
        assert cookies_set(response) == []
    assert watched_store.calls == []


class TestWithoutTls:
    """A site that is http on one's own machine must not send its name to HSTS."""

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return {"EXTERNAL_URL": "http://localhost"}

    @pytest.mark.requirement("R68")
    def test_there_is_no_hsts(self, app: Flask) -> None:
        response = browser(app).get("/")
        assert "Strict-Transport-Security" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"
