"""What the figures have to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.rounds import Samples, ratio

# A read as a part of what Flask-Session takes with its defaults.
READ = {"redis": 0.65, "sqlite": 0.12, "postgresql": 0.2, "memcached": 0.65, "filesystem": 0.65}
SIGNED_IN = {"flask-login": 0.65, "flask-security": 0.5, "django": 0.7}
SLOWEST = 0.1  # seconds that a request may take while expired sessions are pruned


@dataclass(frozen=True)
class Goal:
    """A figure and the bound that it has to keep."""

    what: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def is_reached(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def goals(results: dict[str, Any]) -> list[Goal]:
    """Return the goals for everything that was measured."""
    pages: Samples = results["pages"]
    found = [*_pages(pages), *_signed_in(pages)]
    if "threads" in results:
        ours, theirs = results["threads"]["ours"], results["threads"]["flask-session"]
        more = ours["requests_per_second"] / theirs["requests_per_second"]
        found += [
            Goal("eight threads, one SQLite file: throughput / Flask-Session's", more, 5, True),
            Goal("the same: p99 / Flask-Session's", ours["p99"] / theirs["p99"], 0.1),
        ]
    if "sign-ins" in results:
        found.append(Goal("sign-ins / argon2id alone", results["sign-ins"]["ratio"], 0.9, True))
    for place, figures in results["growth"].items():
        what = f"{place}: read among {figures['sessions']:,} sessions / among 1,000"
        found.append(Goal(what, figures["growth"], 1.2))
        if "slowest" in figures:
            what = f"{place}: slowest request during prune, in seconds"
            found.append(Goal(what, figures["slowest"], SLOWEST))
    return found


def _pages(pages: Samples) -> list[Goal]:
    found = []
    for place in places_in(pages):
        untouched = ratio(pages, f"untouched/{place}/ours", "bare")
        found.append(Goal(f"{place}: untouched page / bare Flask", untouched, 1.25))
        ours, peer = f"read/{place}/ours", f"read/{place}/flask-session"
        if place == "redis":
            limit = ratio(pages, ours, "read/redis/limit")
            found.append(Goal("redis: read / bare Flask and one GET", limit, 1.15))
        if place in READ:
            found.append(
                Goal(f"{place}: read / Flask-Session", ratio(pages, ours, peer), READ[place])
            )
        ours, peer = f"write/{place}/ours", f"write/{place}/flask-session"
        if peer in pages:
            found.append(Goal(f"{place}: write / Flask-Session", ratio(pages, ours, peer), 1.0))
    return found


def _signed_in(pages: Samples) -> list[Goal]:
    return [
        Goal(
            f"redis: signed-in page / {PEERS[peer]}",
            ratio(pages, "account/redis/ours", f"account/redis/{peer}"),
            bound,
        )
        for peer, bound in SIGNED_IN.items()
        if f"account/redis/{peer}" in pages
    ]


PEERS = {
    "flask-login": "Flask-Login on Flask-Session",
    "flask-security": "Flask-Security on Flask-Session",
    "django": "Django",
}


def places_in(pages: Samples) -> list[str]:
    """Return the places that were measured."""
    names = [name.split("/") for name in pages]
    return [name[1] for name in names if name[0] == "untouched" and name[-1] == "ours"]
