"""Security events, one line each, for whoever has to find out what happened (ASVS 16.3)."""

import logging
from typing import Any

from flask import has_request_context, request

logger = logging.getLogger(__name__)


def audit(event: str, *, session: str | None = None, **details: Any) -> None:
    """Log a security event.

    `session` is the key of a record, of which the log shows a part. Never pass an address that
    somebody typed, a password, a cookie or a token: logs are read by many (CWE-532).
    """
    fields = {"event": event, **details}
    if session:
        fields["session"] = session[:16]
    if has_request_context():
        fields["ip"] = request.remote_addr
    logger.info(event, extra={"fields": fields})
