"""How a session is ended for good, even while another request moves it to a new token."""

from .protocol import Store
from .record import Record

TRIES = 3


def end_session(store: Store, record: Record) -> None:
    """Delete the session that this record was read from, under whatever token it is by now.

    A move inserts the new record before it replaces the old one. So either the move finds the old
    record deleted and gives up, or the moved one is found here, by the public id it keeps.
    """
    store.delete(record.key)
    if record.user_id is not None:
        end_moved_session(store, record.public_id, record.user_id)


def end_moved_session(store: Store, public_id: str, user_id: int) -> None:
    """Delete the session with this public id, and again if it is moved in that moment."""
    for _ in range(TRIES):
        moved = [record for record in store.for_user(user_id) if record.public_id == public_id]
        if not moved:
            return
        for record in moved:
            store.delete(record.key)
