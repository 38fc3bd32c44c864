"""One request, handed to a WSGI application without a server in between."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]

HOST = "app.example.org"
ORIGIN = f"https://{HOST}"

# What a browser sends, to every application alike.
BROWSER = {
    "SERVER_NAME": HOST,
    "SERVER_PORT": "443",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "203.0.113.7",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "HTTP_HOST": HOST,
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
    "HTTP_SEC_FETCH_SITE": "same-origin",
    "HTTP_SEC_FETCH_MODE": "navigate",
    "HTTP_SEC_FETCH_DEST": "document",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "https",
    "wsgi.errors": io.StringIO(),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Call:
    """A request that can be made again and again. The cookie stays what it was."""

    def __init__(
        self,
        application: Application,
        path: str,
        *,
        cookie: str = "",
        form: dict[str, str] | None = None,
    ) -> None:
        self._application = application
        self._body = urlencode(form).encode() if form else b""
        self._environ = {**BROWSER, "REQUEST_METHOD": "POST" if form else "GET", "PATH_INFO": path}
        if cookie:
            self._environ["HTTP_COOKIE"] = cookie
        if form:
            self._environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
            self._environ["CONTENT_LENGTH"] = str(len(self._body))
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def __call__(self) -> bytes:
        """Make the request, and return the body of the answer."""
        environ = self._environ.copy()
        environ["wsgi.input"] = io.BytesIO(self._body)
        answer = self._application(environ, self._start)
        try:
            return b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def _start(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self.status = status
        self.headers = headers

    def check(self, expected: str) -> None:
        """Make the request once. Raises RuntimeError when the answer is not the expected one."""
        body = self().decode(errors="replace")
        if not self.status.startswith("200") or body != expected:
            path = self._environ["PATH_INFO"]
            raise RuntimeError(f"{path} answered {self.status} {body[:300]!r}, not {expected!r}")


def new_cookie(application: Application, path: str) -> str:
    """Make a request without a cookie, and return the one that the answer sets."""
    call = Call(application, path)
    body = call()
    cookies = [value.partition(";")[0] for name, value in call.headers if name == "Set-Cookie"]
    if not cookies:
        raise RuntimeError(f"{path} answered {call.status} {body[:300]!r} and set no cookie")
    return "; ".join(cookies)
