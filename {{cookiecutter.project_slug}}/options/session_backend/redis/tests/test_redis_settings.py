"""REDIS_URL: what is no address of a Redis server stops the start."""

from pathlib import Path
from typing import Any

import pytest

from my_flask_app import create_app
from my_flask_app.sessions import connection
from my_flask_app.sessions.address import Address, parse
from my_flask_app.sessions.connection import (
    InTime,
    InTimeTLS,
    connect,
)

from .conftest import set_environment


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    set_environment(monkeypatch, database_url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost/",
        "redis://[::1]:6379/0",
        "rediss://app:hunter2@redis.example.org:6380/2",
        "redis+sentinel://one,two:26380,[::1]:26379/mymaster",
        "rediss+sentinel://app:hunter2@one:26379/mymaster/3?sentinel_password=hunter3",
        "redis+cluster://one,two:6380",
        "rediss+cluster://:hunter2@one:6379,two:6379/0",
    ],
)
def test_an_address_of_a_server_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert create_app().config["REDIS_URL"] == url


def test_there_is_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(SystemExit, match="REDIS_URL"):
        create_app()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "redis:hunter2",
        "redis://",
        "redis://:hunter2@",
        "redis://app:hunter2@localhost:port",
        "redis://app:hunter2@localhost:0",
        "redis://app:hunter2@[localhost",
        "http://app:hunter2@localhost:6379",
        "unix:///run/redis.sock",
        "redis://app:hunter2@one,two",
        "redis://app:hunter2@localhost/zero",
        "redis://app:hunter2@localhost/0/1",
        "redis://app:hunter2@localhost/0#1",
        "redis://app:hunter2@localhost?db=1",
        "redis://app:hunter2@localhost?socket_timeout=30",
        "redis://app:hunter2@localhost?sentinel_password=hunter3",
        "redis://app:hunter2@localhost?ssl_ca_certs=/dev/null",
        "rediss://app:hunter2@localhost?ssl_cert_reqs=none",
        "rediss://app:hunter2@localhost?ssl_check_hostname=no",
        "redis+sentinel://app:hunter2@one,two",
        "redis+sentinel://app:hunter2@one,two/",
        "redis+sentinel://app:hunter2@one,,two/mymaster",
        "redis+sentinel://app:hunter2@one,two:0/mymaster",
        "redis+sentinel://app:hunter2@one,two/mymaster/zero",
        "redis+cluster://app:hunter2@one,two/1",
        "redis+cluster://app:hunter2@",
        "redis+unknown://app:hunter2@one",
        "redis+tls+cluster://app:hunter2@one",
    ],
)
def test_anything_else_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SystemExit, match="  REDIS_URL: must be") as refused:
        create_app()
    assert "hunter2" not in str(refused.value)


def test_a_file_for_tls_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    monkeypatch.setenv("REDIS_URL", f"rediss+cluster://one?ssl_ca_certs={file}")
    with pytest.raises(SystemExit, match="REDIS_URL: ssl_ca_certs names no file"):
        create_app()
    file.touch()
    assert create_app()
    assert parse(f"rediss+cluster://one?ssl_ca_certs={file}").options["ssl_ca_certs"] == str(file)


def test_what_a_url_says() -> None:
    address = parse(
        "rediss+sentinel://ap%70:p%40ss%2F@one,[::1]:7/main/3"
        "?sentinel_username=watch&sentinel_password=w%26w"
    )
    assert address == Address(
        kind="redis+sentinel",
        tls=True,
        hosts=[("one", 26379), ("::1", 7)],
        service="main",
        options={"username": "app", "password": "p@ss/", "db": 3},
        sentinel_options={"username": "watch", "password": "w&w"},
    )


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rediss://one", "InTimeTLS"),
        ("redis://one", "InTime"),
        ("rediss+sentinel://one/main", "ToPrimaryTLS"),
        ("redis+sentinel://one/main", "ToPrimary"),
    ],
)
def test_what_says_tls_has_tls(url: str, kind: str) -> None:
    client: Any = connect(url)
    pool = client.connection_pool
    assert pool.connection_class.__name__ == kind
    for sentinel in pool.sentinel_manager.sentinels if "sentinel" in url else []:
        expected = "InTimeTLS" if "rediss" in url else "InTime"
        assert sentinel.connection_pool.connection_class.__name__ == expected


@pytest.mark.parametrize(("scheme", "kind"), [("rediss", InTimeTLS), ("redis", InTime)])
def test_a_cluster_that_says_tls_has_tls(
    monkeypatch: pytest.MonkeyPatch, scheme: str, kind: type
) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(connection, "RedisCluster", seen.update)
    connect(f"{scheme}+cluster://one,two")
    assert seen["connection_class"] is kind
