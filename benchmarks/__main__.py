"""Measure the rendered projects and their peers: uv run python -m benchmarks

Writes docs/benchmarks.md and docs/pictures/speed.svg. Takes about five minutes; give it a machine
that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.chart import chart
from benchmarks.environment import all_places, install, prepare_place
from benchmarks.plan import FULL, QUICK, Extent
from benchmarks.table import page
from tests.baked import ROOT, clean_environment
from tests.servers import running_servers


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it works")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="a folder, docs/")
    parser.add_argument("--only", nargs="*", help="only these places, such as sqlite redis")
    arguments = parser.parse_args()

    results = measure(QUICK if arguments.quick else FULL, arguments.only)
    (arguments.output / "pictures").mkdir(parents=True, exist_ok=True)
    text = page(results)
    (arguments.output / "benchmarks.md").write_text(text, encoding="utf-8")
    (arguments.output / "pictures" / "speed.svg").write_text(chart(results), encoding="utf-8")
    print(text)


def measure(extent: Extent, only: list[str] | None) -> dict[str, Any]:
    """Return what the workers have measured: one process for each place, as a server has one."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary,
        running_servers() as servers,
    ):
        folder = Path(temporary)
        wanted = {name: answer for name, answer in all_places().items() if not only or name in only}
        prepared = [prepare_place(*names, servers, folder) for names in wanted.items()]
        places = [place for place in prepared if place]
        python = install([Path(place["project"]) for place in places])
        found: dict[str, Any] = {"pages": {}, "growth": {}}
        for place in places:
            results = _work(python, extent, place, folder / place["name"])
            for part in ("pages", "growth"):
                found[part] |= results.pop(part)
            found |= results
        return found


def _work(python: Path, extent: Extent, place: dict[str, Any], folder: Path) -> dict[str, Any]:
    plan, results, log = (folder / name for name in ("plan.json", "results.json", "log"))
    plan.write_text(
        json.dumps({"extent": asdict(extent), "place": place, "folder": str(folder)}), "utf-8"
    )
    command = [str(python), "-m", "benchmarks.worker", str(plan), str(results)]
    environment = clean_environment()
    del environment["PYTHONDONTWRITEBYTECODE"]  # the command that prunes starts sooner
    with log.open("wb") as errors:  # what the applications log goes to no terminal
        worker = subprocess.run(
            command, cwd=ROOT, env=environment, stderr=errors, timeout=3600, check=False
        )
    if worker.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise SystemExit("\n".join(line for line in lines if not line.startswith('{"time"')))
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    main()
