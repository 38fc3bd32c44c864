"""A project's own tests on all that REDIS_URL can mean: Valkey, Sentinel, Cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.baked import BakedProject
from tests.servers import SERVERS, Servers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("valkey", "redis-password"),
        ("redis-sentinel", "redis-api"),
        ("redis-cluster", "redis-password"),
    ],
)
def test_its_own_tests_pass(
    kind: str, name: str, copy_of: Callable[[str], BakedProject], servers: Servers
) -> None:
    url = servers.url(kind)
    before = SERVERS[kind].work_done(url)

    result = copy_of(name).pytest("-q", REDIS_URL=url)

    assert result.returncode == 0, result.stdout[-5000:]
    assert SERVERS[kind].work_done(url) > before + 60
    assert SERVERS[kind].leftovers(url) == []
