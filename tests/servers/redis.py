"""Redis."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from tests.servers.process import free_port, process, program, server_folder
from tests.servers.server import Server


@contextmanager
def start() -> Iterator[str]:
    """URL of a new Redis server."""
    server, client = program("redis-server"), program("redis-cli")
    with server_folder() as (folder, as_user):
        port = free_port()
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no"]
        with process(command, [client, "-p", str(port), "ping"], folder, signal.SIGTERM, as_user):
            yield f"redis://127.0.0.1:{port}/0"


def work_done(url: str) -> int:
    with Redis.from_url(url) as client:
        return int(client.info("stats")["total_commands_processed"])


def leftovers(url: str) -> list[str]:
    with Redis.from_url(url, decode_responses=True) as client:
        return [str(key) for key in client.scan_iter()]


REDIS = Server("REDIS_URL", start, work_done, leftovers)
