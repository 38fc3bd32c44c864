"""memcached, which asks for a password and evicts nothing."""

from __future__ import annotations

import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from tests.servers.process import free_port, process, program, server_folder
from tests.servers.server import Server

PASSWORD = "correct-horse"


@contextmanager
def start() -> Iterator[str]:
    """URL of a new memcached."""
    with run(free_port()) as url:
        yield url


@contextmanager
def run(port: int, *options: str, password: str = PASSWORD) -> Iterator[str]:
    """URL of a memcached at this port of the loopback."""
    server = program("memcached")
    with server_folder() as (folder, as_user):
        users = folder / "users"
        users.write_text(f"app:{password}\n", encoding="utf-8")
        command = [server, "-u", "root", "-l", "127.0.0.1", "-p", str(port), "-M", "-Y", str(users)]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2).close()"
        ready = [sys.executable, "-c", connect]
        with process([*command, *options], ready, folder, signal.SIGTERM, as_user):
            yield f"memcached://app:{password}@127.0.0.1:{port}"


@contextmanager
def signed_in(url: str) -> Iterator[socket.socket]:
    """A connection that may do everything."""
    parts = urlsplit(url)
    login = f"app {parts.password}"
    with socket.create_connection((parts.hostname, parts.port or 0), 10) as connection:
        assert say(connection, f"set auth 0 0 {len(login)}\r\n{login}") == "STORED\r\n"
        yield connection


def say(connection: socket.socket, command: str, end: str = "\r\n") -> str:
    """What memcached answers, up to this end of it."""
    connection.sendall(f"{command}\r\n".encode())
    answer = ""
    while not answer.endswith(end):
        received = connection.recv(2**16)
        assert received, answer
        answer += received.decode()
    return answer


def work_done(url: str) -> int:
    with signed_in(url) as connection:
        stats = dict(re.findall(r"STAT (\w+) (\d+)\r\n", say(connection, "stats", "END\r\n")))
    return sum(int(stats[name]) for name in ("cmd_get", "cmd_set"))


def leftovers(url: str) -> list[str]:
    with signed_in(url) as connection:
        names = say(connection, "lru_crawler metadump hash", "END\r\n")
    return [unquote(name) for name in re.findall(r"key=(\S+)", names)]


MEMCACHED = Server("MEMCACHED_URL", start, work_done, leftovers)
