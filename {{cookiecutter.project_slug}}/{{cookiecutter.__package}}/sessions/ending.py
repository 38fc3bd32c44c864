"""How a session is ended for good, even while another request moves it to a new token."""

from .protocol import Store
from .record import Record

TRIES = 3


def end_session(store: Store, record: Record) -> None:
    """Delete the session that this record was read from, under whatever token it is by now.

    A move inserts the new record before it takes the old one away. So either the move finds the
    old record deleted and gives up, or the moved one is found here, by the public id it keeps.
    """
    store.delete(record.key)
    if record.user_id is None:
        return
    for _ in range(TRIES):
        records = store.for_user(record.user_id)
        moved = [other for other in records if other.public_id == record.public_id]
        if not moved:
            return
        for other in moved:
            store.delete(other.key)
