"""What runs in the peers' environment: python -m benchmarks.worker PLAN.json RESULTS.json"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks import ours
from benchmarks.backends import module_for
from benchmarks.calls import Application
from benchmarks.peers import flask_session
from benchmarks.plan import Extent, Place
from benchmarks.scenarios import growth, pages, sign_ins, threads


def main(plan_file: str, results_file: str) -> None:
    """Measure everything that the plan asks for."""
    warnings.simplefilter("ignore")
    plan = json.loads(Path(plan_file).read_text(encoding="utf-8"))
    place = Place(**plan["place"])
    extent = Extent(**plan["extent"])
    folder = Path(plan["folder"])
    app: Application = ours.make_app(place)

    say(f"{place.name}: pages")
    results: dict[str, Any] = {"pages": pages.measure(place, app, folder, extent.rounds)}
    if place.name == "sqlite":
        say("sqlite: threads")
        peer = flask_session.make_app("sqlite", place.environment)
        results["threads"] = threads.measure({"ours": app, "flask-session": peer}, extent)
        say("sqlite: sign-ins")
        profile = importlib.import_module(f"{place.package}.auth.passwords").PROFILE
        results["sign-ins"] = sign_ins.measure(app, profile, extent)
    results["growth"] = {}
    if hasattr(module_for(place), "fill"):
        say(f"{place.name}: growth")
        results["growth"][place.name] = growth.measure(place, app, extent, folder)
    Path(results_file).write_text(json.dumps(results), encoding="utf-8")


def say(what: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
