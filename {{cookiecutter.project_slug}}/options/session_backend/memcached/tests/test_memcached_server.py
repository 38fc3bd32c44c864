"""How memcached is reached, and what it refuses."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app import create_app
from my_flask_app.models import User
from my_flask_app.sessions.connections import (
    TIMEOUT,
    Address,
    Connections,
)
from my_flask_app.sessions.protocol import StoreUnavailable

from .backend import (
    server_url,
)
from .fake_memcached import FakeMemcached
from .notebook import add_notebook
from .stores import make_record, store_of
from .style import SIGNED_IN_PAGE, is_signed_in, log_in, log_out, succeeded
from .support import PATIENCE, cookies_set


@pytest.fixture
def fake() -> Iterator[FakeMemcached]:
    """A fake server of the test's own, whatever MEMCACHED_URL is."""
    server = FakeMemcached()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect() -> Iterator[Callable[[str], Connections]]:
    """Connections to a server, which are closed after the test."""
    opened: list[Connections] = []

    def open_to(url: str) -> Connections:
        opened.append(Connections(Address.parse(url)))
        return opened[-1]

    yield open_to
    for connections in opened:
        connections.close()


# --- the server's limits ---


@pytest.mark.requirement("R72")
def test_a_record_that_is_too_large_is_refused_and_the_reason_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    store, record = store_of(app), make_record()
    large = '{"user_id":7,"a":"' + "x" * 2**20 + '"}'
    with pytest.raises(StoreUnavailable, match="too large"):
        store.insert(replace(record, data=large))
    assert "memcached refuses: object too large for cache" in caplog.messages
    assert store.load(record.key) is None
    assert store.for_user(7) == []


@pytest.mark.requirement("R72")
def test_a_change_that_is_too_large_leaves_the_record_as_it_was(app: Flask) -> None:
    store, record = store_of(app), make_record()
    store.insert(record)
    large = '{"user_id":7,"a":"' + "x" * 2**20 + '"}'
    with pytest.raises(StoreUnavailable, match="too large"):
        store.update(replace(record, data=large, version=2))
    assert store.load(record.key) == record


@pytest.mark.requirement("R72")
def test_a_full_server_signs_nobody_in_and_nobody_out(
    app: Flask,
    signed_in_client: FlaskClient,
    client: FlaskClient,
    desk: FlaskClient,
    user: User,
    fake: FakeMemcached,
    connect: Callable[[str], Connections],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store: Any = store_of(app)
    add_notebook(app)
    monkeypatch.setattr(store, "_connections", connect(fake.url))
    for browser in (client, desk):
        with browser.session_transaction() as session:
            session["user_id"] = user.id
    fake.is_full = True
    assert client.get(SIGNED_IN_PAGE).status_code == 200
    response = client.post("/note/note/lost")
    assert (response.status_code, cookies_set(response)) == (503, [])
    assert "memcached refuses: out of memory storing object" in caplog.messages
    assert is_signed_in(client)
    assert succeeded(log_out(desk))
    assert not is_signed_in(desk)
    response = log_in(desk, user.email)
    assert (response.status_code, cookies_set(response)) == (503, [])
    fake.is_full = False
    assert succeeded(log_in(desk, user.email))


def test_the_longest_name_of_a_package_is_not_too_long(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    monkeypatch.setattr(store, "_prefix", store._prefix.ljust(50, "x"))
    store.insert(make_record())
    assert store.load(make_record().key) == make_record()
    assert len(store._name(make_record().key)) <= 250
    store.delete(make_record().key)


def test_two_applications_on_one_server_do_not_share_sessions(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    store: Any = store_of(app)
    assert app.config["MEMCACHED_PREFIX"] == store._prefix
    store._prefix += "-other"
    assert not is_signed_in(signed_in_client)


# --- connections ---


@pytest.mark.requirement("R09")
def test_user_and_password_open_a_server_that_asks_for_them(
    connect: Callable[[str], Connections], fake: FakeMemcached
) -> None:
    fake.login = b"app p@ss:word"
    connections = connect(fake.url.replace("//", "//app:p%40ss%3Aword@"))
    for _ in range(2):
        with connections.client() as client:
            assert client.version()
            client.close()  # the next one has to sign in again


@pytest.mark.requirement("R09", "R72")
@pytest.mark.parametrize("login", ["", "app:hunter2@"])
def test_a_server_that_refuses_us_is_store_unavailable(
    connect: Callable[[str], Connections],
    fake: FakeMemcached,
    caplog: pytest.LogCaptureFixture,
    login: str,
) -> None:
    fake.login = b"app another"
    connections = connect(fake.url.replace("//", f"//{login}"))
    with pytest.raises(StoreUnavailable), connections.client() as client:
        client.version()
    assert any("memcached refuses: " in message for message in caplog.messages)
    assert "hunter2" not in caplog.text


@pytest.mark.requirement("R09")
def test_a_server_that_asks_for_no_password_does_not_keep_it(
    connect: Callable[[str], Connections], fake: FakeMemcached
) -> None:
    connections = connect(fake.url.replace("//", "//app:hunter2@"))
    with connections.client() as client:
        assert client.gets_many(["auth"]) == {}


@pytest.mark.requirement("R72")
def test_a_connection_that_the_server_has_closed_is_replaced(
    connect: Callable[[str], Connections],
) -> None:
    connections = connect(server_url())
    with connections.client() as client:
        client.version()
        assert client.sock
        client.sock.shutdown(socket.SHUT_RDWR)  # reads like the other side's end
    with connections.client() as client:
        assert client.version()


@pytest.mark.requirement("R72")
def test_a_connection_is_used_again(connect: Callable[[str], Connections]) -> None:
    connections, used = connect(server_url()), set()
    for _ in range(3):
        with connections.client() as client:
            client.version()
            used.add(client.sock)
    assert len(used) == 1


@pytest.mark.requirement("R72")
def test_a_late_answer_is_not_the_next_ones(connect: Callable[[str], Connections]) -> None:
    connections = connect(server_url())

    def give_up_too_early() -> None:
        with connections.client() as client:
            client.version()
            assert client.sock
            client.sock.sendall(b"gets late\r\n")
            raise TimeoutError

    with pytest.raises(StoreUnavailable):
        give_up_too_early()
    with connections.client() as client:
        assert client.version().startswith(b"1.")


@pytest.mark.requirement("R36", "R72")
def test_an_answer_may_come_in_pieces(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done is reported as done, however the network cuts the answer."""
    store, record = store_of(app), make_record()
    monkeypatch.setattr("pymemcache.client.base._recv", lambda sock, _: sock.recv(1))
    store.insert(record)
    assert store.update(replace(record, version=2))
    assert store.take(record.key, 2)
    assert store.load(record.key) is None


@pytest.mark.requirement("R72")
def test_threads_do_not_share_a_connection(app: Flask) -> None:
    store = store_of(app)
    records = [make_record(str(number)) for number in range(6)]
    start = threading.Barrier(len(records))

    def use(number: int) -> bool:
        start.wait(PATIENCE)
        store.insert(records[number])
        return all(store.load(records[number].key) == records[number] for _ in range(30))

    with ThreadPoolExecutor(len(records)) as threads:
        assert all(threads.map(use, range(len(records))))


FORKING = """
import os, sys
from my_flask_app.sessions import connections as module

connections = module.Connections(module.Address.parse(sys.argv[1]))
with connections.client() as client:
    client.version()
    ours = client.sock.getsockname()
child = os.fork()
with connections.client() as client:
    client.version()
    is_ours = client.sock.getsockname() == ours
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(0 if is_ours and status == 0 else 1)
os._exit(1 if is_ours else 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_worker_has_connections_of_its_own() -> None:
    command = [sys.executable, "-c", FORKING, server_url()]
    subprocess.run(command, check=True, timeout=60)  # noqa: S603


@pytest.mark.requirement("R72")
def test_a_server_that_says_nothing_is_given_up_at_once(
    connect: Callable[[str], Connections],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hang_up = threading.Timer(PATIENCE, silent.close)  # on whoever is patient
        hang_up.start()
        connections = connect(f"memcached://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable), connections.client() as client:
            client.version()
        assert time.monotonic() - began < TIMEOUT + 1
        hang_up.cancel()
    assert TIMEOUT <= 1


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("answer", [b"\r\n", b"VALUE\r\n", b"VALUE x 0 1 1\r\nx\r\n", b"HTTP/1.1 "])
def test_another_kind_of_server_is_store_unavailable(
    app: Flask, connect: Callable[[str], Connections], answer: bytes
) -> None:
    store: Any = store_of(app)
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as threads:

        def reply() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        replied = threads.submit(reply)
        store._connections = connect(f"memcached://127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(StoreUnavailable):
            store.load(make_record().key)
        replied.result(PATIENCE)


@pytest.mark.requirement("R09")
def test_tls_is_for_servers_that_can_prove_who_they_are(
    connect: Callable[[str], Connections], fake: FakeMemcached
) -> None:
    connections = connect(fake.url.replace("memcached:", "memcacheds:"))
    context = connections._tls
    assert context
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(StoreUnavailable), connections.client() as client:
        client.version()  # the fake one speaks no TLS


# --- MEMCACHED_URL ---


@pytest.mark.requirement("R05")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11211",
        "http://localhost:11211",
        "memcached:hunter2",
        "memcached://",
        "memcached://app:hunter2@",
        "memcached://app:hunter2@localhost:port",
        "memcached://app:hunter2@localhost:0",
        "memcached://app:hunter2@[localhost",
        "memcached://app:hunter2@one.example,two.example",
        "memcached://app:hunter2@localhost/1",
        "memcached://app:hunter2@localhost?timeout=60",
        "memcached://app:hunter2@localhost#1",
        "memcached://app@localhost",
        "memcached://:hunter2@localhost",
        "memcached://app:hunter%202@localhost",
        "memcached://app:hunter%0D%0A2@localhost",
    ],
)
def test_a_url_that_cannot_work_stops_the_start(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MEMCACHED_URL", url)
    with pytest.raises(SystemExit, match="  MEMCACHED_URL: must be") as refused:
        create_app()
    assert "hunter2" not in str(refused.value)


def test_there_is_no_default(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMCACHED_URL")
    with pytest.raises(SystemExit, match="MEMCACHED_URL"):
        create_app()


@pytest.mark.requirement("R09")
@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("memcached://localhost", Address("localhost", 11211, None, tls=False)),
        ("memcached://[::1]:5000/", Address("::1", 5000, None, tls=False)),
        ("memcached://a:b%40c%3A@one.example", Address("one.example", 11211, "a b@c:", tls=False)),
        ("memcacheds://a:b@one.example:5000", Address("one.example", 5000, "a b", tls=True)),
    ],
)
def test_a_url_that_can_work_is_taken_without_a_connection(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str, address: Address
) -> None:
    monkeypatch.setenv("MEMCACHED_URL", url)
    assert create_app().config["MEMCACHED_URL"] == url
    assert Address.parse(url) == address
