"""What changes something must come from our own pages (CWE-352)."""

from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.security.access import public

from .routes import routes_of
from .style import CONTENT_TYPE_OF_ERRORS, is_signed_in, log_in, log_out, register, succeeded
from .support import browser, cookies_set

OWN = "http://localhost"  # the origin of EXTERNAL_URL where nothing else is set
EVIL = "http://evil.example"
FOREIGN = [
    EVIL,
    "https://localhost",  # another scheme
    "http://localhost:8080",  # another port
    "http://localhost.evil.example",
    "http://evil.example/http://localhost",
    "null",
    "",
]

# What browsers say of themselves: Sec-Fetch-Site, and whether that alone decides.
VERDICTS = {
    "same-origin": True,
    "none": True,  # typed or a bookmark: nobody else's doing
    "same-site": False,  # another subdomain is another application
    "cross-site": False,
    "": False,
    "SAME-ORIGIN, cross-site": False,
}


@pytest.fixture
def bare(app: Flask) -> FlaskClient:
    """A client that says nothing about where its requests come from."""
    return app.test_client()


@pytest.fixture
def bare_signed_in(bare: FlaskClient, user: User) -> FlaskClient:
    with bare.session_transaction() as session:
        session["user_id"] = user.id
    return bare


@pytest.fixture(autouse=True)
def counter(app: Flask) -> list[str]:
    """Add a view as a developer would write it, and return what it has done."""
    done: list[str] = []

    @app.route("/change", methods=["POST", "PUT", "PATCH", "DELETE"])
    @public
    def change() -> str:
        done.append("changed")
        return "changed"

    return done


def send(client: FlaskClient, headers: Mapping[str, str | None], method: str = "POST") -> int:
    present = {name: value for name, value in headers.items() if value is not None}
    return client.open("/change", method=method, headers=present).status_code


@pytest.mark.requirement("R45", "R46")
def test_every_unsafe_route_refuses_a_request_from_another_site(
    app: Flask, bare_signed_in: FlaskClient
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": EVIL}
    unsafe = [route for route in routes_of(app) if not route.is_safe]
    assert len(unsafe) > 4
    for route in unsafe:
        response = bare_signed_in.open(route.path, method=route.method, headers=headers)
        assert response.status_code == 403, route
        assert response.content_type == CONTENT_TYPE_OF_ERRORS
        assert cookies_set(response) == []
    assert is_signed_in(bare_signed_in)


@pytest.mark.requirement("R45", "R47")
def test_every_unsafe_route_refuses_a_cookie_without_a_word_about_where_it_comes_from(
    app: Flask, bare_signed_in: FlaskClient
) -> None:
    for route in routes_of(app):
        if not route.is_safe:
            response = bare_signed_in.open(route.path, method=route.method)
            assert response.status_code == 403, route


@pytest.mark.requirement("R48")
@pytest.mark.parametrize("site", VERDICTS)
def test_sec_fetch_site_decides_whatever_the_origin_says(
    bare_signed_in: FlaskClient, counter: list[str], site: str
) -> None:
    for origin in (None, OWN, *FOREIGN):
        status = send(bare_signed_in, {"Sec-Fetch-Site": site, "Origin": origin})
        assert status == (200 if VERDICTS[site] else 403), origin
    assert bool(counter) == VERDICTS[site]


@pytest.mark.requirement("R48")
def test_without_it_a_foreign_origin_is_refused(
    app: Flask, bare_signed_in: FlaskClient, counter: list[str]
) -> None:
    for origin in FOREIGN:
        assert send(bare_signed_in, {"Origin": origin}) == 403, origin
        assert send(app.test_client(), {"Origin": origin}) == 403, origin
    assert counter == []


@pytest.mark.requirement("R48")
def test_without_it_our_own_origin_is_enough(bare_signed_in: FlaskClient) -> None:
    assert send(bare_signed_in, {"Origin": OWN}) == 200


@pytest.mark.requirement("R47", "R48")
def test_with_neither_only_a_program_without_a_cookie_passes(
    app: Flask, bare_signed_in: FlaskClient
) -> None:
    assert send(bare_signed_in, {}) == 403
    assert send(app.test_client(), {}) == 200


@pytest.mark.requirement("R45")
def test_every_unsafe_method_is_checked(bare_signed_in: FlaskClient, counter: list[str]) -> None:
    methods = ["POST", "PUT", "PATCH", "DELETE"]
    for method in methods:
        assert send(bare_signed_in, {"Sec-Fetch-Site": "cross-site"}, method) == 403
    assert counter == []
    for method in methods:
        assert send(bare_signed_in, {"Sec-Fetch-Site": "same-origin"}, method) == 200


@pytest.mark.requirement("R46")
def test_another_site_cannot_sign_a_visitor_in(app: Flask, user: User) -> None:
    visitor = browser(app)
    visitor.environ_base |= {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": EVIL}
    response = log_in(visitor, user.email)
    assert response.status_code == 403
    assert cookies_set(response) == []


@pytest.mark.requirement("R46")
def test_another_site_cannot_make_an_account(app: Flask) -> None:
    visitor = browser(app)
    visitor.environ_base["HTTP_SEC_FETCH_SITE"] = "same-site"
    assert register(visitor, "new@example.org").status_code == 403
    assert log_in(browser(app), "new@example.org").status_code == 401


@pytest.mark.requirement("R45")
def test_another_site_cannot_sign_a_visitor_out(signed_in_client: FlaskClient) -> None:
    signed_in_client.environ_base["HTTP_SEC_FETCH_SITE"] = "cross-site"
    response = log_out(signed_in_client)
    assert response.status_code == 403
    assert "Clear-Site-Data" not in response.headers
    assert is_signed_in(signed_in_client)


def test_a_link_from_another_site_works(app: Flask, signed_in_client: FlaskClient) -> None:
    signed_in_client.environ_base |= {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": EVIL}
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R50")
def test_a_safe_method_cannot_be_turned_into_another(
    bare_signed_in: FlaskClient, counter: list[str]
) -> None:
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        response = bare_signed_in.get("/change?_method=DELETE", headers={header: "POST"})
        assert response.status_code == 405
    assert counter == []


def test_a_sign_in_from_our_own_page_works(client: FlaskClient, user: User) -> None:
    assert succeeded(log_in(client, user.email))
