"""Guessing is slow: the counters behind every way to sign in (ASVS 6.3.1)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from my_flask_app.database import autocommit_engine, db
from my_flask_app.security.throttle import (
    LIMITS,
    LONGEST_WAIT,
    Attempt,
    TooManyAttempts,
    begin_attempt,
    counters,
    forget_old_attempts,
)

from .support import Clock

Try = Callable[..., Attempt | None]
HOME = "192.0.2.1"


@pytest.fixture
def attempt(app: Flask) -> Try:
    """Try to sign in, without saying how that goes on; None when one has to wait."""

    def attempt(account: str = "ada@example.org", source: str = HOME) -> Attempt | None:
        with app.test_request_context(environ_base={"REMOTE_ADDR": source}):
            try:
                return begin_attempt(account)
            except TooManyAttempts:
                return None

    return attempt


def wait(app: Flask, account: str = "ada@example.org", source: str = HOME) -> float:
    """Return how many seconds the next attempt has to wait."""
    with app.test_request_context(environ_base={"REMOTE_ADDR": source}):
        try:
            begin_attempt(account)
        except TooManyAttempts as refused:
            return float(str(refused.retry_after))
        return 0


@pytest.mark.requirement("R55")
def test_a_few_failures_are_free(attempt: Try) -> None:
    assert all(attempt() for _ in range(LIMITS["account and source"]))
    assert attempt() is None


def test_a_worker_whose_clock_is_behind_refuses_nobody(attempt: Try, clock: Clock) -> None:
    assert attempt()
    assert attempt()
    clock.advance(seconds=-0.5)
    assert attempt()


@pytest.mark.requirement("R55")
def test_each_further_failure_doubles_the_wait(app: Flask, attempt: Try, clock: Clock) -> None:
    for _ in range(LIMITS["account and source"]):
        attempt()
    waits = []
    for _ in range(6):
        waits.append(wait(app))
        clock.advance(seconds=waits[-1])
        assert attempt()
    assert waits == [2, 3, 5, 9, 17, 33]  # 1, 2, 4, ... and a second to round up


@pytest.mark.requirement("R55")
def test_nobody_is_locked_out_for_good(app: Flask, attempt: Try, clock: Clock) -> None:
    for _ in range(60):
        attempt()
        clock.advance(seconds=LONGEST_WAIT)
    attempt()
    assert 0 < wait(app) <= LONGEST_WAIT + 1
    clock.advance(seconds=LONGEST_WAIT)
    assert attempt()


@pytest.mark.requirement("R55")
def test_waiting_is_not_counted_as_a_failure(app: Flask, attempt: Try, clock: Clock) -> None:
    for _ in range(LIMITS["account and source"]):
        attempt()
    for _ in range(50):
        assert attempt() is None
    clock.advance(seconds=2)
    assert attempt()


@pytest.mark.requirement("R55")
def test_guesses_from_many_addresses_count_for_the_account(attempt: Try) -> None:
    tried = [attempt(source=f"198.51.100.{n}") for n in range(60)]
    assert sum(map(bool, tried)) == LIMITS["account"]


@pytest.mark.requirement("R55")
def test_guesses_at_many_accounts_count_for_the_address(attempt: Try) -> None:
    tried = [attempt(account=f"user{n}@example.org") for n in range(80)]
    assert sum(map(bool, tried)) == LIMITS["source"]


@pytest.mark.requirement("R55")
def test_a_stranger_who_guesses_does_not_keep_the_owner_out(attempt: Try) -> None:
    for _ in range(20):
        attempt(source="198.51.100.1")
    assert attempt(source=HOME)


@pytest.mark.requirement("R55")
def test_success_clears_the_accounts_counter(app: Flask, attempt: Try) -> None:
    for _ in range(LIMITS["account and source"] - 1):
        attempt()
    last = attempt()
    assert last
    with app.app_context():
        last.note_success()
    assert all(attempt() for _ in range(LIMITS["account and source"]))


@pytest.mark.requirement("R55")
def test_success_with_ones_own_account_buys_no_guesses_at_others(app: Flask, attempt: Try) -> None:
    guesses = 0
    for n in range(100):
        guesses += bool(attempt(account=f"user{n}@example.org"))
        mine = attempt(account="mallory@example.org")
        if mine:
            with app.app_context():
                mine.note_success()
    assert guesses <= LIMITS["source"]


@pytest.mark.requirement("R55")
def test_the_addresses_of_one_ipv6_network_are_one(attempt: Try) -> None:
    tried = [attempt(f"user{n}@example.org", f"2001:db8:1:2::{n:x}") for n in range(80)]
    assert sum(map(bool, tried)) == LIMITS["source"]
    assert attempt("ada@example.org", "2001:db8:1:3::1")


def test_ipv4_addresses_written_as_ipv6_are_not_one_network(attempt: Try) -> None:
    for n in range(80):
        attempt(f"user{n}@example.org", "::ffff:192.0.2.1")
    assert attempt("ada@example.org", "::ffff:192.0.2.1") is None
    assert attempt("ada@example.org", "::ffff:192.0.2.2")


@pytest.mark.parametrize("source", ["", "unknown", "192.0.2.1:1234", "fe80::1%eth0"])
def test_an_odd_address_is_an_address(attempt: Try, source: str) -> None:
    for _ in range(LIMITS["account and source"]):
        assert attempt(source=source)
    assert attempt(source=source) is None


@pytest.mark.requirement("R55")
def test_attempts_at_once_are_all_counted(app: Flask, attempt: Try) -> None:
    together = threading.Barrier(8)

    def guess(_: int) -> bool:
        together.wait(10)
        return bool(attempt())

    with ThreadPoolExecutor(8) as threads:
        tried = list(threads.map(guess, range(8)))
    assert sum(tried) <= LIMITS["account and source"]
    assert attempt() is None


@pytest.mark.requirement("R55")
def test_an_attempt_that_another_one_overtakes_is_counted(app: Flask, attempt: Try) -> None:
    attempt()
    overtaken: list[str] = []

    def overtake(connection: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE sign_in_attempts") and not overtaken:
            overtaken.append(statement)
            attempt()

    with app.app_context():
        engine = autocommit_engine()
    sa.event.listen(engine, "before_cursor_execute", overtake)
    attempt()
    sa.event.remove(engine, "before_cursor_execute", overtake)
    with engine.connect() as connection:
        failures = connection.scalars(sa.select(counters.c.failures)).all()
    assert overtaken
    assert failures == [3, 3, 3]


@pytest.mark.requirement("R55")
def test_the_counters_are_in_the_database_and_not_in_a_worker(app: Flask, attempt: Try) -> None:
    for _ in range(LIMITS["account and source"]):
        attempt()
    with app.app_context(), db.engine.begin() as connection:
        rows = connection.execute(sa.select(counters)).all()
        assert len(rows) == len(LIMITS)
        connection.execute(sa.delete(counters))
    assert attempt()


@pytest.mark.requirement("R71")
def test_the_counters_name_nobody(app: Flask, attempt: Try) -> None:
    attempt()
    with app.app_context(), db.engine.connect() as connection:
        content = str(connection.execute(sa.select(counters)).all())
    assert "ada@example.org" not in content
    assert HOME not in content


def test_a_day_without_failures_starts_anew(attempt: Try, clock: Clock) -> None:
    for _ in range(LIMITS["account and source"]):
        attempt()
    clock.advance(days=1, seconds=1)
    assert all(attempt() for _ in range(LIMITS["account and source"]))


def test_old_counters_are_deleted_and_others_kept(app: Flask, attempt: Try, clock: Clock) -> None:
    attempt(account="old@example.org", source="198.51.100.1")
    clock.advance(days=1, seconds=1)
    attempt()
    with app.app_context():
        assert forget_old_attempts(clock()) == len(LIMITS)
        assert forget_old_attempts(clock()) == 0


@pytest.mark.requirement("R55")
def test_where_the_owner_has_signed_in_strangers_do_not_matter(
    app: Flask, attempt: Try, clock: Clock
) -> None:
    mine = attempt(source=HOME)
    assert mine
    with app.app_context():
        mine.note_success()
    clock.advance(days=20)
    for n in range(60):
        attempt(source=f"198.51.100.{n}")
    assert attempt(source="192.0.2.99") is None
    assert attempt(source=HOME)
    clock.advance(days=11)
    for n in range(60):
        attempt(source=f"198.51.100.{n}")
    assert attempt(source=HOME) is None


@pytest.mark.requirement("R55")
def test_all_strangers_together_get_no_hundred_guesses_at_an_account_on_the_first_day(
    app: Flask, attempt: Try, clock: Clock
) -> None:
    end = clock.now + 86_400
    guesses = 0
    while clock.now < end:
        source = f"198.51.{guesses // 250}.{guesses % 250}"
        waits = wait(app, source=source)  # a guess if it is 0
        if waits:
            clock.advance(seconds=waits - 1)  # it was rounded up
            continue
        guesses += 1
        mine = attempt(source=HOME)  # the owner comes and goes, and is known after the first time
        assert mine
        with app.app_context():
            mine.note_success()
    # 25 at once, 11 after waits of 1 s to 1024 s, 46 after waits of 1800 s.
    assert guesses == 82


@pytest.mark.requirement("R55")
def test_who_is_known_takes_back_only_what_they_have_added(
    app: Flask, attempt: Try, clock: Clock
) -> None:
    mine = attempt(source=HOME)
    assert mine
    with app.app_context():
        mine.note_success()
    for n in range(LIMITS["account"]):
        attempt(source=f"198.51.100.{n}")
    clock.advance(seconds=1)
    for _ in range(10):
        mine = attempt(source=HOME)
        assert mine
        with app.app_context():
            mine.withdraw()
    assert attempt(source="192.0.2.99")
    assert attempt(source="192.0.2.99") is None


@pytest.mark.requirement("R55", "R76")
@pytest.mark.parametrize(
    "source", ["5.5.5.5:{n}", "[2001:db8::1]:{n}", "[2001:db8::1]", "not an address {n}"]
)
def test_what_a_proxy_adds_to_an_address_does_not_make_it_another(
    attempt: Try, source: str
) -> None:
    tried = [attempt(source=source.format(n=n)) for n in range(10)]
    assert sum(map(bool, tried)) == LIMITS["account and source"]
    assert attempt(source="203.0.113.9:7")
