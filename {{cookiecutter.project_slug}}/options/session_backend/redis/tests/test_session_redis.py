"""What is special to sessions in Redis."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import ResponseError

from my_flask_app.models import User
from my_flask_app.sessions import store as module
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import key_of

from .backend import connection, overwrite
from .notebook import add_notebook
from .stores import NOW, make_record, record_of, store_of
from .style import is_signed_in, log_in, reauthenticate, succeeded
from .support import Clock, browser, cookies_set, token_of

INDEX = "user:7"


def test_redis_forgets_a_session_when_it_ends(app: Flask) -> None:
    store, record = store_of(app), make_record()
    client, prefix = connection(store)
    name = f"{prefix}:session:{record.key}"
    store.insert(record)
    assert 3_500_000 < client.pttl(name) <= 3_600_531
    store.touch(record.key, NOW + 60, NOW + 160)
    assert 0 < client.pttl(name) <= 100_000
    store.update(make_record(version=2, seen_at=NOW + 70, expires_at=NOW + 1070))
    assert 900_000 < client.pttl(name) <= 1_000_000


def test_redis_forgets_the_index_of_a_user_who_left(app: Flask) -> None:
    client, prefix = connection(store_of(app))
    store_of(app).insert(make_record())
    # Not sooner than a session can end, to whatever SESSION_LIFETIME is raised meanwhile.
    assert 399.9 * 86_400 < client.ttl(f"{prefix}:{INDEX}") <= 400 * 86_400


def test_an_anonymous_session_is_in_no_index(app: Flask) -> None:
    client, prefix = connection(store_of(app))
    store_of(app).insert(make_record(user_id=None))
    assert [key.decode() for key in client.scan_iter(f"{prefix}:*")] == [
        f"{prefix}:session:{make_record().key}"
    ]


@pytest.mark.requirement("R40")
def test_the_index_names_a_session_before_it_is_there(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(app)
    client, prefix = connection(store)

    def fail(*_: object, **__: object) -> None:
        raise ResponseError("OOM command not allowed")

    monkeypatch.setattr(client, "set", fail)
    with pytest.raises(StoreUnavailable):
        store.insert(make_record())
    assert client.zrange(f"{prefix}:{INDEX}", 0, -1) == [make_record().key.encode()]


@pytest.mark.requirement("R40")
def test_the_index_is_cleaned_when_it_is_read_and_not_too_soon(app: Flask, clock: Clock) -> None:
    store, record = store_of(app), make_record(seen_at=clock.now)
    client, prefix = connection(store)
    store.insert(record)
    client.delete(f"{prefix}:session:{record.key}")
    clock.advance(seconds=module.INDEX_GRACE)
    assert store.for_user(7) == []
    assert client.zcard(f"{prefix}:{INDEX}") == 1
    clock.advance(seconds=1)
    assert store.for_user(7) == []
    assert client.zcard(f"{prefix}:{INDEX}") == 0


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": "yesterday"},
        {"expires_at": ""},
        {"version": "first"},
        {"user_id": "1 or 1=1"},
        {"data": 5},
        {"data": 5, "user_id": None},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_means_anonymous(
    app: Flask,
    signed_in_client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
) -> None:
    overwrite(store_of(app), key_of(token_of(signed_in_client) or ""), **fields)
    assert not is_signed_in(signed_in_client)
    assert "session_unreadable" in caplog.messages


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("fields", [{"created_at": "yesterday"}, {"seen_at": "nan"}], ids=str)
def test_a_field_of_the_wrong_type_keeps_nobody_from_signing_in(
    app: Flask, signed_in_client: FlaskClient, user: User, fields: dict[str, Any]
) -> None:
    """Signing in looks at all sessions of the user, of which the oldest may have to go."""
    overwrite(store_of(app), key_of(token_of(signed_in_client) or ""), **fields)
    client = browser(app)
    assert succeeded(log_in(client, user.email))
    assert [record.key for record in store_of(app).for_user(user.id)] == [
        key_of(token_of(client) or "")
    ]


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("parts", [0, 1, 2, 4])
@pytest.mark.parametrize("rest", ["", "[]", '["id","{}",1.0,"agent"]', "{}", "5", "[" * 9000])
def test_a_record_with_a_field_missing_means_anonymous(
    app: Flask, signed_in_client: FlaskClient, parts: int, rest: str
) -> None:
    client, prefix = connection(store_of(app))
    name = f"{prefix}:session:{key_of(token_of(signed_in_client) or '')}"
    front = client.get(name).decode().split(" ")[:parts]
    client.set(name, " ".join([*front, rest]))
    assert not is_signed_in(signed_in_client)
    store_of(app).touch(key_of(token_of(signed_in_client) or ""), NOW, NOW + 1)  # no script fails


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("is_text", [True, False])
def test_a_foreign_entry_means_anonymous(
    app: Flask,
    signed_in_client: FlaskClient,
    user: User,
    caplog: pytest.LogCaptureFixture,
    is_text: bool,
) -> None:
    client, prefix = connection(store_of(app))
    name = f"{prefix}:session:{key_of(token_of(signed_in_client) or '')}"
    client.delete(name)
    if is_text:
        client.set(name, b"\x80\x04pickled")
    else:
        client.hset(name, "data", "{}")
    assert not is_signed_in(signed_in_client)
    assert "session_unreadable" in caplog.messages
    assert store_of(app).for_user(user.id) == []


@pytest.mark.requirement("R72")
def test_a_foreign_entry_that_appears_during_a_request_is_503(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    def replace_entry() -> None:
        client.delete(name)
        client.hset(name, "data", "{}")

    add_notebook(app, replace_entry)
    client, prefix = connection(store_of(app))
    name = f"{prefix}:session:{key_of(token_of(signed_in_client) or '')}"
    response = signed_in_client.post("/slow/note/note/x")
    assert response.status_code == 503
    assert cookies_set(response) == []


@pytest.mark.requirement("R72")
def test_a_foreign_entry_in_place_of_an_index_is_503(
    app: Flask, client: FlaskClient, user: User
) -> None:
    redis, prefix = connection(store_of(app))
    redis.set(f"{prefix}:user:{user.id}", "foreign")
    response = log_in(client, user.email)
    assert response.status_code == 503
    assert cookies_set(response) == []


@pytest.mark.requirement("R72")
def test_a_foreign_entry_in_an_index_does_no_harm(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    redis, prefix = connection(store_of(app))
    redis.zadd(f"{prefix}:user:{user.id}", {b"\xff\xfe": 0.0, "foreign": 0.0})
    record = record_of(app, signed_in_client)
    assert store_of(app).for_user(user.id) == [record]
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R40")
def test_an_index_that_is_lost_does_not_keep_a_session_from_ending(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    redis, prefix = connection(store_of(app))
    redis.delete(f"{prefix}:user:{user.id}")
    command = ["sessions", "revoke", user.email]
    assert app.test_cli_runner().invoke(args=command).exit_code == 0
    assert not is_signed_in(signed_in_client)


def test_two_applications_in_one_redis_do_not_share_sessions(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    client, prefix = connection(store_of(app))
    name = f"session:{key_of(token_of(signed_in_client) or '')}"
    client.set(f"{prefix}-other:{name}", client.get(f"{prefix}:{name}"))
    client.delete(f"{prefix}:{name}")
    assert not is_signed_in(signed_in_client)
    client.delete(f"{prefix}-other:{name}")
    assert not is_signed_in(browser(app))


@pytest.mark.requirement("R40")
def test_a_session_that_is_moved_while_the_index_is_read_is_found(
    app: Flask, signed_in_client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    original = store._load_all

    def after_a_move(keys: list[str]) -> Any:
        monkeypatch.setattr(store, "_load_all", original)
        assert reauthenticate(signed_in_client).status_code in (204, 303)
        return original(keys)

    monkeypatch.setattr(store, "_load_all", after_a_move)
    moved = record_of(app, signed_in_client)
    found = store.for_user(user.id)
    assert moved
    assert [record.key for record in found] == [key_of(token_of(signed_in_client) or "")]


def test_a_read_that_is_refused_does_not_count_as_gone(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(app)
    client, prefix = connection(store)
    store.insert(make_record(seen_at=clock.now))
    clock.advance(minutes=2)
    refused = [ResponseError("NOPERM no permissions")]
    with monkeypatch.context() as patch:
        patch.setattr(type(client.pipeline()), "execute", lambda *_, **__: refused)
        with pytest.raises(StoreUnavailable):
            store.for_user(7)
    assert client.zcard(f"{prefix}:{INDEX}") == 1
