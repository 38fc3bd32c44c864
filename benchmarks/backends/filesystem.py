"""Files: one small file is read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.plan import Place

GROWTH = 100_000


def limit(record: dict[str, Any], place: Place) -> Callable[[], object]:
    """Return the read of a file."""
    return _file(place, record["key"]).read_bytes


def fill(record: dict[str, Any], place: Place, count: int) -> None:
    """Write the file under other names."""
    content = json.dumps({name: value for name, value in record.items() if name != "key"})
    for _ in range(count):
        _file(place, secrets.token_hex(32)).write_text(content, encoding="utf-8")


def _file(place: Place, key: str) -> Path:
    return Path(place.environment["SESSION_DIR"], "sessions", f"{key}.json")
