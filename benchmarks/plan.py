"""What a worker is told to measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Somewhere to keep sessions, and the project that was baked for it."""

    name: str
    answer: str  # to the prompt `session_backend`
    project: str  # the rendered folder
    package: str
    environment: Mapping[str, str]

    @property
    def module(self) -> str:
        """The name of the place's module in `backends/`."""
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    rounds: int  # of pages
    repeats: int  # of what is measured for a while
    seconds: float  # that such a while lasts
    scale: float  # of the numbers of sessions


FULL = Extent(rounds=101, repeats=7, seconds=2.0, scale=1.0)
QUICK = Extent(rounds=3, repeats=1, seconds=0.5, scale=0.002)  # to see that it works
