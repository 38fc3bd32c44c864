"""A rendered project as the tests see it, and the matrix of all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import Any

from filelock import FileLock

from hooks.validation import package
from tests.servers import SERVERS

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
QUESTIONS: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
CHOICES: dict[str, list[str]] = {
    prompt: answers
    for prompt, answers in QUESTIONS.items()
    if isinstance(answers, list) and not prompt.startswith("_")
}

# Every combination of choices; the lifetimes take turns, beginning with the default.
COMBINATIONS: dict[str, dict[str, str]] = {
    "-".join(chosen): {**dict(zip(CHOICES, chosen, strict=True)), "session_lifetime": lifetime}
    for chosen, lifetime in zip(
        product(*CHOICES.values()), cycle(["7d", "30m", "4w", "12h", "400d"]), strict=False
    )
}
DEFAULT = next(iter(COMBINATIONS))
# A name that breaks files which take it for anything but text, and the longest package.
LONGEST_NAME = "hostile-name"
COMBINATIONS[LONGEST_NAME] = {
    "project_name": """Zoë O'Brien "Q" \\d <b> ''' \"\"\" %s {name} $HOME 😀""",
    "project_slug": "Zoe-O-Brien-and-her-very-long-name-for-a-package-2",
    **{prompt: answers[-1] for prompt, answers in CHOICES.items()},
}


def sample() -> list[str]:
    """A few combinations in which every answer occurs, for tests too slow for all of them."""
    longest = max(len(answers) for answers in CHOICES.values())
    return [
        "-".join(answers[row % len(answers)] for answers in CHOICES.values())
        for row in range(longest)
    ]


@dataclass(frozen=True)
class BakedProject:
    name: str  # of its combination
    path: Path
    python: Path  # an interpreter that has what all combinations depend on

    @property
    def answers(self) -> Mapping[str, str]:
        return COMBINATIONS[self.name]

    @property
    def package(self) -> str:
        return package(self.path.name)

    @property
    def files(self) -> list[Path]:
        """What was rendered, without what the hook made up or a tool left behind."""
        ours = {".env", "secrets", "__pycache__"}
        return sorted(
            path
            for path in self.path.rglob("*")
            if path.is_file() and not ours & set(path.relative_to(self.path).parts)
        )

    def texts(self) -> Iterator[tuple[str, str]]:
        """Relative path and text of every file that is text."""
        for path in self.files:
            try:
                text = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
            yield path.relative_to(self.path).as_posix(), text

    def run(self, *command: str | Path, **environment: str) -> str:
        """Run a command in the project; its output, if it succeeds."""
        result = self.attempt(*command, **environment)
        assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout}"
        return result.stdout

    def attempt(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env=clean_environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )

    def pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The project's own tests; without URLs of servers they use fakes."""
        command = [str(self.python), "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        return self.attempt(*command, **environment)


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what would configure the project or its tools."""
    urls = {server.variable for server in SERVERS.values()}
    ours = {"APP_ENV", "SECRET_KEY", "VIRTUAL_ENV", *urls}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(("FLASK_", "PYTEST_", "SESSION_", "COV_"))
    }
    scripts = sysconfig.get_path("scripts")
    return kept | {
        "PATH": os.pathsep.join([scripts, kept.get("PATH", os.defpath)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def interpreter(environment: Path) -> Path:
    """The Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder once a run, whichever of pytest-xdist's workers needs it first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_name(folder.name + ".unfinished")
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def cookiecutter(*arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it; `typed` are the lines of answers to its prompts."""
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(ROOT), *arguments],
        env=clean_environment(PYTHONIOENCODING="utf-8"),
        input=typed or "",
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=60,
        check=False,
    )
