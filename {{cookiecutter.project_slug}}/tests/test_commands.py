"""The commands of whoever runs the application."""

import re
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.config import _check_secret_key
from my_flask_app.models import User

from .stores import record_of
from .style import is_signed_in, log_in, succeeded
from .support import PASSWORD, Clock, browser, token_of

Flask_ = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Flask_:
    """Run `flask ...`, and return how that ended."""

    def flask(*arguments: str, stdin: str = "") -> Result:
        return app.test_cli_runner().invoke(args=list(arguments), input=stdin)

    return flask


@pytest.fixture
def devices(app: Flask, user: User) -> list[FlaskClient]:
    """Three browsers in which the user is signed in."""
    browsers = [browser(app) for _ in range(3)]
    for client in browsers:
        log_in(client, user.email)
    return browsers


def test_a_user_is_created_with_the_password_from_standard_input(
    flask: Flask_, client: FlaskClient
) -> None:
    result = flask("users", "create", "New@Example.org", stdin=f"{PASSWORD}\nand more\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert succeeded(log_in(client, "new@example.org"))


@pytest.mark.requirement("R52")
@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("new@example.org", "short"),
        ("new@example.org", ""),
        ("new@example.org", "passwordpassword"),
        ("no address", PASSWORD),
        ("ada@example.org", PASSWORD),
    ],
)
def test_a_user_that_could_not_register_is_not_created_either(
    flask: Flask_, user: User, email: str, password: str
) -> None:
    result = flask("users", "create", email, stdin=f"{password}\n")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


@pytest.mark.requirement("R38")
def test_disabling_a_user_ends_every_session(
    flask: Flask_, app: Flask, devices: list[FlaskClient], user: User
) -> None:
    assert flask("users", "disable", user.email).exit_code == 0
    assert not any(is_signed_in(device) for device in devices)
    assert all(record_of(app, device) is None for device in devices)
    assert log_in(browser(app), user.email).status_code == 401


@pytest.mark.requirement("R38")
def test_enabling_a_user_brings_no_session_back(
    flask: Flask_, app: Flask, devices: list[FlaskClient], user: User
) -> None:
    flask("users", "disable", user.email)
    assert flask("users", "enable", user.email).exit_code == 0
    assert not any(is_signed_in(device) for device in devices)
    assert succeeded(log_in(browser(app), user.email))


@pytest.mark.requirement("R40")
def test_the_list_of_sessions_shows_where_a_user_is_signed_in_and_no_token(
    flask: Flask_, devices: list[FlaskClient], user: User
) -> None:
    lines = flask("sessions", "list", user.email).output.splitlines()
    assert len(lines) == 3
    for line, device in zip(lines, devices, strict=True):
        assert "127.0.0.1  Firefox on a test" in line
        assert not any((token_of(device) or "?") in line for device in devices)


@pytest.mark.requirement("R40")
def test_one_session_can_be_revoked(
    flask: Flask_, app: Flask, devices: list[FlaskClient], user: User
) -> None:
    record = record_of(app, devices[1])
    assert record
    assert flask("sessions", "revoke", user.email, "--id", record.public_id).exit_code == 0
    assert [is_signed_in(device) for device in devices] == [True, False, True]


@pytest.mark.requirement("R40")
def test_all_sessions_of_a_user_can_be_revoked(
    flask: Flask_, app: Flask, devices: list[FlaskClient], user: User, other_user: User
) -> None:
    other = browser(app)
    log_in(other, other_user.email)
    assert flask("sessions", "revoke", user.email).exit_code == 0
    assert not any(is_signed_in(device) for device in devices)
    assert is_signed_in(other)


@pytest.mark.requirement("R40")
def test_everybodys_sessions_can_be_revoked(
    flask: Flask_, app: Flask, devices: list[FlaskClient], other_user: User
) -> None:
    other = browser(app)
    log_in(other, other_user.email)
    assert flask("sessions", "revoke", "--all").exit_code == 0
    assert not any(is_signed_in(client) for client in [*devices, other])
    assert succeeded(log_in(other, other_user.email))


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions", "revoke"],
        ["sessions", "revoke", "ada@example.org", "--all"],
        ["sessions", "revoke", "--all", "--id", "x"],
        ["sessions", "revoke", "ada@example.org", "--id", "x"],
        ["sessions", "revoke", "nobody@example.org"],
        ["sessions", "list", "nobody@example.org"],
        ["users", "disable", "nobody@example.org"],
        ["users", "enable", "no address"],
    ],
)
def test_a_command_that_cannot_be_meant_is_refused(
    flask: Flask_, devices: list[FlaskClient], arguments: list[str]
) -> None:
    result = flask(*arguments)
    assert result.exit_code in (1, 2)
    assert "Error: " in result.output
    assert "Traceback" not in result.output
    assert all(is_signed_in(device) for device in devices)


@pytest.mark.requirement("R35")
def test_pruning_deletes_no_live_session(
    flask: Flask_, devices: list[FlaskClient], clock: Clock
) -> None:
    assert flask("sessions", "prune").exit_code == 0
    assert all(is_signed_in(device) for device in devices)


@pytest.mark.requirement("R02")
def test_a_fresh_key_is_good_enough_and_another_one_each_time(flask: Flask_) -> None:
    keys = {flask("secret").output.strip() for _ in range(3)}
    assert len(keys) == 3
    for key in keys:
        assert re.fullmatch(r"[0-9a-f]{64}", key)
        _check_secret_key(key)
