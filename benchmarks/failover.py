"""What users see when a primary is killed: uv run python -m benchmarks.failover

Sentinel and Cluster, with servers of its own; needs redis-server. The load is that of the tests.
How long it takes is mostly how long the servers are told to wait before they call a primary dead.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import uv

from tests.baked import ROOT, BakedProject, clean_environment, interpreter
from tests.failover.failover import VICTIMS, fail_over

ROWS = [
    "answers",
    "statuses",
    "seconds until the last error",
    "slowest answer",
    "wrong users",
    "sessions from before",
    "of them lost",
    "sign-ins",
    "sign-ins lost",
    "sign-outs",
    "sign-outs undone",
]


def bake(folder: Path) -> BakedProject:
    """A project on Redis, with its dependencies."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", str(folder)]
    command += [str(ROOT), "session_backend=redis", "auth_style=api"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (path,) = (child for child in folder.iterdir() if (child / "pyproject.toml").is_file())
    sync = [uv.find_uv_bin(), "sync", "--quiet"]
    subprocess.run(sync, cwd=path, env=clean_environment(), check=True)
    return BakedProject("redis-api", path, interpreter(path / ".venv"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = bake(Path(folder))
        figures = {servers: fail_over(project, servers) for servers in VICTIMS}
    print("| |", " | ".join(figures), "|")
    print("| --- |", " | ".join("---" for _ in figures), "|")
    for row in ROWS:
        cells = (found[row] for found in figures.values())
        texts = [
            ", ".join(f"{status}: {n}" for status, n in sorted(cell.items()))
            if isinstance(cell, dict)
            else str(cell)
            for cell in cells
        ]
        print(f"| {row} |", " | ".join(texts), "|")


if __name__ == "__main__":
    main()
