"""Where somebody is sent after signing in: a page of this site, whatever a link says (CWE-601)."""

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.security.redirects import local_path

from .support import PASSWORD, browser

DEFAULT = "/account"

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/\0/evil.example",
    "/\x7f/evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "localhost@evil.example",
    "http://localhost@evil.example",
    "http://localhost/account",  # our own, but not a path
    "//localhost/account",
    "?next=//evil.example",
    "#//evil.example",
    "/\r\nSet-Cookie: a=b",
    "/account\r\nLocation: //evil.example",
    "//[evil",
    "/\u2028/evil.example\n",
    "",
    " ",
    ".",
    "x" * 3000,
    "/" + "x" * 3000,
]

# Odd, but paths of this site when they leave; what counts is where a browser goes with them.
ODD_PATHS = [
    "/%2F/evil.example",
    "/%2f%2fevil.example",
    "/%5Cevil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:a=b",
    "/%25%32%46/evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/@evil.example",
    "/;@evil.example",
    "/:80/evil.example",
    "/https://evil.example",
    "/\uff0f/evil.example",
    "/\u2215/evil.example",
    "/?next=//evil.example",
    "/#//evil.example",
]

ORDINARY = ["/", "/account", "/account/sessions", "/search?q=a%20b&page=2", "/größe?q=ä"]


def log_in(client: FlaskClient, user: User, target: str) -> str:
    """Sign in, and return the Location of the answer."""
    data = {"email": user.email, "password": PASSWORD, "next": target}
    response = client.post("/login", data=data)
    assert response.status_code == 303
    return response.location


def confirm(client: FlaskClient, user: User, target: str) -> str:
    """Prove to be the user, and return the Location of the answer."""
    response = client.post("/reauthenticate", data={"password": PASSWORD, "next": target})
    assert response.status_code == 303
    return response.location


@pytest.mark.requirement("R73")
@pytest.mark.parametrize("send", [log_in, confirm])
def test_a_link_cannot_send_anybody_to_another_site(
    signed_in_client: FlaskClient, user: User, send: Callable[[FlaskClient, User, str], str]
) -> None:
    for target in ELSEWHERE:
        assert send(signed_in_client, user, target) == DEFAULT, repr(target)


@pytest.mark.requirement("R73")
def test_an_odd_path_stays_on_this_site(signed_in_client: FlaskClient, user: User) -> None:
    for target in ODD_PATHS:
        location = log_in(signed_in_client, user, target)
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))
        assert location.isascii()
        assert location.isprintable()
        there = urlsplit(urljoin("https://app.example.org/login", location))
        assert (there.scheme, there.netloc) == ("https", "app.example.org"), target


@pytest.mark.requirement("R73")
def test_an_ordinary_path_is_where_it_leads(signed_in_client: FlaskClient, user: User) -> None:
    for target in ORDINARY[:-1]:
        assert log_in(signed_in_client, user, target) == target
    assert log_in(signed_in_client, user, ORDINARY[-1]) == "/gr%C3%B6%C3%9Fe?q=%C3%A4"


@pytest.mark.requirement("R73")
def test_what_was_asked_for_comes_after_the_sign_in(app: Flask, user: User) -> None:
    client = browser(app)
    asked = client.get("/account/sessions?page=2")
    assert asked.status_code == 303
    form = client.get(asked.location)
    assert 'value="/account/sessions?page=2"' in form.text
    assert log_in(client, user, "/account/sessions?page=2") == "/account/sessions?page=2"


@pytest.mark.requirement("R73")
@pytest.mark.parametrize("path", ["//evil.example/..", "/\t/evil.example", "/%0d%0aX: y"])
def test_an_odd_address_that_needs_a_sign_in_is_remembered_safely(
    app: Flask, client: FlaskClient, user: User, path: str
) -> None:
    @app.get("/<path:anything>")
    def anything(anything: str) -> str:
        return anything

    response = client.get("/x", environ_overrides={"PATH_INFO": path})
    assert response.status_code in (303, 308)
    assert response.location.startswith(("/login?next=", "http://localhost/"))
    assert "X" not in response.headers


def test_a_form_that_was_sent_is_not_sent_again(client: FlaskClient) -> None:
    response = client.post("/account/password", data={"password": PASSWORD})
    assert response.location == "/login?next=/"


@pytest.mark.requirement("R73")
def test_the_check_itself() -> None:
    for target in (None, *ELSEWHERE[:-2]):
        assert local_path(target, "/default") == "/default", repr(target)
