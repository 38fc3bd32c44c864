"""The session object that views see as `flask.session`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask.sessions import SessionMixin

from .lifetime import Lifetime
from .protocol import Store, StoreUnavailable
from .record import Record, UnreadableRecord, decode, is_signpost, key_of

# What an anonymous visitor's session may carry over into a sign-in, and out of it again. Anything
# else might have been planted by whoever held the browser before (session fixation, CWE-384).
KEPT_AT_SIGN_IN = frozenset({"_flashes"})

_MISSING = object()


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What every session of the application works with."""

    store: Store
    clock: Callable[[], float]  # seconds since the epoch
    lifetime: Lifetime
    max_per_user: int
    epoch_of: Callable[[int], int | None]  # None for an unknown or disabled user
    report: Callable[..., None]  # writes an audit event


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a new record notes about the browser."""

    user_agent: str
    ip: str


class Session(SessionMixin):
    """A dict that is loaded at first use and knows what this request changed.

    Assigning or removing `user_id` is what signs in and out, whoever does it: the session gets a
    new token then and forgets what it held before. Nobody has to remember to rotate it.
    """

    token: str | None = None  # of the cookie, once loaded
    record: Record | None = None  # as it was when loaded
    moved_from: Record | None = None  # the signpost to which this token leads
    loaded = False
    failed = False  # the store did not answer: do not make this request wait again
    refused = False  # its values cannot be stored: do not try again for the error page
    modified = False
    identity_changed = False
    rotation_wanted = False
    ended = False
    _saved = False

    def __init__(
        self,
        open_cookie: Callable[[], tuple[str | None, Store]],
        visitor: Callable[[], Visitor],
        rules: SessionRules,
    ) -> None:
        self.store = rules.store  # what the token's record is loaded from and written to
        self.visitor = visitor
        self.rules = rules
        self.after_save: list[Callable[[], None]] = []
        self._open_cookie = open_cookie
        self._values: dict[str, Any] = {}
        self._written: set[str] = set()

    @property
    def created_at(self) -> float:
        """When the user signed in; now, for a session that is not yet stored."""
        self._load()
        if self.record is None or self.identity_changed:
            return self.rules.clock()
        return self.record.created_at

    @property
    def public_id(self) -> str | None:
        """The id of this session in the list of devices; None while it is not stored."""
        self._load()
        return self.record.public_id if self.record else None

    def rotate(self) -> None:
        """Move this session to a new token when it is saved; the old token is dead then.

        For what raises a session's worth without a new sign-in: re-authentication and a changed
        password (ASVS 7.2.4).
        """
        self._load()
        self.rotation_wanted = True
        self.modified = True

    def end(self) -> None:
        """End this session, also if another request has just moved it to a new token."""
        self.clear()
        self.ended = True

    def reload(self) -> bool:
        """Read the record again and put this request's changes on top; False when it is gone."""
        changes = self._changes()
        found = self._read()
        if found is None:
            return False
        self.record, values = found
        self._values = {k: v for k, v in values.items() if self._survives(k)}
        for name, value in changes.items():
            if value is _MISSING:
                self._values.pop(name, None)
            else:
                self._values[name] = value
        return True

    def mark_saved(self) -> None:
        """Forget the changes: they are stored now, and an error page must not store them again."""
        self.modified = self.identity_changed = self.rotation_wanted = self.ended = False
        self._written.clear()
        self._saved = True

    def as_dict(self) -> dict[str, Any]:
        """Return a copy of the values as they are now."""
        self._load()
        return dict(self._values)

    def __getitem__(self, name: str) -> Any:
        self._load()
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._load()
        if name == "user_id":
            if type(value) is not int:
                raise TypeError("session['user_id'] must be the user's id, an int")
            self._change_identity()
        self._note(name)
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        self._load()
        del self._values[name]
        if name == "user_id":
            self._change_identity()
        self._note(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.as_dict())

    def __len__(self) -> int:
        self._load()
        return len(self._values)

    def _load(self) -> None:
        if self.failed:
            raise StoreUnavailable
        if self.loaded:
            return
        try:
            self.token, self.store = self._open_cookie()
            found = self._read() if self.token else None
        except StoreUnavailable:
            self.failed = True
            raise
        if found:
            self.record, self._values = found
        self.loaded = True

    def _read(self) -> tuple[Record, dict[str, Any]] | None:
        key = self.record.key if self.record else key_of(self.token or "")
        try:
            record = self.store.load(key)
            if record is None:
                return None
            if is_signpost(record):
                self.moved_from = record if self.rules.clock() < record.expires_at else None
                return None
            values = decode(record)
        except UnreadableRecord:
            self.rules.report("session_unreadable", session=key)
            return None
        if not self.rules.lifetime.is_live(record, self.rules.clock()):
            self.rules.report("session_expired", user_id=record.user_id, session=key)
            return None
        return record, values

    def _note(self, name: str) -> None:
        if self._saved:
            raise RuntimeError("the session is saved already: change it before the answer begins")
        self._written.add(name)
        self.modified = True

    def _change_identity(self) -> None:
        # The epoch and the time of re-authentication belong to the old user, even if set just now.
        self._written -= {"session_epoch", "reauthenticated_at"}
        self.identity_changed = True
        self._values = {k: v for k, v in self._values.items() if self._survives(k)}

    def _survives(self, name: str) -> bool:
        return not self.identity_changed or name in self._written or name in KEPT_AT_SIGN_IN

    def _changes(self) -> dict[str, Any]:
        """Return what differs from the loaded record, removed keys as `_MISSING`.

        Values are compared, so that a change inside a list is found as well once `modified` is set.
        """
        before = decode(self.record) if self.record else {}
        names = self._written | before.keys() | self._values.keys()
        return {
            name: self._values.get(name, _MISSING)
            for name in names
            if name in self._written
            or before.get(name, _MISSING) != self._values.get(name, _MISSING)
        }
