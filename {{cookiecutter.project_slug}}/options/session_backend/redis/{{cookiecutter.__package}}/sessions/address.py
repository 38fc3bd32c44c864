"""What REDIS_URL may say."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

FORMS = (
    "must be redis://host:port/number, redis+sentinel://host:port,host:port/service/number or"
    " redis+cluster://host:port,host:port, with rediss for TLS."
)
PORTS = {"redis": 6379, "redis+sentinel": 26379, "redis+cluster": 6379}
PATHS = {
    "redis": re.compile(r"/?(?P<db>[0-9]{0,5})"),
    "redis+sentinel": re.compile(r"/(?P<service>[^/]+)(/(?P<db>[0-9]{0,5}))?"),
    "redis+cluster": re.compile(r"/?0?"),
}
FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}  # for TLS, in the query
SENTINEL_LOGIN = {"sentinel_username", "sentinel_password"}  # in the query


@dataclass(frozen=True, slots=True)
class Address:
    """Where the servers are, and how to sign in to them."""

    kind: str  # a key of PORTS
    tls: bool
    hosts: list[tuple[str, int]]
    service: str  # what the sentinels call the servers
    options: dict[str, Any]  # of a connection to a server that keeps sessions
    sentinel_options: dict[str, Any]


def parse(url: str) -> Address:
    """Return what the URL says. Raises ValueError, with FORMS, for what it must not be."""
    try:
        parts = urlsplit(url)
        kind = parts.scheme.replace("rediss", "redis")
        path = PATHS[kind].fullmatch(parts.path)
        login, _, netloc = parts.netloc.rpartition("@")
        hosts = [_host(urlsplit(f"//{host}"), PORTS[kind]) for host in netloc.split(",")]
    except (KeyError, ValueError):
        raise ValueError(FORMS) from None
    if not path or parts.fragment or (kind == "redis" and len(hosts) > 1):
        raise ValueError(FORMS)
    tls = parts.scheme.startswith("rediss")
    query = _query(parts.query, kind, tls=tls)
    files = {name: query[name] for name in FILES & query.keys()}
    username, _, password = login.partition(":")
    return Address(
        kind=kind,
        tls=tls,
        hosts=hosts,
        service=unquote(path.groupdict().get("service") or ""),
        options={
            "username": unquote(username) or None,
            "password": unquote(password) or None,
            "db": int(path.groupdict().get("db") or 0),
            **files,
        },
        sentinel_options={
            "username": query.get("sentinel_username"),
            "password": query.get("sentinel_password"),
            **files,
        },
    )


def _host(parts: SplitResult, default_port: int) -> tuple[str, int]:
    if not parts.hostname or parts.port == 0 or parts.path:
        raise ValueError(FORMS)
    return parts.hostname, parts.port or default_port


def _query(text: str, kind: str, *, tls: bool) -> dict[str, str]:
    """Return the options: not all of redis-py's, which could turn timeouts and checks off."""
    allowed = (FILES if tls else set()) | (SENTINEL_LOGIN if kind == "redis+sentinel" else set())
    try:
        options = dict(parse_qsl(text, strict_parsing=True)) if text else {}
    except ValueError:
        raise ValueError(FORMS) from None
    if options.keys() - allowed:
        raise ValueError(FORMS)
    for name in FILES & options.keys():
        if not Path(options[name]).is_file():
            raise ValueError(f"{name} names no file.")
    return options
