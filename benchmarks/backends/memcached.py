"""memcached: one `get` on a connection that has signed in and stays open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from pymemcache.client.base import Client

from benchmarks.plan import Place


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of a value."""
    address, login = server(place.environment["MEMCACHED_URL"])
    client = Client(address, no_delay=True, connect_timeout=1.0, timeout=1.0)
    client.set("auth", login, expire=-1, noreply=False)
    name = f"{place.package}:session:{record['key']}"
    return lambda: client.get(name)


def server(url: str) -> tuple[tuple[str, int], str]:
    """Return the address, and what signs in as the value of any `set`."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return (parts.hostname or "", parts.port or 0), f"{user} {password}"
