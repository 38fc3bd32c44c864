"""Servers that come back, that refuse the password, or that take no writes (R72).

As in test_outages.py: the project runs as in production, and each test has servers of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from redis import Redis

from tests.outages import killed
from tests.servers.process import wait_until
from tests.test_outages import (
    CREDENTIALS,
    LONGEST,
    SESSION_NEEDED,
    SITES,
    Site,
    assert_out_of_order,
    site,
)

__all__ = ["site"]  # the fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DISCONNECT_ALL = (  # and wait until they are gone, up to five seconds each
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
KEEPS_NOTHING = {"memcached"}  # whose sessions end with the server


@pytest.mark.parametrize(
    "site",  # the tests' MariaDB writes its log once a second, and would forget who signed in
    [name for name in SITES if "mariadb" not in name],
    indirect=True,
)
def test_a_database_that_comes_back(site: Site) -> None:
    with killed(site.database_url) as start_again:
        assert_out_of_order(site)
        start_again()
        wait_until(lambda: site.ask("/readyz").status == 200, "recovery")
        for _ in range(10):  # each worker
            assert site.ask(SESSION_NEEDED).status == 200


@pytest.mark.parametrize(
    "site", ["redis-password", "mongodb-password", "memcached-password"], indirect=True
)
def test_a_session_store_that_comes_back(site: Site) -> None:
    if site.backend == "redis":  # which the tests run without its log
        with Redis.from_url(site.store_url) as client:
            client.save()
    expected = 303 if site.backend in KEEPS_NOTHING else 200
    with killed(site.store_url) as start_again:
        assert_out_of_order(site)
        start_again()
        wait_until(lambda: site.ask("/readyz").status == 200, "recovery")
        for _ in range(10):
            answer = site.ask(SESSION_NEEDED)
            assert (answer.status, answer.cookie) == (expected, None)
        answer = site.ask("/login", CREDENTIALS, cookie="none=1")
        assert answer.cookie
        assert site.ask(SESSION_NEEDED, cookie=answer.cookie.partition(";")[0]).status == 200


@contextmanager
def told(url: str, *statements: str) -> Iterator[None]:
    """Give PostgreSQL these orders; what has been connected before them is not any more."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in (*statements, DISCONNECT_ALL):
            connection.execute(statement)
        yield


@pytest.mark.parametrize("site", ["database-password", "redis-password"], indirect=True)
def test_a_database_that_refuses_the_password(site: Site) -> None:
    with told(site.database_url, "ALTER USER postgres PASSWORD 'another'"):
        assert_out_of_order(site)
        with psycopg.connect(
            site.database_url.replace("+psycopg", ""), password="another", autocommit=True
        ) as connection:
            connection.execute("ALTER USER postgres PASSWORD 'correct horse'")
    assert site.ask(SESSION_NEEDED).status == 200


@pytest.mark.parametrize("site", ["redis-password"], indirect=True)
def test_a_session_store_that_refuses_the_password(site: Site) -> None:
    with Redis.from_url(site.store_url) as client:
        client.config_set("requirepass", "another")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert_out_of_order(site)
        client.config_set("requirepass", "")
    assert site.ask(SESSION_NEEDED).status == 200


@pytest.mark.parametrize("site", ["database-password", "redis-password"], indirect=True)
def test_a_database_that_is_read_only_signs_nobody_in(site: Site) -> None:
    read_only = "ALTER DATABASE postgres SET default_transaction_read_only = {}"
    with told(site.database_url, read_only.format("on")):
        answer = site.ask("/login", CREDENTIALS, cookie="none=1")
        assert (answer.status, answer.cookie, answer.location) == (503, None, None)
        assert answer.seconds < LONGEST
        assert site.ask(SESSION_NEEDED).status == 200  # reading still works
    with told(site.database_url, read_only.format("off")):
        answer = site.ask("/login", CREDENTIALS, cookie="none=1")
        assert (answer.status, bool(answer.cookie)) == (303, True)
