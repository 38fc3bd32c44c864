"""Guessing made slow: counters of failed sign-ins, shared by all workers (ASVS 6.3.1).

Three counters look at one attempt: the account as tried from this address, the account as tried
from anywhere, and the address whatever the account. So a stranger who guesses at an account slows
themselves down long before they slow its owner, who comes from another address. Each failure above
a limit doubles the wait, up to a quarter of an hour: nobody is locked out for good, and nobody gets
more than a hundred guesses a day (NIST SP 800-63B-4 3.2.2).
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app, request
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.exceptions import TooManyRequests

from ..database import db
from .audit import audit

LONGEST_WAIT = 900.0  # seconds
FORGET_AFTER = 86_400.0  # seconds without a failure
TRIES = 20

# How many failures are free before the waits begin.
LIMITS = {"account and source": 5, "account": 25, "source": 50}

counters = sa.Table(
    "sign_in_attempts",
    db.metadata,
    sa.Column("key", sa.String(64), primary_key=True),  # a keyed digest, no address
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("blocked_until", sa.Double, nullable=False),  # seconds since the epoch
    sa.Column("failed_at", sa.Double, nullable=False),
)


class TooManyAttempts(TooManyRequests):
    """Sign-in has to wait."""

    description = "Too many attempts. Please wait a moment and try again."


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in, counted as failed until `succeeded` is called."""

    account: str
    source: str

    def succeeded(self) -> None:
        """Clear the account's counters, and take this attempt back from the address's.

        If the database fails just now, the counters stay: what succeeded has succeeded.
        """
        mine = [self._key("account"), self._key("account and source")]
        back = {"failures": counters.c.failures - 1}
        with suppress(SQLAlchemyError), _engine().connect() as connection:
            connection.execute(sa.delete(counters).where(counters.c.key.in_(mine)))
            source = (counters.c.key == self._key("source")) & (counters.c.failures > 0)
            connection.execute(sa.update(counters).where(source).values(back))

    def keys(self) -> dict[str, int]:
        """Return the counters of this attempt and their limits."""
        return {self._key(kind): limit for kind, limit in LIMITS.items()}

    def _key(self, kind: str) -> str:
        parts = {
            "account": self.account,
            "source": self.source,
            "account and source": f"{self.account} {self.source}",
        }
        secret = current_app.config["SECRET_KEY"].encode()
        message = f"{kind} {parts[kind]}".encode(errors="replace")
        return hmac.new(secret, message, hashlib.sha256).hexdigest()


def begin_attempt(account: str) -> Attempt:
    """Count an attempt to prove to be the owner of an account, before it is looked at.

    Counting first means that a thousand attempts at once are a thousand attempts. `account` is the
    normalized address if it is one, known or not. Raises TooManyAttempts.
    """
    attempt = Attempt(account=account, source=_source(request.remote_addr or ""))
    now: float = current_app.config["CLOCK"]()
    with _engine().connect() as connection:
        _refuse_if_blocked(connection, attempt.keys(), now)
        for key, limit in attempt.keys().items():
            _count(connection, key, limit, now)
    return attempt


def forget_old_attempts(now: float) -> int:
    """Delete the counters that no longer count, and return how many that were."""
    old = counters.c.failed_at < now - FORGET_AFTER
    with _engine().connect() as connection:
        return connection.execute(sa.delete(counters).where(old)).rowcount


def _refuse_if_blocked(connection: sa.Connection, keys: Iterable[str], now: float) -> None:
    query = sa.select(sa.func.max(counters.c.blocked_until)).where(counters.c.key.in_(keys))
    blocked_until = connection.scalar(query) or 0.0
    if blocked_until > now:
        audit("sign_in_throttled")
        raise TooManyAttempts(retry_after=int(blocked_until - now) + 1)


def _count(connection: sa.Connection, key: str, limit: int, now: float) -> None:
    for _ in range(TRIES):
        row = connection.execute(sa.select(counters).where(counters.c.key == key)).one_or_none()
        if row is None:
            first = {"key": key, "failures": 1, "blocked_until": 0.0, "failed_at": now}
            try:
                connection.execute(sa.insert(counters).values(first))
            except IntegrityError:
                continue  # another worker was first
            return
        if row.blocked_until > now:
            _refuse_if_blocked(connection, [key], now)
        failures = 1 if row.failed_at < now - FORGET_AFTER else row.failures + 1
        unchanged = (counters.c.key == key) & (counters.c.failures == row.failures)
        values = {
            "failures": failures,
            "blocked_until": now + _wait(failures - limit),
            "failed_at": now,
        }
        if connection.execute(sa.update(counters).where(unchanged).values(values)).rowcount == 1:
            return
    raise TooManyAttempts(retry_after=1)


def _wait(failures_above_limit: int) -> float:
    """Return how many seconds the next attempt has to wait: 0, 1, 2, 4, ... 900."""
    if failures_above_limit < 0:
        return 0.0
    return min(2.0 ** min(failures_above_limit, 20), LONGEST_WAIT)


def _source(address: str) -> str:
    """Return an IPv4 address, or the /64 of an IPv6 one: a household has that many addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:  # how a server that listens on [::] sees IPv4
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _engine() -> sa.Engine:
    # Each statement for itself, beside the transaction of the view.
    return db.engine.execution_options(isolation_level="AUTOCOMMIT")
