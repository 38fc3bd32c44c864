"""MongoDB: one find_one by `_id`, with the settings of the project's own client."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from benchmarks.plan import Place

# The stand-in for MongoDB answers a range by looking through the whole collection, which a million
# would show and not the project.
GROWTH = 20_000
EXPIRED = 2_000
BATCH = 500


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of a document."""
    client: MongoClient[RawBSONDocument] = MongoClient(
        place.environment["MONGODB_URL"],
        timeoutMS=1000,
        retryReads=False,
        readConcernLevel="local",
        document_class=RawBSONDocument,
    )
    collection = client.get_default_database()[f"{place.package}_sessions"]
    return lambda: collection.find_one({"_id": record["key"]})


def fill(record: dict[str, Any], place: Place, count: int) -> None:
    """Store the document under other keys."""
    client: MongoClient[dict[str, Any]] = MongoClient(place.environment["MONGODB_URL"])
    collection = client.get_default_database()[f"{place.package}_sessions"]
    forget_at = datetime.fromtimestamp(math.ceil(record["expires_at"]), UTC)
    document = {name: value for name, value in record.items() if name != "key"}
    document["forget_at"] = forget_at
    for first in range(0, count, BATCH):
        batch = range(first, min(first + BATCH, count))
        collection.insert_many([{"_id": secrets.token_hex(32), **document} for _ in batch])
