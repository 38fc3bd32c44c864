"""What the measuring needs: projects, servers, and an environment for all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import uv

from tests.baked import CHOICES, ROOT, clean_environment, interpreter
from tests.servers import SERVERS, Servers

BENCHMARKS = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
ENVIRONMENT = CACHE / "flask-secure-session" / "benchmarks"  # a second run installs nothing

# An answer with several engines is measured on each; any other is one place of its own name.
ENGINES = {"database": ["sqlite", "postgresql", "mariadb"]}


def all_places() -> dict[str, str]:
    """Return every place where sessions can be kept, with its answer to `session_backend`."""
    return {
        place: answer
        for answer in CHOICES["session_backend"]
        for place in ENGINES.get(answer, [answer])
    }


def prepare_place(place: str, answer: str, servers: Servers, folder: Path) -> dict[str, Any] | None:
    """Bake a project and start its servers; None, and a line that says so, without a program."""
    own = folder / place
    own.mkdir()
    environment = {"DATABASE_URL": f"sqlite:///{own}/app.db"}
    if answer == "filesystem":
        environment["SESSION_DIR"] = f"{own}/sessions"
    for name in {place, answer} & SERVERS.keys():
        try:
            environment[SERVERS[name].variable] = servers.url(name)
        except pytest.skip.Exception as reason:
            print(f"{place} is left out: {reason}")
            return None
    slug = f"benchmark-{place}"
    return {
        "name": place,
        "answer": answer,
        "project": str(bake(slug, own, session_backend=answer)),
        "package": slug.replace("-", "_"),
        "environment": environment,
    }


def bake(slug: str, folder: Path, **answers: str) -> Path:
    """Bake a project, without the .env that would make it a developer's."""
    configuration = folder / "cookiecutter.yaml"
    configuration.write_text(json.dumps({"replay_dir": f"{folder}/replay"}), encoding="utf-8")
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", str(folder)]
    command += ["--config-file", str(configuration), str(ROOT), f"project_slug={slug}"]
    command += [f"{prompt}={answer}" for prompt, answer in answers.items()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    (folder / slug / ".env").unlink()
    return folder / slug


def install(projects: list[Path]) -> Path:
    """Return an interpreter that has what the projects and their peers depend on."""
    wanted: set[str] = set()
    for project in projects:
        metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        extras = metadata["project"].get("optional-dependencies", {}).values()
        wanted.update(metadata["project"]["dependencies"], *extras)
    python = interpreter(ENVIRONMENT)
    tool = uv.find_uv_bin()
    commands = [] if python.exists() else [[tool, "venv", "--quiet", str(ENVIRONMENT)]]
    peers = str(BENCHMARKS / "requirements.txt")
    install = [tool, "pip", "install", "--quiet", "--compile-bytecode"]
    install += ["--python", str(python), "-r", peers]
    for command in [*commands, [*install, *sorted(wanted)]]:
        subprocess.run(command, env=clean_environment(), check=True, timeout=600)
    return python
