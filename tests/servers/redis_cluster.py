"""Redis as a Cluster: three primaries with a replica each, with a password."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from redis import Redis, RedisCluster

from tests.servers.process import free_port, program, wait_until
from tests.servers.redis import node, reads
from tests.servers.server import Server

NODES = 6
BUS = 10_000  # so far above a node's port is the one on which nodes talk to each other
PASSWORD = "correct horse"


@contextmanager
def start() -> Iterator[str]:
    """URL of a new Cluster, when every slot is served and every replica is in step."""
    command = program("redis-server")
    ports = [_free_port_with_bus() for _ in range(NODES)]
    options = ["--requirepass", PASSWORD, "--masterauth", PASSWORD, "--cluster-enabled", "yes"]
    # Without the last option the first copy waits for five seconds.
    options += ["--cluster-node-timeout", "1500", "--repl-diskless-sync-delay", "0"]
    hosts = [f"127.0.0.1:{port}" for port in ports]
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(node(command, port, *options))
        create = ["--cluster", "create", *hosts, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(
            [program("redis-cli"), *create],
            env={**os.environ, "REDISCLI_AUTH": PASSWORD},
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        wait_until(lambda: _is_complete(ports), "cluster")
        yield f"redis+cluster://:{PASSWORD.replace(' ', '%20')}@{','.join(hosts[:3])}"


def _free_port_with_bus() -> int:
    while True:
        port = free_port()
        if port > 65_535 - BUS:
            port -= BUS
        try:
            for candidate in (port, port + BUS):
                socket.create_server(("127.0.0.1", candidate)).close()
        except OSError:
            continue
        return port


def _is_complete(ports: list[int]) -> bool:
    replicas = 0
    for port in ports:
        with Redis(port=port, password=PASSWORD) as client:
            if client.cluster("INFO")["cluster_state"] != "ok":
                return False
            replicas += client.info("replication").get("master_link_status") == "up"
    return replicas == NODES // 2


def _client(url: str) -> RedisCluster:
    port = re.findall(r"127\.0\.0\.1:(\d+)", url)[-1]
    return RedisCluster("127.0.0.1", int(port), password=PASSWORD, decode_responses=True)


def a_primary_port(url: str) -> int:
    """The port of a server that is a primary now."""
    with _client(url) as client:
        return int(client.get_primaries()[0].port)


def work_done(url: str) -> int:
    with _client(url) as client:
        return sum(reads(client, target_nodes=node) for node in client.get_primaries())


def leftovers(url: str) -> list[str]:
    with _client(url) as client:
        return [str(key) for key in client.scan_iter()]


REDIS_CLUSTER = Server("REDIS_URL", start, work_done, leftovers)
