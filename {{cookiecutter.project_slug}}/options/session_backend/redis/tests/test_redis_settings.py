"""REDIS_URL: what is no address of a Redis server stops the start."""

import pytest

from my_flask_app import create_app

from .conftest import set_environment


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    set_environment(monkeypatch, database_url)


@pytest.mark.parametrize(
    "url", ["redis://localhost", "rediss://app:hunter2@redis.example.org:6380/2"]
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
    ],
)
def test_anything_else_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SystemExit, match="  REDIS_URL: must be") as refused:
        create_app()
    assert "hunter2" not in str(refused.value)
