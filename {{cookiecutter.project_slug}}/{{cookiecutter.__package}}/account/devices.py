"""The list of devices on which a user is signed in, and how to end their sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ..models import User
from ..security.audit import audit
from ..sessions import session_rules
from ..sessions.ending import end_session
from ..sessions.record import Record, UnreadableRecord, decode


@dataclass(frozen=True, slots=True)
class Device:
    """One session as its owner may see it: nothing here opens it."""

    id: str
    user_agent: str
    ip: str
    created_at: datetime
    seen_at: datetime
    current: bool


def devices_of(user: User, current: str | None = None) -> list[Device]:
    """Return the user's live sessions, the one seen last first; `current` is the asker's own id."""
    records = sorted(_live_records(user), key=lambda record: record.seen_at, reverse=True)
    return [
        Device(
            id=record.public_id,
            user_agent=record.user_agent,
            ip=record.ip,
            created_at=datetime.fromtimestamp(record.created_at, UTC),
            seen_at=datetime.fromtimestamp(record.seen_at, UTC),
            current=record.public_id == current,
        )
        for record in records
    ]


def revoke(user: User, public_id: str) -> bool:
    """End one session of the user; False when the user has none with this id."""
    store = session_rules().store
    for record in store.for_user(user.id):
        if record.public_id == public_id:
            end_session(store, record)
            audit("session_revoked", user_id=user.id, session=record.key)
            return True
    return False


def _live_records(user: User) -> list[Record]:
    rules = session_rules()
    now = rules.clock()
    return [
        record
        for record in rules.store.for_user(user.id)
        if rules.lifetime.is_live(record, now) and _has_epoch(record, user.session_epoch)
    ]


def _has_epoch(record: Record, epoch: int) -> bool:
    try:
        return bool(decode(record).get("session_epoch") == epoch)
    except UnreadableRecord:
        return False
