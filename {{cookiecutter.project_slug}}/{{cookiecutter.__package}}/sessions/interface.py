"""Where Flask and the session layer meet: the cookie, and the headers that depend on it."""

from datetime import UTC, datetime
from functools import partial

from flask import Flask, Request, Response
from flask.sessions import SessionInterface as FlaskSessionInterface
from flask.sessions import SessionMixin
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.sansio.http import parse_cookie

from .cookie import open_cookie, value_to_send
from .protocol import Store, StoreUnavailable
from .record import LONGEST_IP, LONGEST_USER_AGENT
from .saving import Outcome, save
from .session import Session, SessionRules, Visitor

RETRY_AFTER = 5  # seconds

HEADERS_OF_THE_LOST_ANSWER = (
    "Accept-Ranges",
    "Clear-Site-Data",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Location",
    "Set-Cookie",
)


class SessionInterface(FlaskSessionInterface):
    """Opens a session for each request, which costs nothing until it is used, and saves it."""

    def __init__(self, rules: SessionRules) -> None:
        self.rules = rules

    def open_session(self, app: Flask, request: Request) -> Session:
        """Return the session of this request. Neither cookie nor store is read before its use."""
        return Session(partial(self._open, app, request), partial(_visitor, request), self.rules)

    def _open(self, app: Flask, request: Request) -> tuple[str | None, Store]:
        """Return the token in the cookie, if there is one, and the store of its session."""
        # As `request.cookies` does it, which copies all of the request's headers first.
        cookies = parse_cookie(request.environ.get("HTTP_COOKIE"))
        value = cookies.get(self.get_cookie_name(app), "")
        return open_cookie(app, value, self.rules.store)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the session back if this request used it, and tell the browser what it must know.

        An exception here would escape Flask's error handlers, so a store that fails turns the
        response into the error page. Values that cannot be stored at all are a fault of the
        program: Flask logs the exception and answers 500, and the session stays as it was.
        """
        if not isinstance(session, Session) or not (session.loaded or session.failed):
            return
        response.headers.add("Vary", "Cookie")
        if session.failed or session.refused:
            response.headers["Cache-Control"] = "no-store"
            return
        # As it was before the save: an answer to somebody signed out meanwhile is private, too.
        was_signed_in = session.record is not None and session.record.user_id is not None
        try:
            outcome = save(session)
        except StoreUnavailable:
            self.rules.report("session_store_unavailable")
            _replace_by_error(app, response)
            return
        except Exception:
            session.refused = True
            raise
        value = value_to_send(app, session, outcome)
        if was_signed_in or "user_id" in session or value or outcome is Outcome.DELETE:
            response.headers["Cache-Control"] = "no-store"
        if value:
            self._send(app, session, value, response)
        elif outcome is Outcome.DELETE:
            self._delete(app, response)
        calls, session.after_save = session.after_save, []
        if outcome is not Outcome.LOST:
            for call in calls:
                call()

    def _send(self, app: Flask, session: Session, value: str, response: Response) -> None:
        expires = None
        if session.permanent:
            end = session.created_at + self.rules.lifetime.absolute
            expires = datetime.fromtimestamp(end, UTC)
        response.set_cookie(
            self.get_cookie_name(app),
            value,
            expires=expires,
            path="/",
            secure=self.get_cookie_secure(app),
            httponly=True,
            samesite=self.get_cookie_samesite(app),
        )

    def _delete(self, app: Flask, response: Response) -> None:
        # A `__Host-` cookie stays unless its deletion has the same attributes (RFC 6265bis).
        response.delete_cookie(
            self.get_cookie_name(app),
            path="/",
            secure=self.get_cookie_secure(app),
            httponly=True,
            samesite=self.get_cookie_samesite(app),
        )


def _visitor(request: Request) -> Visitor:
    """Return what a new record notes about who sent the request."""
    agent = "".join(filter(str.isprintable, request.user_agent.string))[:LONGEST_USER_AGENT]
    return Visitor(user_agent=agent, ip=(request.remote_addr or "")[:LONGEST_IP])


def _replace_by_error(app: Flask, response: Response) -> None:
    """Turn the finished response into 503: what it reports as done was not stored."""
    error = ServiceUnavailable(retry_after=RETRY_AFTER)
    page = app.make_response(app.handle_user_exception(error))
    body = response.response
    if hasattr(body, "close"):
        response.call_on_close(body.close)
    response.direct_passthrough = False
    response.status_code = page.status_code
    response.set_data(page.get_data())
    response.content_type = page.content_type
    for name in HEADERS_OF_THE_LOST_ANSWER:
        response.headers.pop(name, None)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    response.headers["Cache-Control"] = "no-store"
