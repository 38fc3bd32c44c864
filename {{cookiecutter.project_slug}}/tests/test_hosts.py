"""Under which name and over which protocol the application answers, and what proxies may say."""

from typing import Any

import pytest
from flask import Flask, request, url_for
from flask.testing import FlaskClient

from my_flask_app import create_app
from my_flask_app.security.access import public

from .style import CONTENT_TYPE_OF_ERRORS, log_in
from .support import browser

HTTPS = "https://localhost:8443"
PAGE = {"Accept": "text/html,*/*;q=0.8"}
FORWARDED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=203.0.113.7;host=evil.example;proto=https",
    "X-Real-IP": "203.0.113.7",
}


def add_mirror(app: Flask) -> Flask:
    """Add a view that tells how the application sees the request."""

    @app.get("/mirror")
    @public
    def mirror() -> list[str | None]:
        return [
            request.remote_addr,
            request.scheme,
            request.host,
            url_for("mirror", _external=True),
        ]

    return app


@pytest.mark.requirement("R77")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "app@evil.example",
        "localhost.evil.example",
        "localhost:99999",
        "localhost:",
        "localhost:80:80",
        "localhost, evil.example",
        "localhost evil.example",
        "localhost/evil",
        "<script>",
        "",
    ],
)
def test_another_name_is_refused_and_not_repeated(client: FlaskClient, host: str) -> None:
    response = client.get("/", environ_overrides={"HTTP_HOST": host})
    assert response.status_code == 400
    assert response.content_type == CONTENT_TYPE_OF_ERRORS
    assert "evil" not in response.text
    assert "<script" not in response.text
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.requirement("R77")
@pytest.mark.parametrize("path", ["/static/style.css", "/no-such-page", "/healthz"])
def test_another_name_is_refused_on_every_path(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.requirement("R77")
@pytest.mark.parametrize("host", ["LOCALHOST", "LocalHost:8000"])
def test_a_name_has_no_case(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.requirement("R76")
def test_without_a_proxy_its_headers_mean_nothing(app: Flask) -> None:
    client = browser(add_mirror(app))
    seen = client.get("/mirror", headers=FORWARDED).get_json()
    assert seen == ["127.0.0.1", "http", "localhost", "http://localhost/mirror"]


class TestBehindOneProxy:
    """PROXY_HOPS=1: what the proxy itself has added counts, and nothing before it."""

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return {"PROXY_HOPS": 1}

    @pytest.mark.requirement("R76")
    def test_the_last_hop_counts(self, app: Flask) -> None:
        client = browser(add_mirror(app))
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
        seen = client.get("/mirror", headers={**FORWARDED, **headers}).get_json()
        assert seen == ["203.0.113.7", "https", "localhost", "https://localhost/mirror"]

    @pytest.mark.requirement("R76")
    def test_its_host_and_prefix_are_not_believed(self, app: Flask) -> None:
        client = browser(add_mirror(app))
        seen = client.get("/mirror", headers=FORWARDED).get_json()
        assert "evil" not in str(seen)


class TestOverHttps:
    """EXTERNAL_URL is https: nothing is said over http."""

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return {"EXTERNAL_URL": HTTPS}

    @pytest.mark.requirement("R77")
    def test_a_page_is_sent_to_its_https_address(self, client: FlaskClient) -> None:
        response = client.get("/account?x=1", headers=PAGE)
        assert response.status_code == 308
        assert response.location == f"{HTTPS}/account?x=1"

    @pytest.mark.requirement("R77")
    @pytest.mark.parametrize("path", ["//evil.example/x", "/\r\nX-Evil: yes", "/\t/evil", "/@evil"])
    def test_it_is_sent_nowhere_else(self, client: FlaskClient, path: str) -> None:
        response = client.get("/", headers=PAGE, environ_overrides={"PATH_INFO": path})
        assert response.status_code == 308
        assert response.location.startswith(f"{HTTPS}/")
        assert "X-Evil" not in response.headers

    @pytest.mark.requirement("R77")
    def test_what_a_program_sends_is_refused(self, client: FlaskClient) -> None:
        response = log_in(client, "ada@example.org")
        assert response.status_code == 403
        assert "Location" not in response.headers
        assert client.get("/", headers={"Accept": "application/json"}).status_code == 403

    @pytest.mark.requirement("R77")
    def test_health_checks_come_from_the_machine_itself(self, client: FlaskClient) -> None:
        assert client.get("/healthz", headers=PAGE).status_code == 200
        assert client.get("/readyz", headers=PAGE).status_code == 200


class TestOrigin:
    """The origin that counts is that of EXTERNAL_URL, not the one in the Host header."""

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return {"EXTERNAL_URL": HTTPS, "PREFERRED_URL_SCHEME": "https"}

    @pytest.mark.requirement("R48")
    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            (HTTPS, 401),
            ("https://localhost", 403),
            ("http://localhost:8443", 403),
            (f"{HTTPS}/", 403),
        ],
    )
    def test_it_is_compared_exactly(self, app: Flask, origin: str, status: int) -> None:
        client = app.test_client()
        client.environ_base["HTTP_ORIGIN"] = origin
        assert log_in(client, "ada@example.org").status_code == status


@pytest.mark.requirement("R77", "R48")
def test_the_origin_is_kept_as_browsers_send_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTERNAL_URL", "HTTPS://App.Example.ORG:443/")
    config = create_app().config
    assert config["EXTERNAL_URL"] == "https://app.example.org"
    assert config["TRUSTED_HOSTS"] == ["app.example.org", "localhost"]
