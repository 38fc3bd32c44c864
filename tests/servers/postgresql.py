"""PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.process import free_port, process, program, server_folder
from tests.servers.server import Server


@contextmanager
def start() -> Iterator[str]:
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


def work_done(url: str) -> int:
    with _connection(url) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        row = connection.execute(
            "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database"
        ).fetchone()
    assert row is not None
    return int(row[0])


def leftovers(url: str) -> list[str]:
    """Schemas and tables."""
    with _connection(url) as connection:
        rows = connection.execute(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name"
            " NOT LIKE 'pg_%' AND schema_name NOT IN ('information_schema', 'public')"
            " UNION SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public'"
        ).fetchall()
    return [str(row[0]) for row in rows]


def _connection(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


POSTGRESQL = Server("DATABASE_URL", start, work_done, leftovers)
