"""Security headers, on every response (ASVS 3.4)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = {
    # Nothing from elsewhere, nothing inline. A page that needs more sets its own policy.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'; object-src 'none'"
    ),
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
TWO_YEARS = 63_072_000  # seconds


def init_app(app: Flask) -> None:
    """Add the headers that a view has not set itself."""
    headers = dict(HEADERS)
    if app.config["EXTERNAL_URL"].startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}; includeSubDomains"

    app.wsgi_app = _AddHeaders(app.wsgi_app, headers)  # type: ignore[method-assign]


class _AddHeaders:
    """Middleware: no answer gets past it, and `after_request` would take several times as long."""

    def __init__(self, wsgi_app: "WSGIApplication", headers: dict[str, str]) -> None:
        self.wsgi_app = wsgi_app
        self.headers = [(name.lower(), (name, value)) for name, value in headers.items()]

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        def start_with_headers(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            added = [header for name, header in self.headers if name not in present]
            return start_response(status, headers + added, *error)

        return self.wsgi_app(environ, start_with_headers)
