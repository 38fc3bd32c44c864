"""A read among a thousand sessions and among a million, and requests during a prune."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.backends import module_for
from benchmarks.calls import Application, Call, new_cookie
from benchmarks.ours import key_of, production
from benchmarks.peers import bare
from benchmarks.plan import Extent, Place
from benchmarks.rounds import interleaved, ratio
from benchmarks.scenarios.pages import record_of

READ = 1000  # different sessions that are read


def measure(place: Place, app: Any, extent: Extent, folder: Path) -> dict[str, Any]:
    """Return how much slower a read gets, and the slowest request while sessions are pruned."""
    backend = module_for(place)
    live = round(backend.GROWTH * extent.scale)
    expired = round(getattr(backend, "EXPIRED", 100_000) * extent.scale)
    cookie = new_cookie(app, "/benchmark/fill")
    reads = itertools.cycle(_known_sessions(app, cookie))

    def read() -> None:
        next(reads)()

    cases: dict[str, Callable[[], object]] = {
        "bare": Call(bare.bare(), "/benchmark/untouched"),
        "read": read,
    }
    before = ratio(interleaved(cases, extent.rounds), "read", "bare")
    record = record_of(app, cookie)
    backend.fill(record, place, live)
    after = ratio(interleaved(cases, extent.rounds), "read", "bare")
    figures: dict[str, Any] = {"sessions": live, "growth": after / before}
    if getattr(backend, "PRUNES", True):
        backend.fill(record | {"expires_at": time.time() - 60}, place, expired)
        figures |= _while_pruning(place, app, cookie, expired, folder)
    return figures


def _known_sessions(app: Any, cookie: str) -> list[Call]:
    """Store sessions of different users, and return a read of each."""
    store = app.session_interface.rules.store
    name, _, token = cookie.partition("=")
    record = store.load(key_of(cookie))
    calls = []
    for number in range(READ):
        own = f"{name}={number:05}{token[5:]}"
        data = json.dumps(json.loads(record.data) | {"user_id": 1000 + number})
        store.insert(
            replace(
                record,
                key=key_of(own),
                public_id=f"known-{number}",
                user_id=1000 + number,
                data=data,
            )
        )
        calls.append(Call(app, "/benchmark/read", cookie=own))
    return calls


def _while_pruning(
    place: Place, app: Application, cookie: str, expired: int, folder: Path
) -> dict[str, Any]:
    """Prune with the project's own command, in another process, and make requests meanwhile."""
    pages = [Call(app, f"/benchmark/{page}", cookie=cookie) for page in ("read", "write")]
    log = folder / f"prune-{place.name}.log"
    command = [sys.executable, "-m", "flask", "--app", place.package, "sessions", "prune"]
    begun = time.perf_counter()
    with log.open("wb") as output:
        prune = subprocess.Popen(
            command,
            cwd=place.project,
            env=os.environ | production(place),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            slowest, count, failed = _slowest(pages, lambda: prune.poll() is None)
        finally:
            if prune.poll() is None:
                prune.kill()
            prune.wait()
    took = time.perf_counter() - begun
    said = log.read_text(encoding="utf-8")
    if f"Deleted {expired} expired" not in said:
        print(f"{place.name}: prune did not delete {expired}: {said[-300:]}", flush=True)
        slowest = math.inf
    until = time.perf_counter() + took
    usual, *_ = _slowest(pages, lambda: time.perf_counter() < until)
    return {
        "expired": expired,
        "prune_seconds": took,
        "requests": count,
        "failed": failed,
        "slowest": slowest,
        "slowest_without": usual,
    }


def _slowest(pages: list[Call], goes_on: Callable[[], bool]) -> tuple[float, int, int]:
    """Return the seconds of the slowest request, how many there were, and how many failed."""
    slowest, count, failed = 0.0, 0, 0
    while goes_on():
        for page in pages:
            begun = time.perf_counter()
            page()
            slowest = max(slowest, time.perf_counter() - begun)
            count += 1
            failed += not page.status.startswith("200")
    return slowest, count, failed
