"""The figures as a page of the documentation."""

from __future__ import annotations

from typing import Any

from benchmarks.goals import PEERS, Goal, goals, places_in
from benchmarks.rounds import Samples, ratio

HEAD = """\
# Speed

Written by `uv run python -m benchmarks`. Every figure is a ratio of two things measured in turn in
one run, the median of all rounds: a ratio travels between machines, a time does not. Two runs
differ by some hundredths.

* Each application has the same views and the same session of 200 bytes, and is called as a WSGI
  application with the request of a browser that has a session, without a server in between.
* **Ours** is a rendered project with the settings of production: it also checks hosts, https and
  origins, and sets its security headers.
* **Flask-Session** is 0.8: with its defaults, in which each read is also a write, and tuned, in
  which it is not; SQLite then has a write-ahead log, memcached's client no delay, and files no
  maximum.
* **The limit** is Flask with one view that makes one raw call of the client. Nothing is faster.
* **Flask-Login** and **Flask-Security** keep their sessions in Redis by Flask-Session, **Django**
  in its cache, which is Redis, with the middleware of `startproject`. All users are in SQLite.
* MongoDB is a stand-in, SecantusDB.
"""


def page(results: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    pages: Samples = results["pages"]
    threads = []
    if "threads" in results:
        threads += ["## Eight threads on one SQLite file, one request in ten writes\n"]
        threads += [_threads(results["threads"])]
        threads += ["## Sign-ins through the form\n", _sign_ins(results["sign-ins"])]
    parts = [
        HEAD,
        "## One request, as a multiple of bare Flask\n",
        _requests(pages),
        "## A signed-in page, with the user from the database\n",
        _signed_in(pages),
        *threads,
        "## Many sessions\n",
        _growth(results["growth"]),
        "## Goals\n",
        _goals(goals(results)),
    ]
    return "\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _requests(pages: Samples) -> str:
    def cell(page: str, place: str, who: str) -> str:
        name = f"{page}/{place}/{who}" if who else f"{page}/{place}"
        return f"{ratio(pages, name, 'bare'):.2f}" if name in pages else "-"

    head = ["", "untouched", "read: limit", "ours", "Flask-Session, tuned", "defaults"]
    head += ["write: ours", "Flask-Session, tuned", "defaults"]
    rows = [
        [
            place,
            cell("untouched", place, "ours"),
            cell("read", place, "limit"),
            cell("read", place, "ours"),
            cell("read", place, "flask-session tuned"),
            cell("read", place, "flask-session"),
            cell("write", place, "ours"),
            cell("write", place, "flask-session tuned"),
            cell("write", place, "flask-session"),
        ]
        for place in places_in(pages)
    ]
    cookie = [cell(page, "cookie", "") for page in ("untouched", "read", "write")]
    note = "\nFlask's own signed cookie: untouched {}, read {}, write {}.\n".format(*cookie)
    return _table(head, rows) + note


def _signed_in(pages: Samples) -> str:
    names = {f"account/{place}/ours": f"ours, {place}" for place in places_in(pages)}
    names |= {f"account/redis/{peer}": f"{title}, redis" for peer, title in PEERS.items()}
    rows = [
        [title, f"{ratio(pages, name, 'bare'):.2f}"]
        for name, title in names.items()
        if name in pages
    ]
    return _table(["", "of bare Flask"], rows)


def _threads(threads: dict[str, Any]) -> str:
    ours, theirs = threads["ours"], threads["flask-session"]
    rows = [
        ["throughput", f"{ours['requests_per_second'] / theirs['requests_per_second']:.1f}"],
        ["99th percentile of the times", f"{ours['p99'] / theirs['p99']:.3f}"],
    ]
    failures = (
        f"Requests that failed: ours {ours['failures']}, Flask-Session {theirs['failures']}.\n"
    )
    return _table(["", "ours / Flask-Session, defaults"], rows) + "\n" + failures


def _sign_ins(sign_ins: dict[str, float]) -> str:
    return (
        f"{sign_ins['ratio']:.2f} of the verifications that argon2id alone does with the same"
        " parameters, with a thread for each processor.\n"
    )


def _growth(growth: dict[str, Any]) -> str:
    head = ["", "sessions", "a read, of one among 1,000", "expired ones pruned"]
    head += ["slowest request meanwhile", "in the same time without"]
    rows = []
    for place, figures in growth.items():
        row = [place, f"{figures['sessions']:,}", f"{figures['growth']:.2f}"]
        if "slowest" in figures:
            slowest = (figures["slowest"], figures["slowest_without"])
            row += [f"{figures['expired']:,}", *(f"{seconds * 1000:.0f} ms" for seconds in slowest)]
        else:
            row += ["by the server itself", "-", "-"]
        rows.append(row)
    return _table(head, rows)


def _goals(found: list[Goal]) -> str:
    rows = [
        [
            goal.what,
            f"{'≥' if goal.at_least else '≤'} {goal.bound:g}",
            f"{goal.value:.3f}",
            "yes" if goal.is_reached else "**no**",
        ]
        for goal in found
    ]
    return _table(["", "goal", "measured", "reached"], rows)
