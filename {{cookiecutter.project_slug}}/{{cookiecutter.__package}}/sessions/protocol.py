"""What the session layer asks of a store. Each call is one step that other workers see whole."""

from typing import Protocol

from .record import Record


class StoreUnavailable(Exception):
    """The store did not answer in time, or could not do what it was asked."""


class Store(Protocol):
    """A place for records. There is no upsert: a session that has ended cannot be written back.

    Every method raises StoreUnavailable when the store does not answer.
    """

    def load(self, key: str) -> Record | None:
        """Return the record or None. Raises UnreadableRecord for anything else under the key."""
        ...

    def insert(self, record: Record) -> None:
        """Add a record under a key that was never used before."""
        ...

    def update(self, record: Record) -> bool:
        """Replace the version before this record's; False when it is gone or changed."""
        ...

    def take(self, key: str, version: int) -> bool:
        """Delete the record if it still has this version; False when it is gone or changed."""
        ...

    def touch(self, key: str, seen_at: float, expires_at: float) -> None:
        """Note that a live session was seen. Times only move forwards; the version stays."""
        ...

    def delete(self, key: str) -> None:
        """Delete the record, whatever its version."""
        ...

    def for_user(self, user_id: int) -> list[Record]:
        """Return the records of one user, in any order, perhaps with expired ones among them."""
        ...

    def prune(self, now: float) -> int:
        """Delete what expired before `now`, and return how many records that were."""
        ...

    def ping(self) -> None:
        """Return when the store answers."""
        ...
