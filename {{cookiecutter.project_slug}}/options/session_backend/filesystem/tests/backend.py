"""Where the tests keep sessions: in a folder that goes away, on the disk of SESSION_DIR if set."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from my_flask_app.sessions.protocol import Store
from my_flask_app.sessions.store import FileStore

from .support import Clock

DISK = os.environ.get("SESSION_DIR")
NO_FOLDER = Path(__file__, "sessions")  # nothing can be made below a file
ENVIRONMENT = {"SESSION_DIR": str(NO_FOLDER)}
OWN_TESTS = {"test_session_filesystem.py"}  # which only this backend has


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: an empty folder."""
    with tempfile.TemporaryDirectory(prefix="test-", dir=DISK) as folder:
        yield {"SESSION_DIR": folder}


def contents(store: Store) -> str:
    """Return all that the store holds, as somebody sees it who has stolen it."""
    files = [path for path in sorted(folder_of(store).rglob("*.*")) if path.suffix != ".lock"]
    return "\n".join(f"{path} {path.read_text()}" for path in files)


def overwrite(store: Store, key: str, **fields: Any) -> None:
    """Change a record as nobody does who uses the store's own methods."""
    path = file_of(store, key)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | fields))


def keep_forever(store: Store, key: str) -> None:
    """Take away what makes the store itself forget the record."""
    overwrite(store, key, expires_at=9e12)


@contextmanager
def broken_store() -> Iterator[Store]:
    """Yield a store whose disk does not work."""
    yield FileStore(NO_FOLDER)


def folder_of(store: Store) -> Path:
    """Return the folder that the store keeps its files in."""
    assert isinstance(store, FileStore)
    return store._sessions._path.parent


def file_of(store: Store, key: str) -> Path:
    """Return the path of a record."""
    return folder_of(store) / "sessions" / f"{key}.json"
