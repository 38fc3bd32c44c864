"""Eight threads on one SQLite file: every tenth request writes."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Mapping
from statistics import median, quantiles
from typing import Any

from benchmarks.calls import Application, Call, new_cookie
from benchmarks.plan import Extent

THREADS = 8
WRITE_EVERY = 10


def measure(apps: Mapping[str, Application], extent: Extent) -> dict[str, Any]:
    """Return for each application requests a second, and the 99th percentile of their times."""
    calls = {name: [_calls(app) for _ in range(THREADS)] for name, app in apps.items()}
    throughput: dict[str, list[float]] = {name: [] for name in apps}
    times: dict[str, list[float]] = {name: [] for name in apps}
    failures = dict.fromkeys(apps, 0)
    for _ in range(extent.repeats):
        for name in apps:
            done, failed, took = _round(calls[name], extent.seconds)
            throughput[name].append(len(done) / took)
            times[name] += done
            failures[name] += failed
    return {
        name: {
            "requests_per_second": median(throughput[name]),
            "p99": quantiles(times[name], n=100)[-1],
            "failures": failures[name],
        }
        for name in apps
    }


def _calls(app: Application) -> list[Call]:
    """Return ten requests of a visitor."""
    cookie = new_cookie(app, "/benchmark/fill")
    pages = ["read"] * (WRITE_EVERY - 1) + ["write"]
    return [Call(app, f"/benchmark/{page}", cookie=cookie) for page in pages]


def _round(visitors: list[list[Call]], seconds: float) -> tuple[list[float], int, float]:
    """Return the seconds of each request, how many failed, and how long all of it took."""
    done: list[float] = []
    failed: list[str] = []
    start = threading.Barrier(len(visitors) + 1)
    over = threading.Event()

    def visit(calls: list[Call]) -> None:
        mine: list[float] = []
        start.wait()
        for call in itertools.cycle(calls):
            if over.is_set():
                break
            begun = time.perf_counter()
            call()
            mine.append(time.perf_counter() - begun)
            if not call.status.startswith("200"):
                failed.append(call.status)
        done.extend(mine)

    threads = [threading.Thread(target=visit, args=(calls,), daemon=True) for calls in visitors]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return done, len(failed), time.perf_counter() - begun
