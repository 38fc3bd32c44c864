"""The real servers that the tests start: each at its first use, and gone with the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.servers.dynamodb import DYNAMODB
from tests.servers.mariadb import MARIADB
from tests.servers.memcached import MEMCACHED
from tests.servers.mongodb import MONGODB
from tests.servers.postgresql import POSTGRESQL
from tests.servers.redis import REDIS, VALKEY
from tests.servers.redis_cluster import REDIS_CLUSTER
from tests.servers.redis_sentinel import REDIS_SENTINEL
from tests.servers.server import Server

SERVERS: dict[str, Server] = {
    # The application's database.
    "postgresql": POSTGRESQL,
    "mariadb": MARIADB,
    # What an answer to `session_backend` needs has the answer's name.
    "redis": REDIS,
    "mongodb": MONGODB,
    "memcached": MEMCACHED,
    "dynamodb": DYNAMODB,
    # What REDIS_URL can mean, too.
    "valkey": VALKEY,
    "redis-sentinel": REDIS_SENTINEL,
    "redis-cluster": REDIS_CLUSTER,
}


class Servers:
    """Servers of somebody's own, by their names in SERVERS."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._urls: dict[str, str] = {}

    def url(self, name: str) -> str:
        """The URL of a server, which is started if it does not run yet."""
        if name not in self._urls:
            self._urls[name] = self._stack.enter_context(SERVERS[name].start())
        return self._urls[name]

    def environment(self, backend: str, database: str = "postgresql") -> dict[str, str]:
        """What a project of this session backend needs to use real servers alone."""
        names = needed_by(backend, database)
        return {SERVERS[name].variable: self.url(name) for name in names}

    def work_done(self, backend: str, database: str = "postgresql") -> dict[str, int]:
        """How much each server has done: a suite that quietly used fakes does not raise it."""
        names = needed_by(backend, database)
        return {name: SERVERS[name].work_done(self.url(name)) for name in names}

    def leftovers(self, backend: str, database: str = "postgresql") -> list[str]:
        """What a suite should have taken away."""
        return [
            found
            for name in needed_by(backend, database)
            for found in SERVERS[name].leftovers(self.url(name))
        ]


def needed_by(backend: str, database: str = "postgresql") -> list[str]:
    """The names of the servers that a project of this session backend works with."""
    return [database, *([backend] if backend in SERVERS else [])]


@contextmanager
def running_servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)
