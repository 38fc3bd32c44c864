"""Sign-ins a second through the form, against what argon2id alone allows."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from argon2 import PasswordHasher

from benchmarks.calls import Application, Call
from benchmarks.ours import PASSWORD
from benchmarks.plan import Extent


def measure(app: Application, profile: dict[str, int], extent: Extent) -> dict[str, Any]:
    """Return sign-ins and verifications a second, with a thread for each processor."""
    hasher = PasswordHasher(**profile)
    hashed = hasher.hash(PASSWORD)
    threads = os.cpu_count() or 1
    forms = [
        Call(app, "/login", form={"email": f"user{number}@example.org", "password": PASSWORD})
        for number in range(1, threads + 1)
    ]

    def signs_in(number: int) -> None:
        forms[number]()
        if not forms[number].status.startswith("303"):
            raise RuntimeError(f"the sign-in was answered with {forms[number].status}")

    def verifies(_: int) -> None:
        hasher.verify(hashed, PASSWORD)

    for number in range(threads):
        signs_in(number)
    ours, raw = [], []
    for _ in range(extent.repeats):
        raw.append(_per_second(verifies, threads, extent.seconds))
        ours.append(_per_second(signs_in, threads, extent.seconds))
    ratios = [mine / theirs for mine, theirs in zip(ours, raw, strict=True)]
    return {"ratio": median(ratios), "ours": median(ours), "argon2": median(raw)}


def _per_second(work: Callable[[int], None], threads: int, seconds: float) -> float:
    """Return how often the work gets done by this many threads."""
    ends: list[float] = []
    begun = time.perf_counter()

    def repeat(number: int) -> None:
        while time.perf_counter() - begun < seconds:
            work(number)
            ends.append(time.perf_counter())

    workers = [threading.Thread(target=repeat, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(ends) / (max(ends) - begun)
