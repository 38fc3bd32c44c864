"""Requests that change something must come from our own pages (CWE-352).

Browsers say where a request comes from, and pages cannot forge it: first in Sec-Fetch-Site, else in
Origin. This is the rule of Go's CrossOriginProtection; it needs no tokens in forms, and so no
session for visitors. `SameSite=Lax` and the cookie's `__Host-` name stand beside it.
"""

from flask import Flask, Request
from werkzeug.exceptions import Forbidden

from .audit import audit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOriginRequest(Forbidden):
    """The request did not come from a page of this application."""

    description = "This request did not come from a page of this site."


def require_same_origin(app: Flask, request: Request) -> None:
    """Refuse unsafe requests from elsewhere."""
    if request.method not in SAFE_METHODS and not _is_same_origin(app, request):
        audit("csrf_refused")
        raise CrossOriginRequest


def _is_same_origin(app: Flask, request: Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == _own_origin(app, request)
    # No browser that can be tricked sends neither. A program may, as long as it brings no cookie.
    return app.config["SESSION_COOKIE_NAME"] not in request.cookies


def _own_origin(app: Flask, request: Request) -> str:
    if app.config["APP_ENV"] == "development":
        return f"{request.scheme}://{request.host}"
    return str(app.config["EXTERNAL_URL"])
