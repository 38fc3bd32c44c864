"""Mail: to a server, to the console, or to a file that tests and programs can read."""

import json
import logging
import smtplib
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
    except (OSError, smtplib.SMTPException) as error:
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
    connect = smtplib.SMTP_SSL if implicit_tls else smtplib.SMTP
    port = url.port or (465 if implicit_tls else 587)
    with connect(url.hostname or "", port, timeout=TIMEOUT) as server:
        if url.username:
            if not implicit_tls:
                server.starttls()  # raises where the server has none: no password in the clear
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
