"""What a session's cookie holds: its token and its values, signed. The browser can read them.

A signature alone cannot end anything: each cookie ever sent would stay good. So every session of a
user has a row in the database as well, under the digest of its token, which says whether it still
lives, whose it is and until when. What the row cannot know is which of a session's cookies is the
latest: of two requests at once the later answer wins, with all that it carries.
"""

from dataclasses import replace

from flask import Flask

from .protocol import Store
from .record import Record, UnreadableRecord, decode, encode, is_signpost, is_token
from .saving import Outcome
from .session import Session
from .signing import LARGEST, as_payload, sign, verify

OVERHEAD = 88  # bytes of the token, the signature and the two dots between
# What the row repeats of the values, since the list of devices is made without any cookie.
IN_THE_ROW = ("user_id", "session_epoch")


class SessionTooLarge(Exception):
    """A session's values do not fit into a cookie."""


def open_cookie(app: Flask, value: str, store: Store) -> tuple[str | None, Store]:
    """Return the token, or None for what is none, and the store of the session that it names."""
    token = value.partition(".")[0]
    return (token if is_token(token) else None), CookieStore(app, value, store)


def value_to_send(app: Flask, session: Session, outcome: Outcome) -> str | None:
    """Return the cookie's new value, or None when the browser's own is right.

    A read sends none, not even to sign it with a new key: a parallel request may have sent a newer
    one, which this one must not overwrite.
    """
    store = session.store
    if outcome not in (Outcome.SEND, Outcome.KEEP) or not isinstance(store, CookieStore):
        return None
    return sign(app, session.token or "", store.text) if store.text else None


class CookieStore:
    """The Store of one request: values in its cookie, all else of a user's session in a row.

    A session without a user has no row, for there is nothing to revoke: its times are signed with
    its values. What does not fit into a cookie is refused before a row is written.
    """

    def __init__(self, app: Flask, value: str, rows: Store) -> None:
        self.text: str | None = None  # what the next cookie has to carry, once it was stored
        self._app = app
        self._value = value
        self._rows = rows
        self._without_row: set[str] = set()

    def load(self, key: str) -> Record | None:
        text = verify(self._app, self._value)
        if not text.startswith("{"):
            self._without_row.add(key)
            return _anonymous(key, text)
        row = self._rows.load(key)
        if row is None or is_signpost(row):
            return row
        record = replace(row, data=text)
        known, carried = decode(row), decode(record)
        if any(known.get(name) != carried.get(name) for name in IN_THE_ROW):
            raise UnreadableRecord
        return record

    def insert(self, record: Record) -> None:
        text = self._text_of(record)
        if record.user_id is None:
            self._without_row.add(record.key)
        else:
            self._rows.insert(_row(record))
        self.text = text

    def update(self, record: Record) -> bool:
        if is_signpost(record):
            return self._rows.update(record)
        text = self._text_of(record)
        is_done = record.key in self._without_row or self._rows.update(_row(record))
        if is_done:
            self.text = text
        return is_done

    def take(self, key: str, version: int) -> bool:
        return key in self._without_row or self._rows.take(key, version)

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        if key not in self._without_row:
            self._rows.touch(key, seen_at, expires_at)

    def delete(self, key: str) -> None:
        if key not in self._without_row:
            self._rows.delete(key)

    def for_user(self, user_id: int) -> list[Record]:
        return self._rows.for_user(user_id)

    def prune(self, now: float) -> int:
        return self._rows.prune(now)

    def ping(self) -> None:
        self._rows.ping()

    def _text_of(self, record: Record) -> str:
        """Return what the cookie carries of a record. Raises SessionTooLarge."""
        text = record.data
        if record.user_id is None:
            text = f"{record.created_at} {record.seen_at} {record.expires_at} {text}"
        name = self._app.config["SESSION_COOKIE_NAME"]
        size = len(name) + OVERHEAD + len(as_payload(text))
        if size > LARGEST:
            raise SessionTooLarge(
                f"the session would be a cookie of {size} bytes, and browsers keep {LARGEST}: "
                "put what is large into the database, and into the session only its id"
            )
        return text


def _row(record: Record) -> Record:
    """Return what the row holds of a user's record: no values but those of the sign-in."""
    values = decode(record)
    return replace(record, data=encode({name: values.get(name) for name in IN_THE_ROW}))


def _anonymous(key: str, text: str) -> Record:
    try:
        created_at, seen_at, expires_at, data = text.split(" ", 3)
        times = {
            "created_at": float(created_at),
            "seen_at": float(seen_at),
            "expires_at": float(expires_at),
        }
    except ValueError as error:
        raise UnreadableRecord from error
    return Record(
        key=key, public_id="", data=data, user_id=None, version=0, user_agent="", ip="", **times
    )
