"""Where the tests keep sessions: in the test's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .support import Clock

ENVIRONMENT: dict[str, str] = {}


@contextmanager
def fresh_store(clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield what `create_app` needs: nothing, the tables are there."""
    yield {}
