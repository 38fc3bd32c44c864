"""MariaDB."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy import make_url

from tests.servers.process import free_port, process, program, server_folder
from tests.servers.server import Server

# What README.md says that the application's user needs.
PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES"
# Run before the server takes connections. The anonymous users would come before `app`.
SET_UP = f"""\
DELETE FROM mysql.global_priv WHERE User = '';
CREATE DATABASE app;
CREATE USER app@'127.0.0.1' IDENTIFIED BY 'correct horse';
GRANT {PRIVILEGES} ON app.* TO app@'127.0.0.1';
GRANT {PRIVILEGES} ON `test\\_%`.* TO app@'127.0.0.1';
FLUSH PRIVILEGES;
"""


@contextmanager
def start() -> Iterator[str]:
    """SQLAlchemy URL of a new MariaDB server that asks for a password.

    It is set up as carelessly as servers are: Latin-1, and texts that are too long are cut.
    """
    install, server, admin = (
        program(name, Path("/usr/sbin"))
        for name in ("mariadb-install-db", "mariadbd", "mariadb-admin")
    )
    with server_folder("mysql") as (folder, as_user):
        data, set_up = folder / "data", folder / "set-up.sql"
        set_up.write_text(SET_UP)
        subprocess.run(
            [install, "--no-defaults", f"--datadir={data}", "--skip-test-db"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
            **as_user,
        )
        port = free_port()
        settings = {"port": port, "bind-address": "127.0.0.1", "socket": folder / "socket"}
        settings |= {"datadir": data, "pid-file": folder / "pid", "init-file": set_up}
        settings |= {"innodb-flush-log-at-trx-commit": 0, "innodb-doublewrite": 0}
        settings |= {"character-set-server": "latin1", "sql-mode": ""}
        command = [server, "--no-defaults"]
        command += [f"--{name}={value}" for name, value in settings.items()]
        ready = [admin, "--no-defaults", "--host=127.0.0.1", f"--port={port}", "ping"]
        ready += ["--user=app", "--password=correct horse"]
        with process(command, ready, folder, signal.SIGTERM, as_user):
            yield f"mariadb+pymysql://app:correct%20horse@127.0.0.1:{port}/app"


def close_connections(url: str) -> None:
    """End every connection of the application."""
    with _cursor(url) as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE id <> connection_id()")
        for (connection,) in cursor.fetchall():
            cursor.execute(f"KILL {int(connection)}")


def work_done(url: str) -> int:
    with _cursor(url) as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        (row,) = cursor.fetchall()
    return int(row[1])


def leftovers(url: str) -> list[str]:
    """Databases and tables."""
    with _cursor(url) as cursor:
        cursor.execute(
            "SELECT schema_name FROM information_schema.schemata"
            " WHERE schema_name NOT IN ('information_schema', 'app')"
            " UNION SELECT table_name FROM information_schema.tables WHERE table_schema = 'app'"
        )
        return [str(name) for (name,) in cursor.fetchall()]


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    parts = make_url(url)
    with (
        pymysql.connect(
            host=parts.host or "",
            port=parts.port or 0,
            user=parts.username,
            password=str(parts.password),
            autocommit=True,
        ) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


MARIADB = Server("DATABASE_URL", start, work_done, leftovers)
