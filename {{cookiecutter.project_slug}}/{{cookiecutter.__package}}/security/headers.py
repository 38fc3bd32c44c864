"""Security headers, on every response (ASVS 3.4)."""

from flask import Flask, Response

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
    """Set the headers that a view has not set itself."""
    headers = dict(HEADERS)
    if app.config["EXTERNAL_URL"].startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}; includeSubDomains"

    @app.after_request
    def set_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response
