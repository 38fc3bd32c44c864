"""Guessing made slow: counters of failed sign-ins, shared by all workers (ASVS 6.3.1).

Three counters look at one attempt: the account as tried from this address, the account as tried
from anywhere, and the address whatever the account. Each failure above a limit doubles the wait, up
to half an hour: nobody is locked out for good, and the hundred guesses of NIST SP 800-63B-4 3.2.2
take all strangers together more than a day, whatever the owner does meanwhile.

An address from which the owner has signed in within the last month has a counter of its own
instead, and so has a signed-in session that is asked for the password: what strangers do does not
hold them up, and whoever guesses there has as many guesses again.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import sqlalchemy as sa
from flask import current_app, request
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.exceptions import TooManyRequests

from ..database import autocommit_engine, db
from .audit import audit

LONGEST_WAIT = 1800.0  # seconds
KNOWN_FOR = 30 * 86_400.0  # seconds after a sign-in
FORGET_AFTER = 86_400.0  # seconds without a failure
TRIES = 20

# How many failures are free before the waits begin.
LIMITS = {"account and source": 5, "account": 25, "source": 50}
REGISTRATIONS = 20  # from one address, before each has to wait like a failed sign-in

counters = sa.Table(
    "sign_in_attempts",
    db.metadata,
    sa.Column("key", sa.String(64), primary_key=True),  # a keyed digest, no address
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("blocked_until", sa.Double, nullable=False),  # seconds since the epoch
    sa.Column("failed_at", sa.Double, nullable=False),
)
Counter = sa.Row[tuple[str, int, float, float]]

# Made once: to build a statement takes longer than to run it.
_has_key = counters.c.key == sa.bindparam("wanted")
_is_one_of = counters.c.key.in_(sa.bindparam("wanted", expanding=True))
_is_unchanged = _has_key & (counters.c.failures == sa.bindparam("expected"))
ROWS = sa.select(counters).where(_is_one_of)
INSERT = sa.insert(counters)
UPDATE = sa.update(counters).where(_is_unchanged)
TAKE_BACK = (
    sa.update(counters)
    .where(_has_key & (counters.c.failures > 0))
    .values(failures=counters.c.failures - 1)
)
DELETE = sa.delete(counters).where(_is_one_of)


class TooManyAttempts(TooManyRequests):
    """Sign-in has to wait."""

    description = "Too many attempts. Please wait a moment and try again."


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in, counted as failed until `note_success` is called."""

    account: str
    source: str
    kinds: tuple[str, ...] = tuple(LIMITS)  # of the counters that have counted it

    def note_success(self) -> None:
        """Clear the account's counter for this address, and take the attempt back from the others.

        Those hold what strangers have tried, who get no new guesses when the owner signs in.
        If the database fails just now, the counters stay: what succeeded has succeeded.
        """
        mine = [self.key("account and source"), self.key("known")]
        # Dated ahead, so that it is forgotten when the address is not known any more.
        known_until = current_app.config["CLOCK"]() + KNOWN_FOR - FORGET_AFTER
        known = {"key": self.key("known"), "failures": 0, "blocked_until": 0.0}
        known |= {"failed_at": known_until}
        with suppress(SQLAlchemyError), autocommit_engine().connect() as connection:
            connection.execute(DELETE, {"wanted": mine})
            for kind in self.kinds:
                _take_back(connection, self.key(kind))
            connection.execute(INSERT, known)

    def withdraw(self) -> None:
        """Take the attempt back: it was not looked at."""
        with suppress(SQLAlchemyError), autocommit_engine().connect() as connection:
            for kind in self.kinds:
                _take_back(connection, self.key(kind))

    def key(self, kind: str) -> str:
        """Return the digest under which a counter stands; the table shows no address."""
        parts = {"account": self.account, "source": self.source}
        part = parts.get(kind, f"{self.account} {self.source}")
        return _digest(f"{kind} {part}")


def begin_attempt(account: str) -> Attempt:
    """Count an attempt to prove to be the owner of an account, before it is looked at.

    Counting first means that a thousand attempts at once are a thousand attempts. `account` is the
    normalized address if it is one, known or not. Raises TooManyAttempts.
    """
    attempt = Attempt(account=account, source=_source(request.remote_addr or ""))
    now: float = current_app.config["CLOCK"]()
    with autocommit_engine().connect() as connection:
        rows = _rows(connection, [attempt.key(kind) for kind in ("known", *LIMITS)])
        known = rows.get(attempt.key("known"))
        is_known = known is not None and known.failed_at > now - FORGET_AFTER
        kinds = tuple(kind for kind in LIMITS if not (is_known and kind == "account"))
        attempt = replace(attempt, kinds=kinds)
        _count(connection, rows, {attempt.key(kind): LIMITS[kind] for kind in kinds}, now)
    return attempt


def begin_registration() -> None:
    """Count a registration from this address. Raises TooManyAttempts.

    Else the form could be asked without end which addresses have an account.
    """
    key = _digest(f"registration {_source(request.remote_addr or '')}")
    now: float = current_app.config["CLOCK"]()
    with autocommit_engine().connect() as connection:
        _count(connection, _rows(connection, [key]), {key: REGISTRATIONS}, now)


def forget_old_attempts(now: float) -> int:
    """Delete the counters that no longer count, and return how many that were."""
    old = counters.c.failed_at < now - FORGET_AFTER
    with autocommit_engine().connect() as connection:
        return connection.execute(sa.delete(counters).where(old)).rowcount


def _take_back(connection: sa.Connection, key: str) -> None:
    connection.execute(TAKE_BACK, {"wanted": key})


def _digest(text: str) -> str:
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.new(secret, text.encode(errors="replace"), hashlib.sha256).hexdigest()


def _rows(connection: sa.Connection, keys: list[str]) -> dict[str, Counter]:
    return {row.key: row for row in connection.execute(ROWS, {"wanted": keys})}


def _count(
    connection: sa.Connection, rows: dict[str, Counter], limits: dict[str, int], now: float
) -> None:
    """Count one more failure in the counters of these keys, whose rows have just been read."""
    _refuse_if_blocked([rows[key] for key in limits if key in rows], now)
    for key, limit in limits.items():
        row = rows.get(key)
        for _ in range(TRIES):
            if _count_one(connection, key, row, limit, now):
                break
            changed = _rows(connection, [key])  # another worker was first
            _refuse_if_blocked(changed.values(), now)
            row = changed.get(key)
        else:
            raise TooManyAttempts(retry_after=1)


def _refuse_if_blocked(rows: Iterable[Counter], now: float) -> None:
    blocked_until = max((row.blocked_until for row in rows), default=0.0)
    if blocked_until > now:
        audit("sign_in_throttled")
        raise TooManyAttempts(retry_after=int(blocked_until - now) + 1)


def _count_one(
    connection: sa.Connection, key: str, row: Counter | None, limit: int, now: float
) -> bool:
    """Count one more failure; False when the row is no longer as it was read."""
    if row is None:
        first = {"key": key, "failures": 1, "blocked_until": 0.0, "failed_at": now}
        try:
            connection.execute(INSERT, first)
        except IntegrityError:
            return False
        return True
    failures = 1 if row.failed_at < now - FORGET_AFTER else row.failures + 1
    wait = _wait(failures - limit)
    values = {
        "failures": failures,
        # Not `now` when nobody has to wait: another worker's clock may be a little behind.
        "blocked_until": now + wait if wait else 0.0,
        "failed_at": now,
    }
    unchanged = {"wanted": key, "expected": row.failures}
    return connection.execute(UPDATE, values | unchanged).rowcount == 1


def _wait(failures_above_limit: int) -> float:
    """Return how many seconds the next attempt has to wait: 0, 1, 2, 4, ... 1800."""
    if failures_above_limit < 0:
        return 0.0
    return min(2.0 ** min(failures_above_limit, 20), LONGEST_WAIT)


def _source(address: str) -> str:
    """Return an IPv4 address, or the /64 of an IPv6 one: a household has that many addresses."""
    # Some proxies add a port: 192.0.2.1:1001 or [2001:db8::1]:1001.
    bare = address.partition(":")[0] if address.count(":") == 1 else address
    try:
        parsed = ipaddress.ip_address(bare.lstrip("[").partition("]")[0])
    except ValueError:
        return "unknown"  # one counter for all of them: a made-up address buys nothing
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:  # how a server that listens on [::] sees IPv4
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
