"""Pages: untouched, read, write, and signed in, every application in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.backends import module_for
from benchmarks.calls import Application, Call, new_cookie
from benchmarks.ours import key_of
from benchmarks.peers import bare, flask_session
from benchmarks.plan import Place
from benchmarks.rounds import Samples, interleaved
from benchmarks.views import EMAIL, THEME

Cases = dict[str, Call]


def measure(place: Place, app: Application, folder: Path, rounds: int) -> Samples:
    """Time the pages of a rendered project and of its peers, as multiples of bare Flask's."""
    cases: Cases = {"bare": Call(bare.bare(), "/benchmark/untouched")}
    _add(cases, "cookie", bare.signed_cookie())
    _add_place(cases, place, app)
    if place.name == "redis":
        _add_signed_in_peers(cases, place, folder)
    for name, call in cases.items():
        call.check(EMAIL if name.startswith("account") else THEME)
    samples = interleaved(cases, rounds)
    for name, call in cases.items():
        call.check(EMAIL if name.startswith("account") else THEME)
    # By round, so that the figures of several processes can be put side by side.
    return {
        name: [mine / bares for mine, bares in zip(times, samples["bare"], strict=True)]
        for name, times in samples.items()
    }


def _add_place(cases: Cases, place: Place, app: Application) -> None:
    cookie = _add(cases, f"{place.name}/ours", app)
    cases[f"account/{place.name}/ours"] = Call(app, "/benchmark/account", cookie=cookie)
    limit = getattr(module_for(place), "limit", None)
    if limit:
        raw_call: Callable[[], object] = limit(record_of(app, cookie), place)
        if raw_call() is None:
            raise RuntimeError(f"the limit of {place.name} reads nothing")
        limited = bare.limit(raw_call)
        cases[f"read/{place.name}/limit"] = Call(limited, "/benchmark/read", cookie=cookie)
    if place.name in flask_session.BACKENDS:
        for tuned, name in ((False, "flask-session"), (True, "flask-session tuned")):
            peer = flask_session.make_app(place.name, place.environment, tuned=tuned)
            _add(cases, f"{place.name}/{name}", peer)


def _add_signed_in_peers(cases: Cases, redis: Place, folder: Path) -> None:
    from benchmarks.peers import django, flask_login, flask_security  # noqa: PLC0415 - heavy

    environment = redis.environment
    database = f"{folder}/{{}}.db"
    url = f"sqlite:///{database}"
    peers: dict[str, Application] = {
        "flask-login": flask_login.make_app(environment, url.format("flask-login")),
        "flask-security": flask_security.make_app(environment, url.format("flask-security")),
        "django": django.make_app(environment, database.format("django")),
    }
    for name, app in peers.items():
        cookie = new_cookie(app, "/benchmark/fill")
        cases[f"account/redis/{name}"] = Call(app, "/benchmark/account", cookie=cookie)


def _add(cases: Cases, name: str, app: Application) -> str:
    """Add an application's pages, and return the cookie of its session."""
    cookie = new_cookie(app, "/benchmark/fill")
    for page in ("untouched", "read", "write"):
        # A session of its own for what writes, so that what reads has always the same to read.
        own = new_cookie(app, "/benchmark/fill") if page == "write" else cookie
        cases[f"{page}/{name}"] = Call(app, f"/benchmark/{page}", cookie=own)
    return cookie


def record_of(app: Any, cookie: str) -> dict[str, Any]:
    """Return the fields of the record that a rendered project keeps for a cookie."""
    record = app.session_interface.rules.store.load(key_of(cookie))
    return asdict(record)
