"""What happened can be found out afterwards, and no secret with it (ASVS 16.2 and 16.3)."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from flask.testing import FlaskClient

from my_flask_app.database import db
from my_flask_app.logs import JsonFormatter, TextFormatter
from my_flask_app.models import User
from my_flask_app.security.access import public

from .stores import record_of
from .style import (
    change_password,
    is_signed_in,
    log_in,
    log_out,
    reauthenticate,
    register,
    revoke,
    revoke_others,
)
from .support import PASSWORD, Clock, browser, token_of

NEW_PASSWORD = "another long passphrase of mine"
TYPED = "not the password of ada"


class Log:
    """What the application has logged, as it leaves."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the security events of this name."""
        entries = [json.loads(line) for line in self.lines]
        return [entry for entry in entries if entry.get("event") == name]


@pytest.fixture
def log(app: Flask, user: User) -> Iterator[Log]:
    """The log in JSON, from after the user was made."""
    log = Log()
    handler = logging.StreamHandler(log.stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger(app.import_name)
    logger.addHandler(handler)
    yield log
    logger.removeHandler(handler)


@pytest.fixture
def signed_in(app: Flask, user: User, log: Log) -> FlaskClient:
    """A browser that has signed in as people do; `log` has seen it."""
    client = browser(app)
    log_in(client, user.email)
    return client


@pytest.mark.requirement("R70")
def test_a_sign_in_is_one_event_that_says_who_when_and_where_from(
    app: Flask, client: FlaskClient, user: User, log: Log
) -> None:
    log_in(client, user.email)
    (event,) = log.events("sign_in")
    record = record_of(app, client)
    assert record
    assert event["user_id"] == user.id
    assert event["ip"] == "127.0.0.1"
    assert event["session"] == record.key[:16]
    assert re.fullmatch(r"[0-9a-f]{16}", event["request_id"])
    time = datetime.fromisoformat(event["time"])
    assert time.tzinfo == UTC
    assert abs((datetime.now(UTC) - time).total_seconds()) < 60


def come_back_late(client: FlaskClient, clock: Clock) -> None:
    clock.advance(days=400)
    assert not is_signed_in(client)


EVENTS: dict[str, Callable[[FlaskClient, Clock], object]] = {
    "password_changed": lambda client, _: change_password(client, NEW_PASSWORD),
    "reauthenticated": lambda client, _: reauthenticate(client),
    "session_expired": come_back_late,
    "sign_in_failed": lambda client, _: reauthenticate(client, TYPED),
    "sign_out": lambda client, _: log_out(client),
}


@pytest.mark.requirement("R70")
@pytest.mark.parametrize("event", EVENTS)
def test_what_a_user_does_is_one_event(
    signed_in: FlaskClient, user: User, log: Log, clock: Clock, event: str
) -> None:
    EVENTS[event](signed_in, clock)
    (entry,) = log.events(event)
    assert entry["user_id"] == user.id
    assert entry["ip"] == "127.0.0.1"


@pytest.mark.requirement("R70")
def test_a_failed_sign_in_says_whose_account_it_was_if_there_is_one(
    client: FlaskClient, user: User, log: Log
) -> None:
    log_in(client, user.email, TYPED)
    log_in(client, "nobody@example.org", TYPED)
    assert [event["user_id"] for event in log.events("sign_in_failed")] == [user.id, None]
    assert log.events("sign_in") == []


@pytest.mark.requirement("R70")
def test_a_session_that_is_revoked_is_one_event(
    app: Flask, signed_in: FlaskClient, user: User, log: Log
) -> None:
    phone = browser(app)
    log_in(phone, user.email)
    record = record_of(app, phone)
    assert record
    revoke(signed_in, record.public_id)
    (event,) = log.events("session_revoked")
    assert (event["user_id"], event["session"]) == (user.id, record.key[:16])
    log_in(phone, user.email)
    revoke_others(signed_in)
    assert len(log.events("session_revoked")) == 2


@pytest.mark.requirement("R70")
def test_a_request_from_another_site_is_one_event(client: FlaskClient, log: Log) -> None:
    client.post("/", headers={"Sec-Fetch-Site": "cross-site"})
    (event,) = log.events("csrf_refused")
    assert event["ip"] == "127.0.0.1"


@pytest.mark.requirement("R70")
def test_the_throttle_is_one_event_a_refusal(client: FlaskClient, user: User, log: Log) -> None:
    statuses = [log_in(client, user.email, TYPED).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert len(log.events("sign_in_throttled")) == 2
    assert len(log.events("sign_in_failed")) == 5


@pytest.mark.requirement("R70")
def test_a_new_account_is_one_event(client: FlaskClient, log: Log) -> None:
    register(client, "new@example.org")
    (event,) = log.events("user_created")
    assert isinstance(event["user_id"], int)


@pytest.mark.requirement("R70")
def test_the_lines_of_a_request_have_its_id(client: FlaskClient, log: Log) -> None:
    for _ in range(2):
        log_in(client, "nobody@example.org", TYPED)
    first, second = (event["request_id"] for event in log.events("sign_in_failed"))
    assert first != second


@pytest.mark.requirement("R71")
def test_no_secret_is_ever_logged(
    app: Flask, client: FlaskClient, user: User, log: Log, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = {PASSWORD, NEW_PASSWORD, TYPED, "who.typed.this@example.org", user.email}
    secrets.add(app.config["SECRET_KEY"])
    log_in(client, user.email)
    secrets.add(token_of(client) or "")
    reauthenticate(client)
    secrets.add(token_of(client) or "")
    change_password(client, NEW_PASSWORD)
    secrets.add(token_of(client) or "")
    register(client, "who.typed.this@example.org", TYPED)
    log_in(client, "who.typed.this@example.org", TYPED)
    secrets.add(token_of(client) or "")
    revoke_others(client)
    secrets.add(token_of(client) or "")
    log_out(client)
    log_in(client, user.email, TYPED)
    client.post("/", headers={"Sec-Fetch-Site": "cross-site"})
    everything = log.stream.getvalue() + "".join(capfd.readouterr())
    assert len(log.lines) >= 8
    assert "" not in secrets
    assert [secret for secret in secrets if secret in everything] == []


@pytest.mark.requirement("R71")
@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_a_line_break_in_what_is_logged_makes_no_second_line(
    formatter: logging.Formatter,
) -> None:
    forged = "a\r\nINFO sign_in user_id=1 \x1b[31m\u2028\x85"
    record = logging.LogRecord("app", logging.INFO, "", 0, "%s", (forged,), None)
    record.fields = {"ip": forged}
    line = formatter.format(record)
    assert line.isprintable()
    assert line.isascii()


@pytest.mark.requirement("R71", "R70")
def test_a_fault_is_one_line_too(app: Flask, client: FlaskClient, log: Log) -> None:
    @app.get("/broken")
    @public
    def broken() -> str:
        raise RuntimeError("first line\nsecond line")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/broken").status_code == 500
    (line,) = log.lines
    entry = json.loads(line)
    assert entry["level"] == "ERROR"
    assert "RuntimeError: first line\nsecond line" in entry["exception"]


@pytest.mark.requirement("R71")
def test_a_faulty_query_does_not_log_what_was_in_it(
    app: Flask, client: FlaskClient, log: Log
) -> None:
    @app.get("/query")
    @public
    def query() -> str:
        db.session.execute(sa.text("SELECT :value FROM nowhere"), {"value": TYPED})
        return ""

    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = client.get("/query")
    assert response.status_code in (500, 503)
    assert TYPED not in log.stream.getvalue()
    assert "nowhere" not in response.text


def test_the_text_for_people_is_short(app: Flask) -> None:
    record = logging.LogRecord("app", logging.INFO, "", 0, "sign_in", (), None)
    record.fields = {"event": "sign_in", "user_id": 7}
    with app.test_request_context():
        assert current_app
        assert TextFormatter().format(record) == "INFO    sign_in user_id=7"
