"""Log lines: JSON for machines, one line an event; text for people."""

import json
import logging
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, has_request_context


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the time in UTC. Control characters are escaped (CWE-117)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        return json.dumps(self.fields(record), default=str)

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what the line says."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            fields["request_id"] = request_id()
        fields |= getattr(record, "fields", {})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return fields


class TextFormatter(JsonFormatter):
    """The same for one's own terminal: short, but with the traceback as Python prints it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as `LEVEL message key=value ...`."""
        fields = self.fields(record)
        exception = fields.pop("exception", None)
        message = json.dumps(fields.pop("message"))[1:-1]
        for name in ("time", "level", "logger", "event", "request_id"):
            fields.pop(name, None)
        details = "".join(f" {name}={json.dumps(value)}" for name, value in fields.items())
        line = f"{record.levelname:7} {message}{details}"
        return f"{line}\n{exception}" if exception else line


def request_id() -> str:
    """Return the random id by which the lines of one request find each other."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)


def init_app(app: Flask) -> None:
    """Send what this application logs, from INFO up, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if app.config["LOG_FORMAT"] == "json" else TextFormatter())
    own = logging.getLogger(app.import_name)
    own.handlers = [handler]
    own.setLevel(logging.INFO)
