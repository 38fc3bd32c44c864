"""Redis on one server, behind Sentinel and as a Cluster: what a client must not do.

A stub of a server stands in for all of them: what matters here happens when a real one is about to
fail.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from redis import RedisCluster, ResponseError
from redis.crc import key_slot

from my_flask_app.sessions import connection
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import signpost
from my_flask_app.sessions.store import (
    RedisStore,
    _dump,
    make_store,
)

from .backend import close
from .stores import NOW, make_record
from .stub_redis import HangUp, StubRedis, silent_servers, stub_redis, was_asked

FORMS = {
    "redis": "redis://{hosts}",
    "sentinel": "redis+sentinel://{hosts}/mymaster",
    "cluster": "redis+cluster://{hosts}",
}
WITH_REPLICAS = ["sentinel", "cluster"]


@pytest.fixture
def server() -> Iterator[StubRedis]:
    """A server that is its own sentinel and a Cluster of one node, too."""
    with stub_redis(lambda words: 1) as stub:
        yield stub


def url_of(form: str, *ports: int) -> str:
    """Return a URL of this form."""
    return FORMS[form].format(hosts=",".join(f"127.0.0.1:{port}" for port in ports))


@pytest.fixture
def store(
    request: pytest.FixtureRequest, server: StubRedis, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RedisStore]:
    """A store on the server, connected in the form that the test is run for."""
    for limit in ("TIMEOUT", "SENTINEL_TIMEOUT", "LAST_START"):  # for a machine that is busy
        monkeypatch.setattr(connection, limit, 10.0)
    client = connection.connect(url_of(request.node.callspec.params["form"], server.port))
    nodes = client.get_nodes() if isinstance(client, RedisCluster) else []
    yield RedisStore(lambda: client, prefix="test", clock=lambda: NOW)
    close(client)
    for node in nodes:  # the client may have left some of them
        node.redis_connection.connection_pool.disconnect()


every_form = pytest.mark.parametrize("form", FORMS)


@every_form
def test_no_server_is_asked_before_the_first_use(app: Flask, server: StubRedis, form: str) -> None:
    """The workers are forked in between, and a server that is down does not stop the start."""
    app.config["REDIS_URL"] = url_of(form, server.port)
    store = make_store(app)
    assert server.heard == []
    store.delete("key")
    assert server.words("EVAL")
    assert isinstance(store, RedisStore)
    close(store._client)


@every_form
@pytest.mark.parametrize(
    "step",
    [
        lambda store: store.load("key"),
        lambda store: store.update(make_record()),
        lambda store: store.take("key", 1),
        lambda store: store.delete("key"),
    ],
    ids=["load", "update", "take", "delete"],
)
@pytest.mark.requirement("R72")
def test_a_command_whose_answer_is_lost_is_not_sent_again(
    server: StubRedis, store: RedisStore, form: str, step: Callable[[RedisStore], Any]
) -> None:
    """It may have been done, and would then say that the session is gone or has changed."""

    def answer(_: list[str]) -> Any:
        raise HangUp

    server.answer = answer
    with pytest.raises(StoreUnavailable):
        step(store)
    assert len(server.words("GET", "EVAL")) == 1


@pytest.mark.parametrize("form", WITH_REPLICAS)
@pytest.mark.requirement("R72")
def test_a_call_does_not_wait_for_one_server_after_the_other(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT", 0.1)
    monkeypatch.setattr(connection, "SENTINEL_TIMEOUT", 0.1)
    monkeypatch.setattr(connection, "LAST_START", 0.15)
    with silent_servers(12) as servers:
        url = url_of(form, *(server.getsockname()[1] for server in servers))
        store = RedisStore(lambda: connection.connect(url), prefix="test", clock=lambda: NOW)
        with pytest.raises(StoreUnavailable):
            store.load("key")
        assert 1 <= sum(map(was_asked, servers)) <= 2


@pytest.mark.requirement("R72")
def test_a_server_that_says_nothing_is_given_up_within_three_seconds() -> None:
    assert connection.LAST_START + connection.TIMEOUT <= 2.5
    with silent_servers(1) as (silent,):
        client: Any = connection.connect(url_of("redis", silent.getsockname()[1]))
        options = client.connection_pool.connection_kwargs
        assert options["socket_timeout"] == options["socket_connect_timeout"] == connection.TIMEOUT


@pytest.mark.requirement("R72")
def test_a_sentinel_that_hangs_leaves_time_for_the_others(server: StubRedis) -> None:
    with silent_servers(2) as servers:
        ports = [silent.getsockname()[1] for silent in servers]
        client = connection.connect(url_of("sentinel", *ports, server.port))
        store = RedisStore(lambda: client, prefix="test", clock=lambda: NOW)
        store.delete("key")
        # The one that knew is asked first from now on, and none is forgotten.
        pool: Any = client.connection_pool  # type: ignore[union-attr]
        known = [
            sentinel.connection_pool.connection_kwargs["port"]
            for sentinel in pool.sentinel_manager.sentinels
        ]
        assert known[0] == server.port
        assert set(known) == {*ports, server.port}
        close(client)


@pytest.mark.parametrize("form", ["sentinel"])
def test_a_server_that_is_no_primary_is_not_used(
    server: StubRedis, store: RedisStore, form: str
) -> None:
    server.role = "replica"
    with pytest.raises(StoreUnavailable):
        store.load("key")
    with pytest.raises(StoreUnavailable):
        store.delete("key")
    assert server.words("GET", "EVAL") == []
    server.role = "master"
    store.delete("key")
    assert server.words("EVAL")


@pytest.mark.parametrize("form", ["sentinel"])
def test_a_primary_that_has_become_a_replica_is_left(
    server: StubRedis, store: RedisStore, form: str
) -> None:
    server.answer = lambda _: ResponseError("READONLY You can't write against a read only replica.")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            store.update(make_record())
    assert len(server.words("SENTINEL")) == 2  # asked again who the primary is
    server.answer = lambda _: 1
    assert store.update(make_record())


@every_form
@pytest.mark.requirement("R23")
def test_an_answer_that_nobody_read_is_given_to_nobody(
    server: StubRedis, store: RedisStore, form: str
) -> None:
    own, other = make_record("own"), make_record("other", user_id=8)
    server.answer = lambda words: _dump(other if words[0] == "ECHO" else own)
    assert store.load(own.key) == own
    client: Any = store._client
    node = client.get_redis_connection(client.get_default_node()) if form == "cluster" else client
    unread = node.connection_pool.get_connection()
    unread.send_command("ECHO", "of somebody else")
    assert unread.can_read(timeout=10)
    node.connection_pool.release(unread)
    assert store.load(own.key) == own


@every_form
@pytest.mark.requirement("R23")
def test_a_connection_is_not_used_again_after_an_interruption(
    server: StubRedis, store: RedisStore, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make_record()
    server.answer = lambda _: _dump(record)
    assert store.load(record.key) == record

    may_answer = threading.Event()

    def late(_: list[str]) -> Any:
        server.answer = lambda _: _dump(record)
        may_answer.wait(10)
        return _dump(make_record("of somebody else"))

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    server.answer = late
    with monkeypatch.context() as patch:
        patch.setattr("redis._parsers.resp3._RESP3Parser.read_response", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.load(record.key)
    assert store.load(record.key) == record
    may_answer.set()
    first, interrupted_one, last = server.connections("GET")
    assert first == interrupted_one != last


@pytest.mark.parametrize("form", WITH_REPLICAS)
@pytest.mark.parametrize(
    "end",
    [
        lambda store: store.take("key", 1),
        lambda store: store.delete("key"),
        lambda store: store.update(signpost(make_record(), NOW)),
    ],
    ids=["take", "delete", "move"],
)
@pytest.mark.requirement("R08")
def test_the_end_of_a_session_is_on_a_replica_before_it_is_reported(
    server: StubRedis, store: RedisStore, form: str, end: Callable[[RedisStore], Any]
) -> None:
    end(store)
    (script, number), (wait, same_number) = [
        (words, number) for number, words in server.heard if words[0] in ("EVAL", "WAIT")
    ]
    assert script[0] == "EVAL"
    assert wait == ["WAIT", "1", str(connection.COPY_TIMEOUT)]
    assert number == same_number  # WAIT is about the writes of its own connection


@pytest.mark.parametrize("form", WITH_REPLICAS)
def test_an_end_that_no_replica_has_confirmed_is_logged(
    server: StubRedis, store: RedisStore, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = lambda words: 0 if words[0] == "WAIT" else 7
    assert store.take("key", 1)
    assert "a session ends on no replica yet" in caplog.messages


@every_form
def test_only_the_end_of_a_session_waits(server: StubRedis, store: RedisStore, form: str) -> None:
    server.answer = lambda words: "OK" if words[0] == "SET" else 1
    store.insert(make_record())
    store.update(make_record())
    store.touch("key", NOW, NOW + 1)
    if form == "redis":
        store.delete("key")
    assert server.words("WAIT") == []


@pytest.mark.parametrize("form", ["cluster"])
def test_a_key_that_has_moved_to_another_node_is_found_there(
    server: StubRedis, store: RedisStore, form: str
) -> None:
    with stub_redis(lambda words: _dump(make_record()) if words[0] == "GET" else 1) as other:

        def answer(words: list[str]) -> Any:
            slot = key_slot(words[3 if words[0] == "EVAL" else 1].encode())
            return ResponseError(f"MOVED {slot} 127.0.0.1:{other.port}")

        server.answer = answer
        record = make_record()
        assert store.take(record.key, 1)
        assert store.load(record.key) == record
        assert store.update(record)
        assert len(other.words("EVAL")) == 2


@pytest.mark.parametrize("form", ["cluster"])
@pytest.mark.parametrize(
    "step",
    [
        lambda store: store.load("key"),
        lambda store: store.delete("key"),
        lambda store: store._load_all(["key"]),
    ],
    ids=["load", "delete", "load all"],
)
@pytest.mark.requirement("R72")
def test_a_node_that_has_joined_just_now_is_store_unavailable(
    server: StubRedis, store: RedisStore, form: str, step: Callable[[RedisStore], Any]
) -> None:
    """redis-py does not know the node of such an ASK, and fails by accident."""
    server.answer = lambda words: ResponseError("ASK 1 127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        step(store)


@pytest.mark.parametrize("form", ["cluster"])
@pytest.mark.parametrize(
    "step", [lambda store: store.load("key"), lambda store: store.delete("key")]
)
@pytest.mark.requirement("R72")
def test_another_node_takes_over(
    server: StubRedis, store: RedisStore, form: str, step: Callable[[RedisStore], Any]
) -> None:
    with stub_redis(lambda words: None if words[0] == "GET" else 1) as other:

        def answer(words: list[str]) -> Any:
            raise HangUp

        server.answer = answer
        server.reply = lambda words: (  # type: ignore[method-assign]
            other.reply(words) if words[0] == "CLUSTER" else StubRedis.reply(server, words)
        )
        with pytest.raises(StoreUnavailable):
            step(store)
        step(store)
        assert other.words("GET", "EVAL")
