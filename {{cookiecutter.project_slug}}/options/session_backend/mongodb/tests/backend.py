"""Where the tests keep sessions: in a fake MongoDB, or in a new database at MONGODB_URL."""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import mongomock
from pymongo import MongoClient

from my_flask_app.sessions.protocol import Store
from my_flask_app.sessions.store import CLIENT, MongoStore

from .support import Clock

URL = os.environ.get("MONGODB_URL")
DATABASE = f"test-{secrets.token_hex(8)}"
OWN_URL = urlsplit(URL or "mongodb://127.0.0.1:1")._replace(path=f"/{DATABASE}").geturl()
ENVIRONMENT = {"MONGODB_URL": OWN_URL}
OWN_TESTS = {"test_session_mongodb.py"}  # which only this backend has
NEVER = 2**31 - 1  # MongoDB's clock is not the tests' clock: it must not delete what they store


class OneAtATime:
    """mongomock's collection, with what MongoDB promises: each command is one step."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._lock = threading.Lock()

    def __getattr__(self, command: str) -> Callable[..., Any]:
        """Return a command that nothing else runs beside."""
        original = getattr(self._collection, command)

        def call(*args: Any, **options: Any) -> Any:
            with self._lock:
                result = original(*args, **options)
                return list(result) if command == "find" else result

        return call


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: an empty store, in a database that no one else uses."""
    client: Any = MongoClient(OWN_URL, **CLIENT) if URL else mongomock.MongoClient()
    sessions = client[DATABASE]["sessions"]
    store = MongoStore(sessions if URL else cast("Any", OneAtATime(sessions)), grace=NEVER)
    yield {"SESSION_STORE": store}
    client.drop_database(DATABASE)
    client.close()


def contents(store: Store) -> str:
    """Return all that the store holds, as somebody sees it who has stolen it."""
    return "\n".join(str(dict(document)) for document in collection(store).find())


def overwrite(store: Store, key: str, **fields: Any) -> None:
    """Change a record as nobody does who uses the store's own methods."""
    collection(store).update_one({"_id": key}, {"$set": fields})


def keep_forever(store: Store, key: str) -> None:
    """Take away what makes the store itself forget the record."""
    collection(store).update_one(
        {"_id": key}, {"$set": {"expires_at": 9e12}, "$unset": {"forget_at": True}}
    )


@contextmanager
def broken_store() -> Iterator[Store]:
    """Yield a store whose server does not answer."""
    client: Any = MongoClient("mongodb://127.0.0.1:1/test", **CLIENT | {"timeoutMS": 20})
    yield MongoStore(client.get_default_database()["sessions"])
    client.close()


def collection(store: Store) -> Any:
    """Return the collection that a store keeps its records in."""
    assert isinstance(store, MongoStore)
    return store._collection
