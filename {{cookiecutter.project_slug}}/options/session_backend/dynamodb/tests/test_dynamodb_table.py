"""How DynamoDB is asked: in time, once, by DYNAMODB_URL alone, and what its errors mean."""

import json
import queue
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from flask import Flask

from my_flask_app import create_app
from my_flask_app.sessions import store as store_module
from my_flask_app.sessions import table as module
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.table import ConditionFailed, Table

from .backend import NOWHERE
from .support import PATIENCE

ON_AWS = "dynamodb://eu-central-1/sessions"
READ = {"TableName": "sessions", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetItem")


class Client:
    """A client whose operations answer or raise what they are told, in turn."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        """Return an operation."""

        def call(**_: Any) -> Any:
            self.calls.append(operation)
            answer = self.answers[operation].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer() if callable(answer) else answer

        return call

    def close(self) -> None:
        """Close nothing."""


def table_with(client: Client, url: str = ON_AWS, **options: Any) -> Table:
    table = Table(url, **options)
    table._client = client
    return table


class Server(ThreadingHTTPServer):
    """It refuses every request, in DynamoDB's way."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(("127.0.0.1", 0), Refuse)
        self.status = status
        self.body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()
        self.requests: queue.Queue[Any] = queue.Queue()


class Refuse(BaseHTTPRequestHandler):
    """Answers one request to a Server."""

    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.put(self.headers)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(params=[(500, "InternalServerError"), (400, "ThrottlingException")], ids=str)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server on this machine that refuses everything."""
    server = Server(*request.param)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join(PATIENCE)
    server.server_close()


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    "error",
    [
        refusal("ProvisionedThroughputExceededException"),
        refusal("ThrottlingException"),
        refusal("ExpiredTokenException"),
        refusal("AccessDeniedException"),
        refusal("ValidationException"),
        refusal("ResourceNotFoundException"),
        NoCredentialsError(),
        BotoCoreError(),
        ReadTimeoutError(endpoint_url="https://example.org"),
        ResponseParserError("no JSON"),
    ],
    ids=str,
)
def test_what_dynamodb_refuses_is_store_unavailable(error: Exception) -> None:
    client = Client(get_item=[error])
    with pytest.raises(StoreUnavailable, match=re.escape(str(error))):
        table_with(client).ask("get_item", **READ)
    assert client.calls == ["get_item"]


@pytest.mark.requirement("R37")
def test_a_condition_that_does_not_hold_is_no_outage() -> None:
    client = Client(put_item=[refusal("ConditionalCheckFailedException")])
    with pytest.raises(ConditionFailed):
        table_with(client).ask("put_item")


@pytest.mark.requirement("R72")
def test_nothing_is_tried_twice(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    table = Table(f"dynamodb+http://127.0.0.1:{server.server_port}/sessions")
    with pytest.raises(StoreUnavailable):
        table.ask("get_item", **READ)
    assert server.requests.get(timeout=PATIENCE)
    assert server.requests.empty()
    table.close()


@pytest.mark.requirement("R05")
def test_an_emulator_is_not_sent_the_credentials_of_the_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "PRECIOUS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    table = Table(f"dynamodb+http://127.0.0.1:{server.server_port}/sessions")
    with pytest.raises(StoreUnavailable):
        table.ask("get_item", **READ)
    headers = server.requests.get(timeout=PATIENCE)
    assert "Credential=local/" in headers["Authorization"]
    assert "X-Amz-Security-Token" not in headers
    table.close()


@pytest.mark.requirement("R05")
def test_no_variable_of_another_tool_redirects_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    table = Table(ON_AWS)
    assert table._connected().meta.endpoint_url == "https://dynamodb.eu-central-1.amazonaws.com"
    table.close()


@pytest.mark.requirement("R72")
def test_a_server_that_says_nothing_is_given_up_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"dynamodb+http://127.0.0.1:{silent.getsockname()[1]}/sessions"
        table = Table(url, deadline=PATIENCE)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            table.ask("get_item", **READ)
        assert time.monotonic() - began < PATIENCE / 2
        table.close()


@pytest.mark.requirement("R72")
def test_a_call_as_a_whole_has_a_deadline() -> None:
    """A name that is looked up for long, credentials that do not come."""
    go_on = threading.Event()
    client = Client(get_item=[lambda: go_on.wait(PATIENCE) and {}])
    table = table_with(client, deadline=0.05)
    with pytest.raises(StoreUnavailable, match="in time"):
        table.ask("get_item", **READ)
    go_on.set()
    table.close()


@pytest.mark.requirement("R72")
def test_the_deadline_is_short() -> None:
    """Of the three seconds in which an answer has to come, some are not the store's."""
    assert Table(NOWHERE)._deadline <= 2
    assert module.OPTIONS["connect_timeout"] <= 1
    assert module.OPTIONS["read_timeout"] <= 1


@pytest.mark.requirement("R72")
def test_a_call_that_was_given_up_in_the_queue_is_never_made() -> None:
    go_on = threading.Event()
    stuck: list[Any] = [lambda: go_on.wait(PATIENCE) and {}] * module.CALLS_AT_ONCE
    client = Client(get_item=stuck, delete_item=[{}])
    table = table_with(client, deadline=0.05)
    for _ in range(module.CALLS_AT_ONCE):
        with pytest.raises(StoreUnavailable):
            table.ask("get_item", **READ)
    with pytest.raises(StoreUnavailable):
        table.ask("delete_item", **READ)
    go_on.set()
    table.close()
    assert "delete_item" not in client.calls


@pytest.mark.requirement("R72")
def test_credentials_that_were_not_there_are_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[Any] = [None, "credentials"]

    class Session:
        def __init__(self, **_: object) -> None:
            """Take what boto3 takes."""

        def get_credentials(self) -> Any:
            return found.pop(0)

        def client(self, _: str, **__: object) -> Client:
            return Client(get_item=[{}])

    monkeypatch.setattr(module, "Session", Session)
    table = Table(ON_AWS)
    with pytest.raises(StoreUnavailable, match="credentials"):
        table.ask("get_item", **READ)
    assert table.ask("get_item", **READ) == {}


@pytest.mark.requirement("R72")
def test_the_services_that_credentials_come_from_are_as_short_of_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    cores: list[Any] = []

    def session(**options: Any) -> Any:
        cores.append(options["botocore_session"])
        return boto3.session.Session(**options)

    monkeypatch.setattr(module, "Session", session)
    Table(ON_AWS)._connected()
    config = cores[0].create_client("sts", region_name="eu-central-1").meta.config
    assert config.read_timeout <= 1
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.requirement("R72")
def test_no_client_is_made_before_the_first_call(app: Flask) -> None:
    """Web servers fork after the start, and a start needs no credentials."""
    app.config["DYNAMODB_URL"] = ON_AWS
    store = store_module.make_store(app)
    assert isinstance(store, store_module.DynamoStore)
    assert store._table._client is None
    assert not store._table._threads._threads


@pytest.mark.requirement("R05")
def test_a_missing_table_is_made_in_an_emulator_alone() -> None:
    missing = refusal("ResourceNotFoundException")
    client = Client(get_item=[missing, {}], create_table=[{}])
    with pytest.raises(StoreUnavailable, match="ResourceNotFound"):
        table_with(client).ask("get_item", **READ)
    assert client.calls == ["get_item"]
    client = Client(get_item=[missing, {}], create_table=[{}])
    assert table_with(client, NOWHERE).ask("get_item", **READ) == {}
    assert client.calls == ["get_item", "create_table", "get_item"]


def test_a_table_that_somebody_else_has_just_made_will_do() -> None:
    made = refusal("ResourceInUseException")
    client = Client(get_item=[refusal("ResourceNotFoundException"), {}], create_table=[made])
    assert table_with(client, NOWHERE).ask("get_item", **READ) == {}


@pytest.mark.requirement("R72")
def test_a_table_that_cannot_be_made_is_store_unavailable() -> None:
    limit = refusal("LimitExceededException")
    client = Client(get_item=[refusal("ResourceNotFoundException")], create_table=[limit])
    with pytest.raises(StoreUnavailable, match="LimitExceeded"):
        table_with(client, NOWHERE).ask("get_item", **READ)


@pytest.mark.requirement("R05")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "my-table",
        "dynamodb://eu-west-1",
        "dynamodb://eu-west-1/",
        "dynamodb://eu-west-1/ab",
        "dynamodb://eu-west-1/my sessions",
        "dynamodb://eu-west-1/sessions/",
        "dynamodb://eu-west-1/sessions?region=us-east-1",
        "dynamodb://eu-west-1/sessions\n",
        "dynamodb://localhost:8000/sessions",
        "dynamodb://key:secret@eu-west-1/sessions",
        "http://dynamodb.eu-central-1.amazonaws.com/sessions",
        "dynamodb+http://localhost",
        "dynamodb+http://localhost:0/sessions",
        "dynamodb+http://localhost:65536/sessions",
        "dynamodb+http://key:secret@localhost:8000/sessions",
        # Over HTTP to another machine: whoever is on the way could read sessions and end them.
        "dynamodb+http://dynamodb.eu-central-1.amazonaws.com/sessions",
        "dynamodb+http://emulator.example.org:8000/sessions",
        "dynamodb+http://192.0.2.1:8000/sessions",
        "dynamodb+http://3221225985:8000/sessions",
        "dynamodb+http://[2001:db8::1]:8000/sessions",
    ],
)
def test_a_url_that_cannot_work_stops_the_start(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DYNAMODB_URL", url)
    with pytest.raises(SystemExit, match="DYNAMODB_URL: ") as refused:
        create_app()
    assert url not in str(refused.value) or not url
    with pytest.raises(ValueError, match="no table's URL"):
        Table(url)


def test_there_is_no_default(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DYNAMODB_URL")
    with pytest.raises(SystemExit, match="DYNAMODB_URL"):
        create_app()


@pytest.mark.parametrize(
    "url",
    [
        "dynamodb://eu-central-1/my-flask-app.sessions_2",
        "dynamodb://us-gov-west-1/sessions",
        "dynamodb://eusc-de-east-1/sessions",
        "dynamodb+http://localhost:8000/sessions",
        "dynamodb+http://dynamodb:8000/sessions",
        "dynamodb+http://127.0.0.1/sessions",
        "dynamodb+http://[::1]:65535/sessions",
    ],
)
def test_a_url_that_can_work_is_taken_without_a_connection(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DYNAMODB_URL", url)
    assert create_app().config["DYNAMODB_URL"] == url
