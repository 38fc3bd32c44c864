"""When a session ends by itself."""

from dataclasses import dataclass

from .record import Record

ANONYMOUS_LIFETIME = 3600.0  # a session without a user holds little worth keeping
TOUCH_INTERVAL = 60.0


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The two limits of a session in seconds (ASVS 7.3.1 and 7.3.2, NIST SP 800-63B-4 2.2.3)."""

    idle: float
    absolute: float

    def expires_at(self, created_at: float, seen_at: float, user_id: int | None) -> float:
        """Return the moment of the earlier limit."""
        absolute = self.absolute if user_id is not None else min(self.absolute, ANONYMOUS_LIFETIME)
        return min(seen_at + self.idle, created_at + absolute)

    def is_live(self, record: Record, now: float) -> bool:
        """Tell whether the record is within the limits of today's settings and of its own day."""
        limit = self.expires_at(record.created_at, record.seen_at, record.user_id)
        return now < min(limit, record.expires_at)

    @property
    def touch_interval(self) -> float:
        """How stale `seen_at` may grow before a read writes it anew."""
        return min(TOUCH_INTERVAL, self.idle / 10)
