"""What the application keeps in its database."""

from datetime import UTC, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from .database import db


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class User(db.Model):  # type: ignore[name-defined, misc]
    """Somebody with an account.

    Raising `session_epoch` ends every session of the user: each session notes the epoch of its
    sign-in, and another one is not let in.
    """

    __tablename__ = "users"
    # An id is never used twice: a session of a deleted user must not fit the next one.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # as `normalize_email` has it
    password_hash: Mapped[str] = mapped_column(String(200))
    session_epoch: Mapped[int] = mapped_column(default=1)
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=_now)  # UTC
