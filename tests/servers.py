"""PostgreSQL, Redis and MongoDB's stand-in: on free ports of 127.0.0.1, in folders that go away.

Without the programs the tests that need them are skipped on a developer's machine, and fail where
CI is set: a missing server must not look like a passed test.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from pymongo import MongoClient
from redis import Redis


@dataclass(frozen=True)
class Servers:
    database_url: str
    redis_url: str
    mongodb_url: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "MONGODB_URL": self.mongodb_url,
        }

    def work_done(self) -> dict[str, int]:
        """How much each server has done: a suite that quietly used fakes does not raise it."""
        with self._postgresql() as connection:
            connection.execute("SELECT pg_stat_clear_snapshot()")
            row = connection.execute(
                "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database"
            ).fetchone()
        assert row is not None
        with Redis.from_url(self.redis_url) as client:
            commands = client.info("stats")["total_commands_processed"]
        with self._mongodb() as mongodb:
            operations = mongodb.admin.command("serverStatus")["opcounters"]
        return {
            "postgresql": int(row[0]),
            "redis": int(commands),
            "mongodb": sum(operations[name] for name in ("insert", "query", "update", "delete")),
        }

    def leftovers(self) -> list[str]:
        """What a suite should have taken away: keys, schemas, tables and databases."""
        with self._postgresql() as connection:
            rows = connection.execute(
                "SELECT schema_name FROM information_schema.schemata WHERE schema_name"
                " NOT LIKE 'pg_%' AND schema_name NOT IN ('information_schema', 'public')"
                " UNION SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = 'public'"
            ).fetchall()
        with Redis.from_url(self.redis_url, decode_responses=True) as client:
            found = [*(str(row[0]) for row in rows), *(str(key) for key in client.scan_iter())]
        with self._mongodb() as mongodb:
            return [*found, *({*mongodb.list_database_names()} - {"admin", "config", "local"})]

    def _postgresql(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.database_url.replace("+psycopg", ""), autocommit=True)

    def _mongodb(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(self.mongodb_url)


@contextmanager
def running_servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(
            stack.enter_context(postgresql()),
            stack.enter_context(redis()),
            stack.enter_context(mongodb()),
        )


def program(name: str, *folders: Path) -> str:
    """The path of a server's program, looked for on PATH and then in these folders."""
    path = shutil.which(name)
    for folder in folders:
        path = path or shutil.which(name, path=str(folder))
    if not path:
        missing(f"{name} is not installed: see .ci/run")
    return path


def missing(message: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def disk(folder: Path, size: str = "1m") -> Iterator[Callable[..., None]]:
    """A disk of this size on a folder, until it is gone; yields what mounts it anew with options.

    Needs root, or sudo that asks for no password.
    """
    as_root = [] if os.geteuid() == 0 else [program("sudo"), "-n"]
    owner = f"uid={os.getuid()},mode=0700"

    def mount(*options: str) -> None:
        command = [
            *as_root,
            "mount",
            "-t",
            "tmpfs",
            "-o",
            ",".join([f"size={size}", owner, *options]),
        ]
        if subprocess.run([*command, "tmpfs", folder], check=False, timeout=20).returncode:
            missing("a test's own disk cannot be mounted")

    mount()
    try:
        yield mount
    finally:
        subprocess.run([*as_root, "umount", "--lazy", folder], check=True, timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgresql() -> Iterator[str]:
    """SQLAlchemy URL of a new PostgreSQL server that asks for a password."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb, postgres, pg_isready = (
        program(name, *debian) for name in ("initdb", "postgres", "pg_isready")
    )
    with server_folder("postgres") as (folder, as_user):
        data = folder / "data"
        password = folder / "password"
        password.write_text("correct horse\n")
        password.chmod(0o644)
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", f"--pwfile={password}", "-A", "scram-sha-256"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
            **as_user,
        )
        port = free_port()
        settings = {"port": port, "listen_addresses": "127.0.0.1", "fsync": "off"}
        settings |= {"unix_socket_directories": "", "max_connections": 50}
        command = [postgres, "-D", str(data)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        ready = [pg_isready, "-q", "-h", "127.0.0.1", "-p", str(port)]
        with process(command, ready, folder, signal.SIGINT, as_user):
            yield f"postgresql+psycopg://postgres:correct%20horse@127.0.0.1:{port}/postgres"


@contextmanager
def redis() -> Iterator[str]:
    """URL of a new Redis server."""
    server, client = program("redis-server"), program("redis-cli")
    with server_folder() as (folder, as_user):
        port = free_port()
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no"]
        with process(command, [client, "-p", str(port), "ping"], folder, signal.SIGTERM, as_user):
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def mongodb() -> Iterator[str]:
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


@contextmanager
def server_folder(user: str | None = None) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder, and how to start a process that owns it: PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    as_user: dict[str, Any] = {}
    if user and hasattr(os, "geteuid") and os.geteuid() == 0:
        shutil.chown(folder, user, user)
        as_user = {"user": user, "group": user, "extra_groups": []}
    try:
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def process(
    command: list[str],
    ready: list[str],
    folder: Path,
    stop: signal.Signals,
    as_user: dict[str, Any],
) -> Iterator[subprocess.Popen[bytes]]:
    """A server from the moment that the command `ready` succeeds until the end of the block."""
    log = folder / "log"

    def is_ready() -> bool:
        assert server.poll() is None, log.read_text(errors="replace")
        probe = subprocess.run(ready, capture_output=True, timeout=10, check=False)
        return probe.returncode == 0

    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, **as_user
        )
    try:
        wait_until(is_ready, command[0])
        yield server
    finally:
        server.send_signal(stop)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_until(happened: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} seconds"
        time.sleep(0.05)
