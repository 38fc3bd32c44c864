"""More tests for a rendered project: files of ours that are put among its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock

from tests.baked import BakedProject
from tests.mutation.protections import PROTECTIONS
from tests.mutation.protections.protection import Protection

WEAKENED: dict[str, Protection] = {protection.id: protection for protection in PROTECTIONS}


def add_tests(project: BakedProject, *files: Path) -> BakedProject:
    """Put files among the project's tests; those named `session_...` are tests themselves."""
    for file in files:
        prefix = "test_" if file.name.startswith("session_") else ""
        shutil.copy(file, project.path / "tests" / f"{prefix}{file.name}")
    return project


def check_types(project: BakedProject, shared: Path) -> None:
    """Hold what was added to the project's own rules for types, which are strict."""
    with FileLock(shared / "mypy.lock"):
        cache = shared / "mypy"
        project.run(project.python, "-m", "mypy", "--cache-dir", cache, "tests")
