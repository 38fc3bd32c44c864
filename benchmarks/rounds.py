"""Interleaved timing: each round times every case, so that all share the machine's moods."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median

Samples = dict[str, list[float]]

SLICE = 0.004  # seconds of one case in one round
MOST_CALLS = 40


def interleaved(cases: Mapping[str, Callable[[], object]], rounds: int) -> Samples:
    """Return for each case the seconds a call took, as the mean of a few calls, round by round."""
    counts = {}
    for name, call in cases.items():
        seconds = min(_seconds(call, 3) for _ in range(3))
        counts[name] = max(1, min(MOST_CALLS, round(SLICE / seconds)))
    gc.collect()
    gc.freeze()  # else each application would pay for what the others keep
    samples: Samples = {name: [] for name in cases}
    for number in range(rounds):
        # Every other round runs backwards: nobody always follows the same neighbour.
        for name in list(cases)[:: 1 if number % 2 else -1]:
            cases[name]()  # what a neighbour has pushed out of the processor's caches comes back
            samples[name].append(_seconds(cases[name], counts[name]))
    return samples


def _seconds(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def ratio(samples: Samples, name: str, other: str) -> float:
    """Return the median of a round's ratio of two cases."""
    pairs = zip(samples[name], samples[other], strict=True)
    return median(mine / theirs for mine, theirs in pairs)
