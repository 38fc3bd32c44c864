"""What the tests need to know of a kind of server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True)
class Server:
    variable: str  # by which a project's tests find the server
    start: Callable[[], AbstractContextManager[str]]  # yields the URL for the variable
    work_done: Callable[[str], int]  # by URL: grows with each call, however small
    leftovers: Callable[[str], list[str]]  # by URL: what tests should have taken away
