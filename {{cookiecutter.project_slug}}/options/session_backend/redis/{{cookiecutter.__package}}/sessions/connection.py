"""How Redis or Valkey is reached: as one server, behind Sentinel, or as a Cluster."""

import logging
import math
import threading
import time
from typing import Any

from redis import Redis, RedisCluster, exceptions
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import Connection, ConnectionPool, SSLConnection
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from .address import Address, parse
from .protocol import StoreUnavailable

Client = Redis | RedisCluster

TIMEOUT = 1.0  # seconds for an answer; redis-py by itself waits and retries for up to twelve
SENTINEL_TIMEOUT = 0.3  # seconds: one that hangs must leave time for the others
LAST_START = 1.5  # seconds into a call, after which nothing more is tried
COPIES = 1  # replicas that should know that a session has ended
COPY_TIMEOUT = 100  # milliseconds

UNREACHABLE = (exceptions.ConnectionError, exceptions.TimeoutError)
REDIRECTED = (exceptions.AskError, exceptions.ClusterDownError, exceptions.TryAgainError)

FAILURES = (
    exceptions.RedisError,
    exceptions.RedisClusterException,
    AttributeError,  # redis-py's, when ASK leads to a node that has joined the Cluster just now
)

logger = logging.getLogger(__name__)


class _Time(threading.local):
    """When a thread's present call may start nothing more, by the monotonic clock."""

    out = math.inf


_time = _Time()


class InTime(Connection):
    """A connection that starts nothing more when the call it serves has had its time.

    redis-py asks one sentinel or node after the other, each with a timeout of its own.
    """

    def connect(self) -> None:
        """Connect, if there is time left."""
        _check_time()
        super().connect()

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send, if there is time left."""
        _check_time()
        super().send_packed_command(command, check_health)


class InTimeTLS(InTime, SSLConnection):
    """The same with TLS."""


class ToPrimary(InTime, SentinelManagedConnection):
    """A connection to the server that the sentinels name, if it is the primary indeed."""

    def connect_to(self, address: tuple[str, int]) -> None:
        """Connect, and see what the server says of itself: sentinels can be behind."""
        super().connect_to(address)
        greeting: Any = self.handshake_metadata
        if greeting[b"role"] != b"master":
            self.disconnect()
            raise exceptions.ConnectionError("not the primary")

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read an answer. A connection on which that was interrupted is closed.

        The next request would read the answer that is still to come: another user's session.
        """
        return super().read_response(*args, **{"disconnect_on_error": True, **options})


class ToPrimaryTLS(ToPrimary, SentinelManagedSSLConnection):
    """The same with TLS."""


class Sentinels(Sentinel):
    """Sentinels that several threads can ask at once."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the primary's host and port; who knew it is asked first the next time.

        redis-py reorders its list in place, and two threads that do so can lose a sentinel.
        """
        attempt = Sentinel([])
        attempt.sentinels = list(self.sentinels)
        address: tuple[str, int] = attempt.discover_master(service_name)
        self.sentinels = attempt.sentinels
        return address


def connect(url: str) -> Client:
    """Return a client. Only that of a Cluster asks its servers already here."""
    address = parse(url)
    if address.kind == "redis+cluster":
        return _cluster(address)
    if address.kind == "redis+sentinel":
        return _sentinel(address)
    ((host, port),) = address.hosts
    return _server(host, port, address.tls, TIMEOUT, address.options)


def _options(timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),  # a command may have been done, though its answer is lost
        "protocol": 3,  # the greeting tells the server's role
        # While these are on, redis-py no longer looks whether a connection that it takes from the
        # pool has an answer left that nobody read, which would be given to the wrong user; and a
        # server could raise the timeouts.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _server(host: str, port: int, tls: bool, timeout: float, options: dict[str, Any]) -> Redis:
    pool = ConnectionPool(
        host=host,
        port=port,
        connection_class=InTimeTLS if tls else InTime,
        **_options(timeout),
        **options,
    )
    return Redis.from_pool(pool)


def _sentinel(address: Address) -> Redis:
    sentinels = Sentinels([])
    sentinels.sentinels = [
        _server(host, port, address.tls, SENTINEL_TIMEOUT, address.sentinel_options)
        for host, port in address.hosts
    ]
    primary: Redis = sentinels.master_for(
        address.service,
        connection_class=ToPrimaryTLS if address.tls else ToPrimary,
        **_options(TIMEOUT),
        **address.options,
    )
    return primary


def _cluster(address: Address) -> RedisCluster:
    (host, port), *others = address.hosts
    options = {name: value for name, value in address.options.items() if name != "db"}
    return RedisCluster(
        # A URL, since only then redis-py takes a class for its connections.
        url=f"redis://[{host}]:{port}" if ":" in host else f"redis://{host}:{port}",
        startup_nodes=[ClusterNode(host, port) for host, port in others],
        connection_class=InTimeTLS if address.tls else InTime,
        **_options(TIMEOUT),
        **options,
    )


class one_call:  # noqa: N801 (a context manager; from a generator it takes three times as long)
    """Limit the time that the client may take, and turn its errors into StoreUnavailable."""

    def __enter__(self) -> None:
        _time.out = time.monotonic() + LAST_START

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        _time.out = math.inf
        if isinstance(error, FAILURES):
            raise StoreUnavailable(type(error).__name__) from error


def _check_time() -> None:
    if time.monotonic() > _time.out:
        raise exceptions.TimeoutError("no time left")


def call(client: Client, *command: Any) -> Any:
    """Return the server's answer to one command.

    What each request asks goes this way: the client's own methods add retries, which are off, and
    metrics, and take a fifth longer.
    """
    if isinstance(client, RedisCluster):
        return client.execute_command(*command)
    pool = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_command(*command)
        return connection.read_response()  # closes a connection on which this fails
    finally:
        pool.release(connection)


def eval_with_copy(client: Client, script: str, name: str, *arguments: Any) -> Any:
    """Run a script on one key, and wait until a replica knows as well what it has changed.

    A primary answers before its replicas have heard of it. If it dies in that moment, a session
    that had ended would be back on the replica that takes over (CWE-613).
    """
    if isinstance(client, RedisCluster):
        return _eval_in_cluster(client, script, name, arguments)
    if isinstance(client.connection_pool, SentinelConnectionPool):
        return _eval_and_wait(client, script, name, arguments)
    return client.eval(script, 1, name, *arguments)


def _eval_in_cluster(
    client: RedisCluster, script: str, name: str, arguments: tuple[Any, ...]
) -> Any:
    # WAIT is about the writes of its own connection, so both go to the node itself.
    node = client.get_redis_connection(client.get_node_from_key(name))
    try:
        return _eval_and_wait(node, script, name, arguments)
    except REDIRECTED:  # nothing was done: the key is on another node by now
        return client.eval(script, 1, name, *arguments)
    except UNREACHABLE:
        client.nodes_manager.initialize()  # look who is there, as the client itself does
        raise


def _eval_and_wait(server: Redis, script: str, name: str, arguments: tuple[Any, ...]) -> Any:
    with server.pipeline(transaction=False) as pipe:
        pipe.eval(script, 1, name, *arguments)
        pipe.wait(COPIES, COPY_TIMEOUT)
        answer, copies = pipe.execute(raise_on_error=False)
    if isinstance(answer, exceptions.RedisError):
        raise answer
    if not isinstance(copies, int) or copies < COPIES:
        logger.warning("a session ends on no replica yet")
    return answer
