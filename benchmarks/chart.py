"""The figures as bars: a few lines of SVG, readable on white and on black."""

from __future__ import annotations

from html import escape
from typing import Any

from benchmarks.goals import PEERS, places_in
from benchmarks.rounds import Samples, ratio

WIDTH = 760
LABELS = 220  # pixels for the names at the left
VALUES = 60  # pixels for the figures at the right
BAR, GAP, TITLE = 16, 6, 40  # pixels of height
LONGEST = 45.0  # times bare Flask; a bar beyond it is cut, and its figure says how long it is

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.ours { fill: #1a7f5a }
.peer { fill: #9aa4af }
.limit { fill: #d0a215 }
.cut { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours { fill: #3fb68b }
  .peer { fill: #6e7781 }
  .cut { fill: #0d1117 }
}
"""

Bar = tuple[str, str, float]  # name, class, value


def chart(results: dict[str, Any]) -> str:
    """Return the picture: what a request costs, all bars to one scale."""
    groups = _groups(results["pages"])
    body: list[str] = []
    y = 0
    for title, bars in groups:
        y += TITLE
        body.append(f'<text class="title" x="0" y="{y - 12}">{escape(title)}</text>')
        for name, kind, value in bars:
            body += _bar(name, kind, value, y)
            y += BAR + GAP
    height = y + GAP
    alternative = "Bars: what a request costs, as a multiple of Flask without sessions"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" role="img" aria-label="{alternative}">\n<style>{STYLE}</style>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _bar(name: str, kind: str, value: float, y: int) -> list[str]:
    width = (WIDTH - LABELS - VALUES) * min(value, LONGEST) / LONGEST
    middle = y + BAR - 4
    cut = f"M{LABELS + width - 30:.1f} {y - 1}l-6 {BAR + 2}h6l6 -{BAR + 2}z"
    return [
        f'<text x="{LABELS - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>',
        f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>',
        f'<text x="{LABELS + width + 6:.1f}" y="{middle}">{value:.1f}</text>',
        *([f'<path class="cut" d="{cut}"/>'] if value > LONGEST else []),
    ]


def _groups(pages: Samples) -> list[tuple[str, list[Bar]]]:
    groups: list[tuple[str, list[Bar]]] = []
    for place in places_in(pages):
        names = {
            "one raw call, no session": ("limit", f"read/{place}/limit"),
            "this template": ("ours", f"read/{place}/ours"),
            "Flask-Session, tuned": ("peer", f"read/{place}/flask-session tuned"),
            "Flask-Session": ("peer", f"read/{place}/flask-session"),
        }
        title = f"A request that reads the session: {TITLES.get(place, place)}"
        groups.append((title, _bars(pages, names)))
    names = {"this template": ("ours", "account/redis/ours")}
    names |= {PEERS[peer]: ("peer", f"account/redis/{peer}") for peer in PEERS}
    signed_in = _bars(pages, names)
    if signed_in:
        groups.append(
            ("A signed-in page with the user from the database: sessions in Redis", signed_in)
        )
    return groups


TITLES = {
    "sqlite": "SQLite",
    "postgresql": "PostgreSQL",
    "mariadb": "MariaDB",
    "redis": "Redis",
    "mongodb": "MongoDB (a stand-in)",
    "filesystem": "files",
    "dynamodb": "DynamoDB (an emulator)",
    "memcached": "memcached",
    "signed-cookie": "signed cookie",
}


def _bars(pages: Samples, names: dict[str, tuple[str, str]]) -> list[Bar]:
    return [
        (title, kind, ratio(pages, name, "bare"))
        for title, (kind, name) in names.items()
        if name in pages
    ]
