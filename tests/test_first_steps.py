"""The first commands of a newcomer, as the READMEs give them."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.baked import DEFAULT, ROOT, BakedProject, clean_environment, interpreter
from tests.servers.process import free_port
from tests.serving import in_production, served

pytestmark = pytest.mark.slow


def commands(readme: Path) -> list[str]:
    """The commands of the first screen: the indented lines."""
    return re.findall(r"^    (\S.*)$", readme.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_readme_renders_a_project(tmp_path: Path) -> None:
    """As written, in a clone next to which the project appears; without questions for once."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".git", ".venv", "*_cache"))
    render = next(line for line in commands(ROOT / "README.md") if "cookiecutter" in line)
    install, _, bake = render.partition(" && ")
    assert install == "pip install uv"

    result = subprocess.run(
        [*bake.split(), "--no-input"],
        cwd=clone,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "my-flask-app" / "pyproject.toml").is_file()
    assert result.stdout.splitlines()[-3:] == [
        "    cd my-flask-app",
        "    uv run pytest",
        "    uv run flask --app my_flask_app run",
    ]


def test_the_default_project_tests_itself_with_one_command(
    copy_of: Callable[[str], BakedProject],
) -> None:
    project = copy_of(DEFAULT)
    assert "uv run pytest" in commands(project.path / "README.md")

    output = project.run("uv", "run", "pytest", "-q")

    assert re.search(r"\d+ passed", output)
    assert not list(project.path.rglob("*.db"))


def test_the_default_project_starts_with_one_command(
    copy_of: Callable[[str], BakedProject],
) -> None:
    """Its database is made by the first start, and answers."""
    project = copy_of(DEFAULT)
    start = "uv run flask --app my_flask_app run"
    assert start in commands(project.path / "README.md")

    with served(project, *start.split(), "--port", "{port}", path="/readyz") as url:
        page = urllib.request.urlopen(f"{url}/login", timeout=5).read().decode()

    assert "My Flask App" in page


def test_the_project_installs_with_pip(
    copy_of: Callable[[str], BakedProject], tmp_path: Path
) -> None:
    """`pip install -e . --group dev` is standard: uv's pip understands it as well."""
    project = copy_of(DEFAULT)
    project.run("uv", "venv", "--seed", tmp_path / "venv")
    python = interpreter(tmp_path / "venv")

    project.run(python, "-m", "pip", "install", "-q", "-U", "pip")
    project.run(python, "-m", "pip", "install", "-q", "-e", ".", "--group", "dev")

    assert re.search(r"\d+ passed", project.run(python, "-m", "pytest", "-q"))


def test_production_starts_with_what_the_image_runs(
    copy_of: Callable[[str], BakedProject],
) -> None:
    with in_production(copy_of(DEFAULT)) as url:
        response = urllib.request.urlopen(f"{url}/login", timeout=5)

    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in response.headers


def test_a_bad_setting_ends_production_before_the_port_opens(
    copy_of: Callable[[str], BakedProject],
) -> None:
    project = copy_of(DEFAULT)
    (project.path / ".env").unlink()
    port = free_port()
    began = time.monotonic()

    result = project.attempt(
        *(project.python, "-m", "gunicorn", "--preload", f"--bind=127.0.0.1:{port}"),
        f"{project.package}:create_app()",
        SECRET_KEY="dev",
    )

    assert result.returncode == 1
    assert time.monotonic() - began < 10
    for name in ("SECRET_KEY", "EXTERNAL_URL", "DATABASE_URL"):
        assert name in result.stdout
    assert "Listening" not in result.stdout
    assert "Traceback" not in result.stdout
