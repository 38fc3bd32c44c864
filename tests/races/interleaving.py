"""Requests side by side, in an order that the test decides: one call of the store after the other.

A request waits before each call of the store until it is its turn, so between two calls exactly one
request runs, and each order of the calls can be had, again and again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

PATIENCE = 20.0  # seconds until a request that neither waits nor ends fails the test

Answer = TypeVar("Answer")
Choose = Callable[[int], int]  # of so many requests that could go on, which one does


class Requests(Generic[Answer]):
    """Some requests, each in a thread of its own, of which one runs at a time."""

    def __init__(self, choose: Choose, calls: Sequence[Callable[[], Answer]]) -> None:
        self._choose = choose
        self._calls = calls
        self._numbers: dict[int, int] = {}  # by thread
        self._turns = [threading.Semaphore(0) for _ in calls]
        self._stopped: queue.Queue[tuple[int, bool]] = queue.Queue()
        self.steps: list[int] = []  # the number of the request that made each step

    def wait_for_turn(self) -> None:
        """Let the others go first, if it is their turn. To be called before each step."""
        number = self._numbers.get(threading.get_ident())
        if number is not None:
            self._stopped.put((number, False))
            assert self._turns[number].acquire(timeout=PATIENCE)

    def run(self) -> list[Answer]:
        """Return the answers of all requests."""
        with ThreadPoolExecutor(len(self._calls)) as threads:
            answers = []
            waiting: list[int] = []
            for number, call in enumerate(self._calls):
                answers.append(threads.submit(self._run, number, call))
                self._await(waiting)
            while waiting:
                which = self._choose(len(waiting)) if len(waiting) > 1 else 0
                self.steps.append(waiting.pop(which))
                self._turns[self.steps[-1]].release()
                self._await(waiting)
            return [answer.result(PATIENCE) for answer in answers]

    def _run(self, number: int, call: Callable[[], Answer]) -> Answer:
        self._numbers[threading.get_ident()] = number
        try:
            return call()
        finally:
            del self._numbers[threading.get_ident()]
            self._stopped.put((number, True))

    def _await(self, waiting: list[int]) -> None:
        """Wait until the request that is running waits for its turn, or has ended."""
        number, has_ended = self._stopped.get(timeout=PATIENCE)
        if not has_ended:
            waiting.append(number)
            waiting.sort()


def every_order() -> Iterator[Choose]:
    """Yield what leads requests through every order there is, one after the other.

    The requests have to be the same each time, and each order has to be run before the next.
    """
    prefix: list[int] = []
    while True:
        taken: list[tuple[int, int]] = []  # what was chosen, of how many

        def choose(
            options: int, prefix: list[int] = prefix, taken: list[tuple[int, int]] = taken
        ) -> int:
            choice = prefix[len(taken)] if len(taken) < len(prefix) else 0
            taken.append((choice, options))
            return choice

        yield choose
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return
        prefix = [choice for choice, _ in taken]
        prefix[-1] += 1


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Return the answers of requests that run as the system lets them."""
    start = threading.Barrier(len(calls))

    def wait_and_call(call: Callable[[], Answer]) -> Answer:
        start.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(wait_and_call, calls))
