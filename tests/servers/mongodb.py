"""The stand-in for MongoDB."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.servers.process import free_port, process, program, server_folder
from tests.servers.server import Server


@contextmanager
def start() -> Iterator[str]:
    """URL of a new SecantusDB, a replica set of one.

    It speaks MongoDB's protocol; MongoDB itself is in no package index.
    """
    server = program("secantusd-py", Path(sys.executable).parent)
    with server_folder() as (folder, as_user):
        port = free_port()
        url = f"mongodb://127.0.0.1:{port}/app?replicaSet=secantus"
        command = [server, "--host", "127.0.0.1", "--port", str(port)]
        command += ["--storage-path", str(folder / "data")]
        ping = f"import pymongo; pymongo.MongoClient({url!r}, timeoutMS=2000).admin.command('ping')"
        with process(command, [sys.executable, "-c", ping], folder, signal.SIGTERM, as_user):
            yield url


def work_done(url: str) -> int:
    with _client(url) as client:
        operations = client.admin.command("serverStatus")["opcounters"]
    return sum(operations[name] for name in ("insert", "query", "update", "delete"))


def leftovers(url: str) -> list[str]:
    """Databases."""
    with _client(url) as client:
        return [*({*client.list_database_names()} - {"admin", "config", "local"})]


def _client(url: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(url)


MONGODB = Server("MONGODB_URL", start, work_done, leftovers)
