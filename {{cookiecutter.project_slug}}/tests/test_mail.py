"""Mails leave over TLS to a server that can prove its name (CWE-295)."""

import ssl
from smtplib import SMTPException
from typing import Any

import pytest
from flask import Flask

from my_flask_app import mail


class Server:
    """Stands in for smtplib's classes, and notes how it is asked for TLS."""

    contexts: list[ssl.SSLContext | None]

    def __init__(self, *_: Any, context: ssl.SSLContext | None = None, **__: Any) -> None:
        if context:
            self.contexts.append(context)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def starttls(self, *, context: ssl.SSLContext | None = None) -> None:
        self.contexts.append(context)

    def login(self, *_: str) -> None:
        return None

    def send_message(self, _: object) -> None:
        return None


@pytest.mark.parametrize("error", [OSError, UnicodeError, SMTPException])
def test_a_mail_that_cannot_be_sent_is_logged_without_its_text(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
) -> None:
    def fail(*_: object) -> None:
        raise error("secret text")

    monkeypatch.setattr(Server, "contexts", [], raising=False)
    monkeypatch.setattr(Server, "send_message", fail)
    monkeypatch.setattr("smtplib.SMTP_SSL", Server)
    app.config["MAIL_URL"] = "smtps://mail.example"
    with app.app_context():
        mail.send_mail("ada@example.org", "subject", "secret text")
    assert f"a mail could not be sent: {error.__name__}" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_servers_certificate_is_checked(
    app: Flask, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(Server, "contexts", [], raising=False)
    monkeypatch.setattr("smtplib.SMTP", Server)
    monkeypatch.setattr("smtplib.SMTP_SSL", Server)
    app.config["MAIL_URL"] = f"{scheme}://user:password@mail.example"
    with app.app_context():
        mail.send_mail("ada@example.org", "subject", "text")
    (context,) = Server.contexts
    assert context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
