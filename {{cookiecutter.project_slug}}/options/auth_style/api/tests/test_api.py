"""The account over JSON, as a single-page app uses it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.sessions.record import is_token

from .style import log_in, register
from .support import PASSWORD, browser, cookies_set


def test_an_account_is_made_and_signs_in(client: FlaskClient) -> None:
    response = register(client, "New@Example.org")
    assert response.status_code == 201
    assert response.get_json() == {"user": {"email": "new@example.org"}}
    response = log_in(client, "new@example.org")
    assert response.status_code == 200
    assert response.get_json() == {"user": {"email": "new@example.org"}}
    assert client.get("/api/session").get_json() == {"user": {"email": "new@example.org"}}


def test_an_address_that_is_taken_is_a_conflict(client: FlaskClient, user: User) -> None:
    assert register(client, user.email).status_code == 409


def test_nobody_is_signed_in_without_a_cookie(client: FlaskClient) -> None:
    assert client.get("/api/session").status_code == 401


@pytest.mark.requirement("R17", "R10")
def test_the_answer_to_a_sign_in_holds_no_token(client: FlaskClient, user: User) -> None:
    response = log_in(client, user.email)
    (header,) = cookies_set(response)
    token = header.split(";")[0].partition("=")[2][:43]
    assert is_token(token)
    assert token not in response.text


def test_signing_out_twice_is_no_error(signed_in_client: FlaskClient) -> None:
    for _ in range(2):
        response = signed_in_client.delete("/api/session")
        assert response.status_code == 204
        assert response.data == b""


def test_devices_are_listed_and_revoked(app: Flask, user: User) -> None:
    desk, phone = browser(app), browser(app)
    phone.environ_base["HTTP_USER_AGENT"] = "Safari on a phone"
    log_in(phone, user.email)
    log_in(desk, user.email)
    devices = desk.get("/api/sessions").get_json()["sessions"]
    (other,) = (device for device in devices if not device["current"])
    assert other["user_agent"] == "Safari on a phone"
    assert desk.delete(f"/api/sessions/{other['id']}").status_code == 204
    assert desk.delete(f"/api/sessions/{other['id']}").status_code == 404
    assert phone.get("/api/session").status_code == 401
    assert desk.get("/api/session").status_code == 200


def test_a_changed_password_is_the_one_that_counts(app: Flask, client: FlaskClient) -> None:
    register(client, "new@example.org")
    log_in(client, "new@example.org")
    body = {"password": PASSWORD, "new_password": "another long passphrase of mine"}
    assert client.put("/api/password", json=body).status_code == 204
    assert log_in(browser(app), "new@example.org").status_code == 401
    assert log_in(browser(app), "new@example.org", body["new_password"]).status_code == 200


@pytest.mark.requirement("R50")
def test_there_is_one_small_page_for_people(client: FlaskClient) -> None:
    response = client.get("/")
    assert response.mimetype == "text/html"
    assert "</form>" not in response.text
    assert "<script" not in response.text
