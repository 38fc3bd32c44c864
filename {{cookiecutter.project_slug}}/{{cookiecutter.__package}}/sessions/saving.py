"""How a session is written back: by compare-and-swap, so that no request undoes another's work.

The one thing that must never happen is that a request which was under way during a sign-out brings
the session back to life (CWE-362). Hence nothing here writes a record that is not there any more.
"""

import secrets
from dataclasses import replace
from enum import Enum, auto

from .ending import end_moved_session, end_session
from .protocol import StoreUnavailable
from .record import Record, encode, key_of, new_token, signpost
from .session import Session

TRIES = 3


class Outcome(Enum):
    """What the browser has to be told."""

    KEEP = auto()  # no new token
    SEND = auto()  # a new token
    DELETE = auto()  # the session has ended
    LOST = auto()  # nothing: another request ended or moved the session meanwhile


def save(session: Session) -> Outcome:
    """Store what this request changed. Raises StoreUnavailable when that cannot be done."""
    outcome = _save(session)
    session.mark_saved()
    return outcome


def _save(session: Session) -> Outcome:
    if not session or not _stamp_epoch(session):
        return _end(session)
    if session.record is None and session.moved_from and not session.identity_changed:
        return Outcome.LOST  # a new cookie would overwrite the one that the move has sent
    if session.record is None:
        return _insert(session)
    if session.identity_changed or session.rotation_wanted:
        return _move(session)
    if session.modified:
        return _update(session)
    _touch(session)
    return Outcome.KEEP


def _end(session: Session) -> Outcome:
    store = session.store
    if session.record is not None:
        end_session(store, session.record)
        return Outcome.DELETE
    if session.moved_from is None or not session.ended:
        return Outcome.KEEP
    end_moved_session(store, session.moved_from.public_id, int(session.moved_from.data))
    return Outcome.DELETE


def _stamp_epoch(session: Session) -> bool:
    """Note the user's epoch in a new sign-in; False for an unknown or disabled user."""
    if not session.identity_changed or "user_id" not in session or "session_epoch" in session:
        return True
    epoch = session.rules.epoch_of(session["user_id"])
    if epoch is not None:
        session["session_epoch"] = epoch
    return epoch is not None


def _update(session: Session) -> Outcome:
    for _ in range(TRIES):
        if session.record is None:
            break
        record = _renewed(session, session.record)
        if session.store.update(record):
            return Outcome.KEEP
        if not session.reload():
            return Outcome.LOST
    raise StoreUnavailable("other requests kept changing the session")


def _move(session: Session) -> Outcome:
    """Insert the session under a new token, then replace the old record by a signpost.

    In this order there is no moment without the session, in which a sign-out would find nothing
    to end. If the old record is gone in the end, somebody did end it, and the new one goes too:
    its token was never sent. A sign-in stands for itself.
    """
    store = session.store
    signs_in = session.identity_changed and "user_id" in session
    for _ in range(TRIES):
        old = session.record
        if old is None:
            break
        token, record = _insert_record(session)
        if _leave(session, old):
            return _moved_to(session, token, record)
        is_gone = not session.reload()
        if is_gone and session.identity_changed:
            end_session(store, old)  # another request may have moved it just now
        if is_gone and signs_in:
            return _moved_to(session, token, record)
        store.delete(record.key)
        if is_gone:
            return Outcome.LOST
    raise StoreUnavailable("other requests kept changing the session")


def _leave(session: Session, old: Record) -> bool:
    """Take the old record away; False when it is gone or changed."""
    if session.identity_changed or old.user_id is None:
        return session.store.take(old.key, old.version)
    return session.store.update(signpost(old, session.rules.clock()))


def _insert(session: Session) -> Outcome:
    return _moved_to(session, *_insert_record(session))


def _moved_to(session: Session, token: str, record: Record) -> Outcome:
    if session.identity_changed and record.user_id is not None and _drop_oldest(session, record):
        return Outcome.LOST
    session.token, session.record = token, record
    return Outcome.SEND


def _insert_record(session: Session) -> tuple[str, Record]:
    """Store the session's values under a new token, and return both."""
    token = new_token()
    now = session.rules.clock()
    moved = None if session.identity_changed else session.record
    visitor = session.visitor()
    record = Record(
        key=key_of(token),
        public_id=moved.public_id if moved else secrets.token_urlsafe(12),
        data="",
        user_id=None,
        created_at=session.created_at,
        seen_at=now,
        expires_at=now,
        version=0,
        user_agent=visitor.user_agent,
        ip=visitor.ip,
    )
    record = _renewed(session, record)
    session.store.insert(record)
    return token, record


def _renewed(session: Session, record: Record) -> Record:
    """Return the record's next version with the session's values, seen now."""
    now = session.rules.clock()
    user_id = session.get("user_id")
    return replace(
        record,
        data=encode(session.as_dict()),
        user_id=user_id,
        seen_at=now,
        expires_at=session.rules.lifetime.expires_at(record.created_at, now, user_id),
        version=record.version + 1,
    )


def _drop_oldest(session: Session, newest: Record) -> bool:
    """End the user's oldest sessions above the maximum.

    Of two sign-ins at once the later one stays, even if its record was there first: True when the
    session just made is not among the newest.
    """
    rules = session.rules
    now = rules.clock()
    live = [r for r in rules.store.for_user(session["user_id"]) if rules.lifetime.is_live(r, now)]
    live.sort(key=lambda record: (record.created_at, record.key == newest.key), reverse=True)
    dropped = live[rules.max_per_user :]
    for record in dropped:
        end_session(rules.store, record)
        rules.report("session_dropped", user_id=record.user_id, session=record.key)
    return newest.key in {record.key for record in dropped}


def _touch(session: Session) -> None:
    record = session.record
    now = session.rules.clock()
    lifetime = session.rules.lifetime
    if record is None or now - record.seen_at < lifetime.touch_interval:
        return
    expires_at = lifetime.expires_at(record.created_at, now, record.user_id)
    # A touch that fails only lets the idle limit come sooner; the page is served all the same.
    try:
        session.store.touch(record.key, now, expires_at)
    except StoreUnavailable:
        session.rules.report("session_store_unavailable")
