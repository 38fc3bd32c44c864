"""How a session is ended for good, even while another request moves it to a new token.

A move takes the old record away and then inserts the new one. A sign-out that comes in between
finds nothing to delete, so it leaves a gravestone under the old key. The move looks for one when it
is done, and the sign-out looks for the moved session when it has left it: one of them sees the
other, whatever the order, and the session ends.
"""

from contextlib import suppress
from dataclasses import replace

from .protocol import Store, StoreUnavailable
from .record import Record

GRAVESTONE_LIFETIME = 60.0  # seconds; far longer than a request takes to move a session
TRIES = 3


def end_session(store: Store, record: Record) -> None:
    """Delete the session that this record was read from, under whatever token it is by now."""
    current: Record | None = record
    for _ in range(TRIES):
        if current is None:
            break
        if store.take(current.key, current.version):
            return
        current = store.load(record.key)
    store.delete(record.key)
    _leave_gravestone(store, record)
    if record.user_id is not None:
        for moved in store.for_user(record.user_id):
            if moved.public_id == record.public_id:
                store.delete(moved.key)


def has_gravestone(store: Store, key: str) -> bool:
    """Tell whether the session that was just moved away from this key was ended meanwhile."""
    return store.load(key) is not None


def _leave_gravestone(store: Store, record: Record) -> None:
    """Insert a record that nobody can use: its data cannot be read, so its token opens nothing."""
    gravestone = replace(
        record,
        data="",
        user_id=None,
        expires_at=record.seen_at + GRAVESTONE_LIFETIME,
        version=0,
    )
    # Somebody who ended the same session may have been quicker. A store that is down is noticed
    # by the next call.
    with suppress(StoreUnavailable):
        store.insert(gravestone)
