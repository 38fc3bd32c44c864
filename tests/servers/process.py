"""Programs that run as servers: on free ports of 127.0.0.1, in folders that go away.

Without a program the tests that need it are skipped on a developer's machine, and fail where CI is
set: a missing server must not look like a passed test.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
