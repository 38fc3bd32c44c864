"""Mail: to a server, to the console, or to a file that tests and programs can read."""

import json
import logging
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from flask import current_app

logger = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds


def send_mail(to: str, subject: str, text: str) -> None:
    """Send a mail as MAIL_URL says.

    A mail that cannot be sent is logged, without its text, and the request goes on.
    """
    url = urlsplit(current_app.config["MAIL_URL"])
    try:
        if url.scheme == "console":
            logger.info("mail", extra={"fields": {"to": to, "subject": subject, "text": text}})
        elif url.scheme == "file":
            _append(Path(unquote(url.path)), {"to": to, "subject": subject, "text": text})
        else:
            _send(url, to, subject, text)
    except (OSError, UnicodeError, smtplib.SMTPException) as error:
        logger.warning("a mail could not be sent: %s", type(error).__name__)


def _append(path: Path, mail: dict[str, str]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(mail) + "\n")


def _send(url: SplitResult, to: str, subject: str, text: str) -> None:
    message = EmailMessage()
    message["From"] = current_app.config["MAIL_FROM"]
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    implicit_tls = url.scheme == "smtps"
    port = url.port or (465 if implicit_tls else 587)
    with _connect(url.hostname or "", port, implicit_tls) as server:
        if url.username:
            if not implicit_tls:
                # Raises where the server has no TLS: no password in the clear.
                server.starttls(context=ssl.create_default_context())
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _connect(host: str, port: int, implicit_tls: bool) -> smtplib.SMTP:
    # smtplib by itself checks no certificate (CWE-295).
    if implicit_tls:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(host, port, timeout=TIMEOUT)
