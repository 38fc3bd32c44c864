"""Redis behind Sentinel: a primary, two replicas and three sentinels, all with passwords."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from redis import Redis, RedisError

from tests.servers.process import free_port, process, program, server_folder, wait_until
from tests.servers.redis import leftovers, node, work_done
from tests.servers.server import Server

SERVICE = "main"
PASSWORD = "correct horse"
SENTINEL_PASSWORD = "another horse"
CONFIGURATION = f"""
bind 127.0.0.1
requirepass "{SENTINEL_PASSWORD}"
sentinel monitor {SERVICE} 127.0.0.1 %d 2
sentinel auth-pass {SERVICE} "{PASSWORD}"
sentinel down-after-milliseconds {SERVICE} 1000
sentinel failover-timeout {SERVICE} 5000
"""


@contextmanager
def start() -> Iterator[str]:
    """URL of new servers, when both replicas are in step and each sentinel knows all others."""
    command = program("redis-server")
    login = ["--requirepass", PASSWORD, "--masterauth", PASSWORD]
    primary, sentinels = free_port(), [free_port() for _ in range(3)]
    with ExitStack() as stack:
        # Without this option the first copy waits for five seconds.
        stack.enter_context(node(command, primary, *login, "--repl-diskless-sync-delay", "0"))
        for _ in range(2):
            replica = [*login, "--replicaof", "127.0.0.1", str(primary)]
            stack.enter_context(node(command, free_port(), *replica))
        for port in sentinels:
            stack.enter_context(_sentinel(command, port, primary))
        wait_until(lambda: all(_knows_all(port) for port in sentinels), "sentinels")
        hosts = ",".join(f"127.0.0.1:{port}" for port in sentinels)
        login_of_sentinels = SENTINEL_PASSWORD.replace(" ", "%20")
        yield (
            f"redis+sentinel://:{PASSWORD.replace(' ', '%20')}@{hosts}/{SERVICE}/0"
            f"?sentinel_password={login_of_sentinels}"
        )


@contextmanager
def _sentinel(command: str, port: int, primary: int) -> Iterator[None]:
    with server_folder() as (folder, as_user):
        configuration = folder / "sentinel.conf"
        configuration.write_text(f"port {port}\ndir {folder}\n{CONFIGURATION % primary}")
        ping = [program("redis-cli"), "-p", str(port), "ping"]
        arguments = [command, str(configuration), "--sentinel"]
        with process(arguments, ping, folder, signal.SIGTERM, as_user):
            yield


def _knows_all(port: int) -> bool:
    with Redis(port=port, password=SENTINEL_PASSWORD) as client:
        state = client.sentinel_master(SERVICE)
    if (state["num-slaves"], state["num-other-sentinels"], state["flags"]) != (2, 2, "master"):
        return False
    with Redis(port=int(state["port"]), password=PASSWORD) as primary:
        return str(primary.info("replication")).count("'state': 'online'") == 2


def primary_port(url: str) -> int:
    """The port of the server that is the primary now."""
    for port in re.findall(r"127\.0\.0\.1:(\d+)", url):
        try:
            with Redis(port=int(port), password=SENTINEL_PASSWORD) as client:
                return int(client.sentinel_master(SERVICE)["port"])
        except RedisError:
            continue
    raise AssertionError("no sentinel answers")


def _primary(url: str) -> str:
    return f"redis://:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{primary_port(url)}"


REDIS_SENTINEL = Server(
    "REDIS_URL",
    start,
    lambda url: work_done(_primary(url)),
    lambda url: leftovers(_primary(url)),
)
