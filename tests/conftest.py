from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uv

from tests.baked import (
    COMBINATIONS,
    ROOT,
    BakedProject,
    clean_environment,
    interpreter,
    once,
)
from tests.servers import Servers, running_servers

Bake = Callable[..., Path]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `project` is run for every combination."""
    if "project" in metafunc.fixturenames:
        metafunc.parametrize("project", COMBINATIONS, indirect=True)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all of pytest-xdist's workers see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def baked(cookies_session: Any, shared: Path) -> Callable[[str], Path]:
    """The pristine project of a combination, baked once a run. Copy it before you change it."""

    def bake(name: str) -> Path:
        def make(folder: Path) -> None:
            result = cookies_session.bake(COMBINATIONS[name], template=str(ROOT))
            assert result.exception is None, result.exception
            shutil.move(result.project_path, folder)

        (project,) = once(shared / "baked" / name, make).iterdir()
        return project

    return bake


@pytest.fixture(scope="session")
def python(baked: Callable[[str], Path], shared: Path) -> Path:
    """An interpreter with the dependencies of all combinations, and what looks into them."""

    def make(folder: Path) -> None:
        wanted = {"deptry", "hypothesis"}
        for name in COMBINATIONS:
            metadata = tomllib.loads((baked(name) / "pyproject.toml").read_text(encoding="utf-8"))
            groups = metadata["dependency-groups"]
            wanted.update(metadata["project"]["dependencies"], groups["dev"], groups["production"])
            wanted.update(*metadata["project"]["optional-dependencies"].values())
        tool = uv.find_uv_bin()
        environment = folder / "venv"
        # Compiled once, and not by each of the hundreds of processes that import it.
        install = [tool, "pip", "install", "--compile-bytecode", "--python", str(environment)]
        for command in (
            [tool, "venv", "--relocatable", str(environment)],
            [*install, *sorted(wanted)],
        ):
            subprocess.run(command, env=clean_environment(), check=True, timeout=600)

    return interpreter(once(shared / "environment", make) / "venv")


@pytest.fixture
def project(
    request: pytest.FixtureRequest, baked: Callable[[str], Path], python: Path
) -> BakedProject:
    return BakedProject(request.param, baked(request.param), python)


@pytest.fixture(scope="session")
def compiled(baked: Callable[[str], Path], python: Path, shared: Path) -> Callable[[str], Path]:
    """The same with its tests compiled by pytest, which takes longer than many a test of them."""

    def compile_once(name: str) -> Path:
        def make(folder: Path) -> None:
            pristine = baked(name)
            project = BakedProject(name, shutil.copytree(pristine, folder / pristine.name), python)
            result = project.pytest("-q", "--collect-only", PYTHONDONTWRITEBYTECODE="")
            assert result.returncode == 0, result.stdout

        (project,) = once(shared / "compiled" / name, make).iterdir()
        return project

    return compile_once


@pytest.fixture
def copy_of(
    compiled: Callable[[str], Path], python: Path, tmp_path: Path
) -> Callable[[str], BakedProject]:
    """A combination's project in a folder of the test's own."""

    def copy(name: str) -> BakedProject:
        original = compiled(name)
        path = shutil.copytree(original, tmp_path / name / original.name)
        return BakedProject(name, path, python)

    return copy


@pytest.fixture
def bake(cookies: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bake:
    """Bake with these answers, into a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def bake_now(**answers: str) -> Path:
        result = cookies.bake(answers, template=str(ROOT))
        if result.exception is not None:
            raise result.exception
        return Path(result.project_path)

    return bake_now


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Real servers of this worker's own, each started when a test first needs it."""
    with running_servers() as started:
        yield started


@pytest.fixture
def answers_file(tmp_path: Path) -> Callable[..., Path]:
    """A configuration of cookiecutter's whose replay folder is the test's own."""

    def write(**defaults: str) -> Path:
        path = tmp_path / "cookiecutter.yaml"
        configuration = {
            "replay_dir": str(tmp_path / "replay"),
            "cookiecutters_dir": str(tmp_path / "templates"),
            "default_context": defaults,
        }
        path.write_text(json.dumps(configuration), encoding="utf-8")
        return path

    return write
