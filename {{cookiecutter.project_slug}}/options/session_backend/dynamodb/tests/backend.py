"""Where the tests keep sessions: in a fake DynamoDB, or in new tables at DYNAMODB_URL."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto import mock_aws

from my_flask_app.sessions.protocol import Store
from my_flask_app.sessions.store import DynamoStore
from my_flask_app.sessions.table import SCHEMA, Table

from .support import PATIENCE, Clock

URL = os.environ.get("DYNAMODB_URL")
ENVIRONMENT = {"DYNAMODB_URL": URL or "dynamodb://us-east-1/sessions"}
OWN_TESTS = {"test_session_dynamodb.py", "test_dynamodb_table.py"}  # which only it has
NOWHERE = "dynamodb+http://127.0.0.1:1/sessions"


class FakeTable(Table):
    """A table in moto, with what DynamoDB promises: each operation is one step."""

    one_at_a_time = threading.Lock()

    def _send(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.one_at_a_time:
            return super()._send(operation, parameters)


# One for the whole run: making a client takes longer than most tests. The fake is as fast as the
# machine is, and no server that could hang.
TABLE = Table(URL) if URL else FakeTable(ENVIRONMENT["DYNAMODB_URL"], deadline=PATIENCE)
if not URL:
    mock_aws().start()


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: an empty store, in a table that no one else uses."""
    TABLE.name = f"test-{secrets.token_hex(8)}"
    store = DynamoStore(TABLE, prefix="test", clock=clock)
    TABLE.ask("create_table", TableName=TABLE.name, **SCHEMA)
    yield {"SESSION_STORE": store}
    TABLE.ask("delete_table", TableName=TABLE.name)


def contents(store: Store) -> str:
    """Return all that the store holds, as somebody sees it who has stolen it."""
    table = table_of(store)
    return "\n".join(map(str, table.ask("scan", TableName=table.name)["Items"]))


def overwrite(store: Store, key: str, **fields: Any) -> None:
    """Change a record as nobody does who uses the store's own methods."""
    table = table_of(store)
    table.ask(
        "update_item",
        TableName=table.name,
        Key=place_of(store, key),
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in fields),
        ExpressionAttributeNames={f"#{name}": name for name in fields},
        ExpressionAttributeValues={f":{name}": attribute(fields[name]) for name in fields},
    )


def keep_forever(store: Store, key: str) -> None:
    """Take away what makes the store itself forget the record."""
    overwrite(store, key, expires_at=9e12, forget_at=9_000_000_000_000)


@contextmanager
def broken_store() -> Iterator[Store]:
    """Yield a store whose server does not answer."""
    table = Table(NOWHERE)
    yield DynamoStore(table, prefix="test", clock=Clock())
    table.close()


def table_of(store: Store) -> Table:
    """Return the table that a store keeps its records in."""
    assert isinstance(store, DynamoStore)
    return store._table


def place_of(store: Store, key: str) -> dict[str, dict[str, Any]]:
    """Return the primary key of a record's item."""
    assert isinstance(store, DynamoStore)
    return store._place(key)


def attribute(value: Any) -> dict[str, Any]:
    """Return a value with its type, as DynamoDB takes it."""
    if isinstance(value, dict):
        return {"M": {name: attribute(each) for name, each in value.items()}}
    if isinstance(value, list):
        return {"L": [attribute(each) for each in value]}
    if isinstance(value, bytes):
        return {"B": value}
    if value is None:
        return {"NULL": True}
    return {"S": value} if isinstance(value, str) else {"N": repr(value)}
