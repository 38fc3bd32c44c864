"""Connections to memcached: signed in, this process's own, and none that the server has closed."""

import logging
import os
import selectors
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError, MemcacheUnknownCommandError
from pymemcache.pool import ObjectPool

from .protocol import StoreUnavailable

TIMEOUT = 1.0  # seconds to connect, and to wait for an answer; pymemcache by itself waits forever
PORT = 11211  # memcached's own

_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # no poll on Windows
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """What a MEMCACHED_URL says."""

    host: str
    port: int
    login: str | None  # as memcached wants to hear it
    tls: bool

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Return the address in `memcached[s]://[user:password@]host[:port]`; else ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("memcached", "memcacheds") or not parts.hostname:
            raise ValueError("no address of a server")
        if "," in parts.hostname:
            raise ValueError("more than one server")
        if parts.port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("more than an address")
        login = None
        if "@" in parts.netloc:
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
            login = f"{user} {password}"
            if not user or not password or not login.isprintable() or login.count(" ") != 1:
                raise ValueError("no user and password")
        return cls(parts.hostname, parts.port or PORT, login, parts.scheme == "memcacheds")


class LineClient(Client):
    """A client with one method for commands that pymemcache does not know."""

    def ask(self, command: str) -> bytes:
        """Return the line with which the server answers.

        `raw_command` of pymemcache loses the beginning of one that comes in two packets.
        """
        (answer,) = self._misc_cmd([f"{command}\r\n".encode()], command.encode(), noreply=False)
        return answer


class Connections:
    """As many connections to one server as threads use at once; they are opened at first use."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._tls = ssl.create_default_context() if address.tls else None
        self._start()

    @contextmanager
    def client(self) -> Iterator[LineClient]:
        """Yield a client. Raises StoreUnavailable for all that goes wrong in the block."""
        if self._process != os.getpid():
            # After a fork. Two processes on one connection would read each other's answers.
            self._start()
        try:
            # After an error a connection is closed: a late answer must not be the next one's.
            with self._pool.get_and_release(destroy_on_fail=True) as client:
                if client.sock is not None and _has_something_to_read(client.sock):
                    client.close()
                if client.sock is None and self._address.login is not None:
                    self._sign_in(client)
                yield client
        except (MemcacheError, OSError, LookupError, ValueError) as error:
            raise StoreUnavailable(_reason(error)) from error

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def _start(self) -> None:
        self._pool: ObjectPool[LineClient] = ObjectPool(self._new_client, LineClient.close)
        self._process = os.getpid()

    def _new_client(self) -> LineClient:
        # Without a serde, pymemcache gives back bytes as they are: it never unpickles (CWE-502).
        return LineClient(
            (self._address.host, self._address.port),
            connect_timeout=TIMEOUT,
            timeout=TIMEOUT,
            no_delay=True,
            default_noreply=False,
            tls_context=self._tls,
        )

    def _sign_in(self, client: Client) -> None:
        """Send user and password, in memcached's text protocol the value of any `set`.

        A server that asks for no password would store them, so they have already expired.
        """
        client.set("auth", self._address.login, expire=-1)


def _has_something_to_read(sock: socket.socket) -> bool:
    """Tell whether an idle connection was closed by the server, such as by its restart."""
    with _Selector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(timeout=0))


def _reason(error: Exception) -> str:
    """Return what went wrong, and log it if it was memcached that said so."""
    said = error.args[0] if isinstance(error, MemcacheError) and error.args else None
    if not isinstance(said, bytes) or isinstance(error, MemcacheUnknownCommandError):
        return type(error).__name__
    reason = said.decode(errors="replace")
    logger.error("memcached refuses: %s", reason)
    return reason
