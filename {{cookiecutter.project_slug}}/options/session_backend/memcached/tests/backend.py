"""Where the tests keep sessions: in a fake memcached, or in the server of MEMCACHED_URL."""

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock
from urllib.parse import unquote

import sqlalchemy as sa

from my_flask_app.sessions import (
    connections as connections_module,
)
from my_flask_app.sessions import (
    store as store_module,
)
from my_flask_app.sessions.connections import (
    Address,
    Connections,
)
from my_flask_app.sessions.index import Index, session_index
from my_flask_app.sessions.protocol import Store
from my_flask_app.sessions.store import MemcachedStore

from .fake_memcached import FakeMemcached
from .support import PATIENCE, Clock

URL = os.environ.get("MEMCACHED_URL")
NOWHERE = "memcached://127.0.0.1:1"
ENVIRONMENT = {"MEMCACHED_URL": URL or NOWHERE}
# Which only this backend has.
OWN_TESTS = {"test_session_memcached.py", "test_memcached_index.py", "test_memcached_server.py"}
TRIES = 100


@cache
def server_url() -> str:
    """Return the address of the real server, or of a fake one for this run."""
    return URL or FakeMemcached().url


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: a server, and names on it that no one else uses."""
    prefix = f"test-{secrets.token_hex(8)}"
    opened: list[Connections] = []

    def connections(address: Address) -> Connections:
        opened.append(Connections(address))
        return opened[-1]

    # A machine that is busy with tests is no server that is down.
    patient = mock.patch.object(connections_module, "TIMEOUT", PATIENCE)
    with patient, mock.patch.object(store_module, "Connections", connections):
        yield {"MEMCACHED_URL": server_url(), "MEMCACHED_PREFIX": prefix}
    own = Connections(Address.parse(server_url()))
    for name in ends(own, prefix):
        with own.client() as client:
            client.delete(name)
    for used in (*opened, own):
        used.close()


def contents(store: Store) -> str:
    """Return all that the store holds, as somebody sees it who has stolen it."""
    connections, prefix = parts(store)
    with connections.client() as client:
        values = [client.gets_many([name]) for name in sorted(ends(connections, prefix))]
    with engine_of(store).connect() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(session_index))]
    return "\n".join(map(str, [*values, *rows]))


def overwrite(store: Store, key: str, **fields: Any) -> None:
    """Change a record as nobody does who uses the store's own methods."""
    replace_value(store, key, lambda value: json.dumps(json.loads(value) | fields).encode())


def keep_forever(store: Store, key: str) -> None:
    """Take away what makes the store itself forget the record."""
    overwrite(store, key, expires_at=9e12)  # written without an end for memcached


@contextmanager
def broken_store() -> Iterator[Store]:
    """Yield a store whose servers do not answer."""
    engine = sa.create_engine("sqlite:////no/such/folder/test.db")
    connections = Connections(Address.parse(NOWHERE))
    yield MemcachedStore(connections, Index(engine), prefix="test", clock=Clock())
    engine.dispose()


def parts(store: Store) -> tuple[Connections, str]:
    """Return the store's connections, and what all of its names begin with."""
    assert isinstance(store, MemcachedStore)
    return store._connections, store._prefix


def engine_of(store: Store) -> sa.Engine:
    """Return the engine on which the store keeps its index."""
    assert isinstance(store, MemcachedStore)
    return store._index._engine


def replace_value(store: Store, key: str, change: Callable[[bytes], bytes], flags: int = 0) -> None:
    """Write another value under a record's name."""
    connections, prefix = parts(store)
    name = f"{prefix}:session:{key}"
    with connections.client() as client:
        value, _ = client.gets(name)
        client.set(name, change(value), flags=flags)


def evict(store: Store, key: str) -> None:
    """Do to a record what memcached does when it needs the memory, or is started anew."""
    connections, prefix = parts(store)
    with connections.client() as client:
        assert client.delete(f"{prefix}:session:{key}")


def ends(connections: Connections, prefix: str) -> dict[str, int]:
    """Return all names with this prefix that the server has, each with the date of its end."""
    for _ in range(TRIES):  # memcached makes one list at a time
        dump = names_dumped(connections)
        if dump.endswith(b"END\r\n"):
            break
    else:
        raise AssertionError("memcached does not tell its names")
    lines = [dict(re.findall(r"(\w+)=(\S+)", line)) for line in dump.decode().splitlines()[:-1]]
    found = {unquote(line["key"]): int(line["exp"]) for line in lines}
    return {name: end for name, end in found.items() if name.startswith(f"{prefix}:")}


def names_dumped(connections: Connections) -> bytes:
    """Return all names that the server has, or its refusal."""
    with connections.client() as client:
        client.version()  # pymemcache connects, but cannot read an answer in several parts
        assert client.sock
        # By its hash table: a list by last use would miss what is used in that moment.
        client.sock.sendall(b"lru_crawler metadump hash\r\n")
        dump = b""
        while not dump.endswith(b"END\r\n") and not dump.startswith(b"BUSY"):
            dump += client.sock.recv(2**16)
        client.close()
    return dump
