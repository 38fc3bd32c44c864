"""By which name and over which protocol the application may be reached."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Flask, Request, redirect
from werkzeug.exceptions import BadRequest, Forbidden, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HIGHEST_PORT = 65_535
HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


def init_app(app: Flask) -> None:
    """Let the guards see the Host header in one form, and what our own proxies say."""
    app.wsgi_app = _LowerHost(app.wsgi_app)  # type: ignore[method-assign]
    hops = app.config["PROXY_HOPS"]
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=0
        )


def check_host(_: Flask, request: Request) -> None:
    """Refuse a name that is not ours."""
    trusted = not isinstance(request.routing_exception, SecurityError)
    # Werkzeug's own message would repeat the name that was sent.
    if not trusted or not _is_well_formed(request.environ.get("HTTP_HOST", "")):
        raise BadRequest("The Host header is not valid.")


@lru_cache(maxsize=100)  # a site has a name or two
def _is_well_formed(host: str) -> bool:
    match = HOST.fullmatch(host)
    return match is not None and int(match["port"] or 0) <= HIGHEST_PORT


def require_https(app: Flask, request: Request) -> Response | None:
    """Where the site is https, let nothing be said over http."""
    external_url = app.config["EXTERNAL_URL"]
    # The health checks come from the machine itself, not through the proxy that brings TLS.
    if request.is_secure or not external_url.startswith("https://"):
        return None
    if request.endpoint in ("health.alive", "health.ready"):
        return None
    # Only a page is worth a redirect: what a program sends has been exposed already.
    if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", ""):
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return redirect(external_url + quote(request.path) + query, 308)
    raise Forbidden("This site answers over https only.")


class _LowerHost:
    """Middleware that writes the Host header in lower case: names have no case (RFC 9110 4.2.3)."""

    def __init__(self, wsgi_app: "WSGIApplication") -> None:
        self.wsgi_app = wsgi_app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if "HTTP_HOST" in environ:
            environ["HTTP_HOST"] = environ["HTTP_HOST"].lower()
        return self.wsgi_app(environ, start_response)
