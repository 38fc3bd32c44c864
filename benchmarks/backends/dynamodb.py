"""DynamoDB: one consistent GetItem, from an emulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.plan import Place


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of an item."""
    endpoint, _, table = place.environment["DYNAMODB_URL"].rpartition("/")
    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=endpoint.removeprefix("dynamodb+"),
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )
    key = {"pk": {"S": f"limit:{record['key']}"}, "sk": {"S": "limit"}}
    values = {name: {"S": str(value)} for name, value in record.items() if name != "key"}
    client.put_item(TableName=table, Item={**key, **values})
    return lambda: client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
