"""For each place: the least work that a read can be, and how to fill a store quickly.

`limit(record, place)` returns one call of the client that reads what a session consists of.
`fill(record, place, count)` adds so many copies of a record under other keys, past the store's own
methods, for which a million would take too long. A place without `fill` is not measured for growth.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from benchmarks.plan import Place


def module_for(place: Place) -> ModuleType:
    """Return the module of a place."""
    return importlib.import_module(f"benchmarks.backends.{place.module}")
