"""Who is asking: the one place where a session becomes a user."""

from contextlib import suppress

import sqlalchemy as sa
from flask import Response, after_this_request, g, session
from werkzeug.exceptions import Unauthorized

from ..database import autocommit_engine, changes_one_row, db
from ..models import User
from ..security.audit import audit
from ..security.throttle import Attempt
from ..sessions import current_session, session_rules
from ..sessions.ending import end_session
from ..sessions.protocol import StoreUnavailable

# Made once: building the statement would take longer than asking SQLite.
USER_BY_ID = sa.select(User).where(User.id == sa.bindparam("id"))
FRESH_FOR = 600.0  # seconds in which a sign-in is good for sensitive changes (ASVS 7.5.1)


class SignInRequired(Unauthorized):
    """Nobody is signed in."""

    description = "Please sign in first."


def sign_in(user: User, *, remember: bool = False, attempt: Attempt | None = None) -> None:
    """Make this session the user's. It gets a new token and forgets what it held before.

    `attempt` is what the throttle has counted; it is forgiven once the session is stored, and no
    sooner is the sign-in logged: one that was not stored did not happen.
    """
    session["user_id"] = user.id
    session["session_epoch"] = user.session_epoch
    session.permanent = remember
    g.user = user
    user_id = user.id

    def stored() -> None:
        audit("sign_in", user_id=user_id, session=_session_key())
        if attempt:
            attempt.note_success()

    current_session().after_save.append(stored)


def sign_out() -> None:
    """End this session, in the store and in the browser, with what pages stored there."""
    user_id = session.get("user_id")
    current_session().end()
    after_this_request(_clear_storage)
    if user_id is not None:
        current_session().after_save.append(
            lambda: audit("sign_out", user_id=user_id, session=_session_key())
        )


def _session_key() -> str | None:
    record = current_session().record
    return record.key if record else None


def _clear_storage(response: Response) -> Response:
    # Not "cache" as well: that stalls Chrome for seconds.
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


def current_user() -> User | None:
    """Return the signed-in user, or None.

    A session from before the user's last change of password, or of a disabled user, is nobody's.
    It is not written here: another request may just have replaced its cookie.
    """
    user_id = session.get("user_id")
    if user_id is None:
        return None
    user: User | None = g.get("user")
    # One that the database's session has let go cannot be refreshed: an error page may ask so late.
    if user is None or user not in db.session or user.id != user_id:
        user = g.user = db.session.scalar(USER_BY_ID, {"id": user_id})
    if user is None or user.disabled or user.session_epoch != session.get("session_epoch"):
        return None
    return user


def require_user() -> User:
    """Return the signed-in user of a view that only such a user can reach."""
    user = current_user()
    if user is None:
        raise RuntimeError("a public view has no user")
    return user


def is_fresh() -> bool:
    """Tell whether the user has proved who they are within the last ten minutes."""
    proved_at: float = session.get("reauthenticated_at", current_session().created_at)
    return session_rules().clock() - proved_at < FRESH_FOR


def note_reauthentication() -> None:
    """Begin the ten minutes anew, under a new token."""
    current_session().rotate()
    session["reauthenticated_at"] = session_rules().clock()


def begin_new_epoch(user: User) -> None:
    """End every session of the user but this one, which moves to a new token.

    Commits the database session. Raises SignInRequired when this session is of an older epoch by
    now: whoever was signed out a moment ago must not take themselves along into the new one.
    """
    mine = session["session_epoch"]
    unchanged = (User.id == user.id) & (User.session_epoch == mine)
    change = sa.update(User).where(unchanged).values(session_epoch=mine + 1)
    if not changes_one_row(change):
        db.session.rollback()
        raise SignInRequired
    db.session.commit()
    session["session_epoch"] = mine + 1
    current_session().rotate()


def forget_other_devices(user: User) -> None:
    """Delete the records of sessions that the epoch has ended, so that the list is right."""
    mine = current_session().record
    _delete_records(user.id, keep=mine.key if mine else None)


def end_other_sessions(user: User) -> None:
    """End every session of the user but this one. Commits the database session."""
    begin_new_epoch(user)
    forget_other_devices(user)


def end_all_sessions(user: User) -> None:
    """End every session of the user. Commits the database session.

    The epoch does it; a store that fails just now only keeps records that open nothing.
    """
    raise_epoch(user)
    with suppress(StoreUnavailable):
        _delete_records(user.id)


def raise_epoch(user: User) -> None:
    """Raise the user's epoch in the database, where two requests cannot raise it to the same."""
    user.session_epoch = User.session_epoch + 1
    db.session.commit()


def session_epoch_of(user_id: int) -> int | None:
    """Return the epoch of a user who may sign in. Uses a connection of its own."""
    query = sa.select(User.session_epoch).where(User.id == user_id, User.disabled.is_(False))
    try:
        with autocommit_engine().connect() as connection:
            return connection.scalar(query)
    except sa.exc.SQLAlchemyError as error:
        raise StoreUnavailable("the database does not answer") from error


def _delete_records(user_id: int, keep: str | None = None) -> None:
    rules = session_rules()
    for record in rules.store.for_user(user_id):
        if record.key != keep:
            end_session(rules.store, record)
            audit("session_revoked", user_id=user_id, session=record.key)
