"""A table in DynamoDB, or in an emulator of it: where it is, and how it is asked."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.session
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from .protocol import StoreUnavailable

TIMEOUT = 1  # second for a connection, and for each piece of an answer
DEADLINE = 2.0  # seconds for a call as a whole
CALLS_AT_ONCE = 16

TABLE = r"(?P<table>[A-Za-z0-9_.-]{3,255})"
ON_AWS = re.compile(rf"dynamodb://(?P<region>[a-z]+(?:-[a-z]+)+-[0-9]+)/{TABLE}")
# Over HTTP, so on this machine only: the names of its own network have no dots.
EMULATED = re.compile(
    rf"dynamodb\+(?P<endpoint>http://(?:[a-z][a-z0-9-]*|127\.0\.0\.1|\[::1\])"
    rf"(?::(?P<port>[0-9]{{1,5}}))?)/{TABLE}"
)

OPTIONS: dict[str, Any] = {
    "connect_timeout": TIMEOUT,
    "read_timeout": TIMEOUT,
    # Who tries again is the user, or the rule of the session layer that knows what to do then.
    "retries": {"total_max_attempts": 1},
    "max_pool_connections": CALLS_AT_ONCE,
    # DYNAMODB_URL alone says where sessions go, not what AWS_ENDPOINT_URL says for other tools.
    "ignore_configured_endpoint_urls": True,
    "parameter_validation": False,  # DynamoDB does that all the same
}


class ConditionFailed(Exception):
    """The item is not as the call wanted it to be, and was left alone."""


class Table:
    """One table, whose calls are made in threads of their own, to be given up in time.

    The client's timeouts are for single steps, and neither looking up a host's name nor AWS' chain
    of credentials, which asks other services, has one as a whole.
    """

    def __init__(self, url: str, *, deadline: float = DEADLINE) -> None:
        """Note where the table is; connect at first use. Raises ValueError for another URL."""
        where = _parts(url)
        self.name: str = where["table"]
        self.is_emulated = "endpoint" in where
        self._options = _emulator(where["endpoint"]) if self.is_emulated else _aws(where["region"])
        self._deadline = deadline
        self._client: Any = None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="dynamodb")

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to an operation of the client's, such as `get_item`.

        Raises ConditionFailed, and StoreUnavailable for all else: for no answer in time, for
        throttling, missing rights or credentials, an item of more than 400 KB.
        """
        call = self._threads.submit(self._send, operation, parameters)
        try:
            return call.result(self._deadline)
        except TimeoutError:
            call.cancel()  # if it still waits for a thread
            raise StoreUnavailable(f"{operation}: no answer in time") from None
        except ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                raise ConditionFailed from error
            raise StoreUnavailable(str(error)) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown()
        if self._client is not None:
            self._client.close()

    def _send(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        client = self._connected()
        call = getattr(client, operation)
        try:
            answer: dict[str, Any] = call(**parameters)
            return answer
        except ClientError as error:
            if _code(error) != "ResourceNotFoundException" or not self.is_emulated:
                raise
        self._create(client)
        return dict(call(**parameters))

    def _connected(self) -> Any:
        """Return the client, made at first use: after the fork of a web server, if it forks."""
        with self._lock:
            if self._client is None:
                self._client = _connect(self._options)
            return self._client

    def _create(self, client: Any) -> None:
        """Create the table in an emulator. On AWS that is nothing that an application may do."""
        try:
            client.create_table(TableName=self.name, **SCHEMA)
        except ClientError as error:
            if _code(error) != "ResourceInUseException":  # another request was faster
                raise


SCHEMA: dict[str, Any] = {
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def _parts(url: str) -> dict[str, str]:
    """Return what a URL says. Raises ValueError when it does not name a table."""
    found = ON_AWS.fullmatch(url) or EMULATED.fullmatch(url)
    parts = found.groupdict() if found else {}
    if not parts or not 0 < int(parts.get("port") or 80) < 2**16:
        raise ValueError("this is no table's URL")
    return parts


def _emulator(endpoint: str) -> dict[str, str]:
    # An emulator takes any credentials, and would otherwise be sent those of the machine.
    return {
        "region_name": "us-east-1",
        "endpoint_url": endpoint,
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }


def _aws(region: str) -> dict[str, str]:
    return {"region_name": region}


def _connect(options: dict[str, str]) -> Any:
    core = botocore.session.Session()
    # For the services that credentials come from, too.
    core.set_default_client_config(Config(**OPTIONS))
    session = Session(botocore_session=core)
    # A client that was made without credentials would never ask for them again.
    if "endpoint_url" not in options and session.get_credentials() is None:
        raise NoCredentialsError
    return session.client("dynamodb", **options)  # type: ignore[call-overload]


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))
