"""Servers that hang, die or close their connections, as seen by a project that is running."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import make_url

from tests.servers.process import wait_until


def port_of(url: str) -> int:
    port = make_url(url).port
    assert port
    return port


def processes(port: int) -> list[psutil.Process]:
    """The process that listens on this port of the loopback, and those that it has started."""
    (listener,) = {
        connection.pid
        for connection in psutil.net_connections("tcp4")
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr
        and connection.laddr.port == port
    }
    server = psutil.Process(listener)
    return [server, *server.children(recursive=True)]


def tell(port: int, what: signal.Signals) -> list[psutil.Process]:
    told = processes(port)
    for process in told:
        process.send_signal(what)
    return told


def is_stopped(process: psutil.Process) -> bool:
    stopped: bool = process.status() == psutil.STATUS_STOPPED
    return stopped


@contextmanager
def hanging(url: str) -> Iterator[None]:
    """The server accepts connections and answers nothing, until the end of the block."""
    port = port_of(url)
    stopped = tell(port, signal.SIGSTOP)
    try:
        # One thread takes the signal and stops the others, which may answer until then.
        wait_until(lambda: all(map(is_stopped, stopped)), "a server that hangs")
        yield
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)


def kill(url: str) -> None:
    """End the server at once; its port refuses connections from then on."""
    psutil.wait_procs(tell(port_of(url), signal.SIGKILL), timeout=20)


@contextmanager
def killed(url: str) -> Iterator[Callable[[], None]]:
    """The server is gone. Yields what starts it again, on its port and folder, for this block."""
    server = processes(port_of(url))[0]
    command, folder = server.cmdline(), server.cwd()
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_user = {"user": server.uids().real, "group": server.gids().real, "extra_groups": []}
    kill(url)
    with ExitStack() as stack:

        def start_again() -> None:
            log = stack.enter_context(Path(folder, "log").open("ab"))
            again = psutil.Popen(command, cwd=folder, stdout=log, stderr=log, **as_user)
            stack.callback(again.wait, 20)
            stack.callback(again.kill)

        yield start_again
