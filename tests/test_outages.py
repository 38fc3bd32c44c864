"""A server that does not answer (R72): 503 within three seconds, and nobody is signed out.

The project runs as in production and is asked over HTTP. Each test has servers of its own.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest
from redis import Redis

from tests.baked import BakedProject
from tests.outages import hanging, kill
from tests.servers import Servers, needed_by, running_servers
from tests.servers.mariadb import close_connections
from tests.serving import in_production

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CREDENTIALS = {"email": "ada@example.org", "password": "correct horse battery staple"}
LONGEST = 3.0  # seconds
SESSION_NEEDED = "/account"
NO_SESSION_NEEDED = ["/", "/login", "/healthz", "/static/style.css"]


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float
    cookie: str | None
    retry_after: str | None
    location: str | None


@dataclass(frozen=True)
class Site:
    url: str
    backend: str
    database: str
    servers: Servers
    cookie: str

    @property
    def store_url(self) -> str:
        """The URL of the server that keeps the sessions."""
        return self.servers.url(needed_by(self.backend, self.database)[-1])

    @property
    def database_url(self) -> str:
        return self.servers.url(self.database)

    def ask(self, path: str, form: dict[str, str] | None = None, cookie: str = "") -> Answer:
        return ask(self.url, path, form, cookie or self.cookie)


def ask(url: str, path: str, form: dict[str, str] | None = None, cookie: str = "") -> Answer:
    """One request, as a browser sends it, without following where it leads."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    if form is None:
        connection.request("GET", path, headers=headers)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST", path, urlencode(form), headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return Answer(
        response.status,
        time.monotonic() - began,
        response.getheader("Set-Cookie"),
        response.getheader("Retry-After"),
        response.getheader("Location"),
    )


SITES = [
    "database-password",
    "database-password on mariadb",
    "redis-password",
    "mongodb-password",
    "memcached-password",
    "dynamodb-password",
]


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, copy_of: Callable[[str], BakedProject]) -> Iterator[Site]:
    """A site with a signed-in user, and with servers that nobody else needs."""
    combination, _, database = request.param.partition(" on ")
    database = database or "postgresql"
    with ExitStack() as stack:
        servers = stack.enter_context(running_servers())
        project = copy_of(combination)
        backend = project.answers["session_backend"]
        environment = servers.environment(backend, database)
        url = stack.enter_context(in_production(project, **environment))
        assert ask(url, "/register", CREDENTIALS).status == 303
        cookie = ask(url, "/login", CREDENTIALS).cookie
        assert cookie
        yield Site(url, backend, database, servers, cookie.partition(";")[0])


def assert_out_of_order(site: Site) -> None:
    """No page of a user, no sign-in, no change to a cookie; all else as ever."""
    for answer in (site.ask(SESSION_NEEDED), site.ask("/readyz"), site.ask("/login", CREDENTIALS)):
        assert answer.status == 503
        assert answer.seconds < LONGEST
        assert answer.cookie is None
        assert answer.retry_after
        assert answer.location is None
    for path in NO_SESSION_NEEDED:
        answer = site.ask(path)
        assert (answer.status, answer.cookie) == (200, None)
        assert answer.seconds < LONGEST


def test_a_session_store_that_hangs(site: Site) -> None:
    with hanging(site.store_url):
        assert_out_of_order(site)
    assert site.ask(SESSION_NEEDED).status == 200


def test_a_database_that_hangs(site: Site) -> None:
    with hanging(site.database_url):
        assert_out_of_order(site)
    assert site.ask(SESSION_NEEDED).status == 200


def test_a_session_store_that_is_gone(site: Site) -> None:
    kill(site.store_url)
    assert_out_of_order(site)


def test_a_database_that_is_gone(site: Site) -> None:
    kill(site.database_url)
    assert_out_of_order(site)


def test_connections_that_the_servers_have_closed(site: Site) -> None:
    """As after a restart: the first request already works."""
    for _ in range(20):  # each thread of the workers has met the servers
        assert site.ask(SESSION_NEEDED).status == 200
    if site.database == "mariadb":
        close_connections(site.database_url)
    else:
        url = site.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    if site.backend == "redis":
        with Redis.from_url(site.store_url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    for _ in range(20):
        assert site.ask(SESSION_NEEDED).status == 200


@pytest.mark.parametrize("site", ["redis-password"], indirect=True)
@pytest.mark.parametrize(
    "command",
    [["CONFIG", "SET", "maxmemory", "1"], ["REPLICAOF", "127.0.0.1", "1"]],
    ids=["full", "read-only"],
)
def test_a_store_that_takes_no_writes_signs_nobody_in(site: Site, command: list[str]) -> None:
    with Redis.from_url(site.store_url) as client:
        client.execute_command("CONFIG", "SET", "replica-serve-stale-data", "yes")
        client.execute_command(*command)
    answer = site.ask("/login", CREDENTIALS, cookie="none=1")
    assert (answer.status, answer.cookie, answer.location) == (503, None, None)
    assert answer.seconds < LONGEST
    assert site.ask(SESSION_NEEDED).status == 200  # reading still works
