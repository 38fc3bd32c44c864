"""Every combination of answers: the rendered files are clean, valid, and nobody needs to fix them.

Each test takes `project`, so it runs for every combination (see conftest.py).
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from filelock import FileLock

from hooks.validation import check
from tests.baked import CHOICES, COMBINATIONS, LONGEST_NAME, QUESTIONS, BakedProject
from tests.conftest import Bake
from tests.servers import Servers, needed_by

ONLY_HERE = {"deptry", "hypothesis", "requirements", "sortedcontainers", "tomli"}  # of our fixture
COPIED = {".html", ".css", ".js", ".svg"}
# What gives away an answer that was not chosen, where its own name is too common a word for that.
MENTIONS = {
    "database": r"sessions that live in the application's database",
    "redis": r"redis|valkey",
    "filesystem": r"\bfilesystem\b|SESSION_DIR|fcntl",
    "mongodb": r"mongo|\bbson\b",
    "memcached": r"memcache|session_index",
    "dynamodb": r"dynamo|boto|\bmoto\b|\baws\b",
    "signed-cookie": r"signed.cookie|CookieStore|itsdangerous|SessionTooLarge",
    "password": r"wtforms|<form",
    "api": r"/api/|problem\+json",
}
PARTS = {  # of options/shared/
    "rows": r"0002_sessions|create_table\(\s*.sessions|DatabaseStore",
    "json-records": r"\bas_json\b",
}


def test_python_is_clean(project: BakedProject) -> None:
    project.run(project.python, "-m", "ruff", "check", "--no-cache")
    project.run(project.python, "-m", "ruff", "format", "--check", "--no-cache")


@pytest.mark.parametrize("combination", [name for name in COMBINATIONS if name != LONGEST_NAME])
def test_python_is_clean_with_the_longest_name_too(combination: str, bake: Bake) -> None:
    """Of a package: an import that fits `my_flask_app` may be too long for another one."""
    slug = COMBINATIONS[LONGEST_NAME]["project_slug"]
    path = bake(**COMBINATIONS[combination], project_slug=slug)
    project = BakedProject(combination, path, Path(sys.executable))
    project.run("ruff", "check", "--no-cache")
    project.run("ruff", "format", "--check", "--no-cache")


def test_types_are_strict_and_right(project: BakedProject, shared: Path) -> None:
    configuration = tomllib.loads((project.path / "pyproject.toml").read_text(encoding="utf-8"))
    assert configuration["tool"]["mypy"]["strict"] is True
    # The combinations share what mypy learned of the dependencies, one at a time.
    with FileLock(shared / "mypy.lock"):
        project.run(project.python, "-m", "mypy", "--cache-dir", shared / "mypy")


def test_whitespace_is_clean(project: BakedProject) -> None:
    for name, text in project.texts():
        assert "\r" not in text, name
        assert "\t" not in text, name
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), name
        assert text.endswith("\n") or not text, name
        assert not text.endswith("\n\n"), name
        assert not text.startswith("\n"), name
        if ".py" in name:  # PEP 8 wants two between functions
            assert "\n\n\n\n" not in text, name
        else:
            prose = re.sub(r"^```python$.*?^```$", "code", text, flags=re.MULTILINE | re.DOTALL)
            assert "\n\n\n" not in prose, name


def test_nothing_of_the_template_is_left_over(project: BakedProject) -> None:
    for name, text in project.texts():
        assert "cookiecutter" not in name
        assert "{{" not in name
        if name.endswith(".py"):
            # `{{` is how an f-string writes a brace
            assert not re.search(r"\{\{ |\{%|cookiecutter", text), name
        elif Path(name).suffix not in COPIED:
            rest = re.sub(r"\$\{\{ [\w.\- ]+ \}\}", "", text)  # GitHub's own expressions
            assert not re.search(r"\{\{|\{%|\{#|cookiecutter", rest), name


def test_no_other_answer_is_mentioned(project: BakedProject) -> None:
    others = {
        answer
        for prompt, answers in CHOICES.items()
        for answer in answers
        if answer != project.answers[prompt]
    }
    taken = {part for prompt in CHOICES for part in QUESTIONS["_shared"][project.answers[prompt]]}
    for answer in [*others, *(PARTS.keys() - taken)]:
        mentions = (MENTIONS | PARTS).get(answer, rf"\b{re.escape(answer)}\b")
        pattern = re.compile(mentions, re.IGNORECASE)
        for name, text in project.texts():
            assert not pattern.search(name), name
            found = pattern.search(text)
            assert not found, f"{name}: {found}"


def test_files_parse(project: BakedProject) -> None:
    readers: dict[str, Callable[[str], Any]] = {
        ".toml": tomllib.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
        ".json": json.loads,
        ".py": ast.parse,
    }
    read = 0
    for name, text in project.texts():
        if reader := readers.get(Path(name).suffix):
            reader(text)
            read += 1
    assert read > 10


def test_every_package_folder_is_a_package(project: BakedProject) -> None:
    for path in project.files:
        if path.suffix == ".py" and project.package in path.relative_to(project.path).parts[:1]:
            assert (path.parent / "__init__.py").is_file(), path


def test_dependencies_are_what_is_imported(project: BakedProject) -> None:
    """None missing, none unused; the ignored ones are parts of Flask, and SQLAlchemy's driver."""
    project.run(
        *(project.python, "-m", "deptry", ".", "--known-first-party", project.package),
        *("--per-rule-ignores", "DEP002=pymysql,DEP003=werkzeug|click|jinja2|markupsafe"),
    )


def test_compose_file_is_valid(project: BakedProject) -> None:
    project.run("docker-compose", "-f", "compose.yaml", "config", "--quiet")


@pytest.mark.slow
def test_compose_file_is_hardened(project: BakedProject, shared: Path) -> None:
    """compose-lint (OWASP, CIS) wants another PyYAML than ours: uv gives it a place of its own."""
    with FileLock(shared / "compose-lint.lock"):
        project.run("uv", "tool", "run", "compose-lint", "compose.yaml")


def test_stack_is_confined(project: BakedProject) -> None:
    """What compose-lint does not ask: every service is limited, and sees its own secrets only."""
    text = (project.path / "compose.yaml").read_text(encoding="utf-8")
    stack = yaml.safe_load(text)
    services = stack["services"]

    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert {"pids_limit", "mem_limit", "cpus", "logging", "healthcheck"} - service.keys() <= (
            {"healthcheck"} if "build" in service else set()  # the image's own
        ), name
        assert "build" in service or service["user"] not in ("0", "root"), name
        assert ("ports" in service) == ("front" in service["networks"]) == (name == "web")
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert stack["networks"]["stores"] == {"internal": True}
    assert "trust" not in services["database"]["environment"]["POSTGRES_INITDB_ARGS"]

    used = {secret for service in services.values() for secret in service.get("secrets", [])}
    examples = {path.name for path in (project.path / "secrets.example").iterdir()}
    assert used == {*stack["secrets"]} == examples
    assert stack["secrets"] == {name: {"file": f"secrets/{name}"} for name in used}


def test_image_can_be_built_from_a_clone_that_is_private(project: BakedProject) -> None:
    """Under umask 077 files belong to their owner alone; the image's user is another one."""
    lines = (project.path / "Dockerfile").read_text(encoding="utf-8").splitlines()
    final = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM ")) :]
    sources = [line for line in final if line.startswith("COPY ") and "--from=" not in line]

    assert len(sources) == 2
    assert all(line.startswith("COPY --chmod=755 ") for line in sources)


def test_dockerfile_is_clean(project: BakedProject) -> None:
    project.run("hadolint", "Dockerfile")


def test_workflows_are_clean(project: BakedProject) -> None:
    workflows = sorted((project.path / ".github/workflows").iterdir())
    assert workflows
    project.run("zizmor", "--offline", "--no-progress", ".")
    project.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    dependabot = project.path / ".github/dependabot.yml"
    project.run("check-jsonschema", "--builtin-schema", "vendor.dependabot", dependabot)


def test_the_lifetime_that_was_chosen_is_the_default(project: BakedProject) -> None:
    chosen = project.answers.get("session_lifetime", "7d")
    example = (project.path / ".env.example").read_text(encoding="utf-8")

    assert re.search(rf"^#?SESSION_LIFETIME={chosen}$", example, re.MULTILINE)


def passed(output: str) -> int:
    """How many tests pytest says have passed; none of them may have failed or been skipped."""
    last = output.strip().splitlines()[-1]
    assert not re.search(r"failed|error|skipped|xfailed|xpassed", last), output[-5000:]
    match = re.search(r"(\d+) passed", last)
    assert match, output[-5000:]
    return int(match[1])


@pytest.mark.slow
def test_its_own_tests_pass_without_servers(
    project: BakedProject, copy_of: Callable[[str], BakedProject]
) -> None:
    result = copy_of(project.name).pytest("-q")

    assert result.returncode == 0, result.stdout[-5000:]
    assert passed(result.stdout) >= 60


@pytest.mark.slow
def test_its_own_tests_pass_on_real_servers(
    project: BakedProject, copy_of: Callable[[str], BakedProject], servers: Servers
) -> None:
    backend = project.answers["session_backend"]
    before = servers.work_done(backend)

    result = copy_of(project.name).pytest("-q", **servers.environment(backend))

    assert result.returncode == 0, result.stdout[-5000:]
    assert passed(result.stdout) >= 60
    after = servers.work_done(backend)
    for name in needed_by(backend):
        assert after[name] > before[name] + 60
    assert servers.leftovers(backend) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["database-password", "database-api"])
def test_sessions_in_mariadb(
    name: str, copy_of: Callable[[str], BakedProject], servers: Servers
) -> None:
    before = servers.work_done("database", "mariadb")

    result = copy_of(name).pytest("-q", **servers.environment("database", "mariadb"))

    assert result.returncode == 0, result.stdout[-5000:]
    assert passed(result.stdout) >= 60
    assert servers.work_done("database", "mariadb")["mariadb"] > before["mariadb"] + 60
    assert servers.leftovers("database", "mariadb") == []


def test_no_package_can_hide_what_the_projects_import(python: Path) -> None:
    """Every name that can be imported from a project's environment is refused as a slug."""
    listing = (
        "import importlib.metadata as m, json; print(json.dumps([*m.packages_distributions()]))"
    )
    environment = BakedProject("", python.parent, python)
    names = json.loads(environment.run(python, "-c", listing))

    assert {"flask", "psycopg", "zxcvbn"} <= set(names)
    for name in {*names} - ONLY_HERE:
        if name.isidentifier() and re.match("[a-z]", name) and not name.endswith("__mypyc"):
            with pytest.raises(FailedHookException):
                check(name.replace("_", "-"), "project_slug", "slug")


@pytest.mark.slow
def test_the_wheel_has_the_package_and_no_secret(project: BakedProject, tmp_path: Path) -> None:
    """What `pip install .` installs: the package with its pages."""
    project.run("uv", "build", "--wheel", "--quiet", "--out-dir", tmp_path, ".")

    (wheel,) = tmp_path.glob("*.whl")
    names = set(project.run(project.python, "-m", "zipfile", "-l", wheel).split())
    for path in project.files:
        relative = path.relative_to(project.path)
        if relative.parts[0] == project.package:
            assert relative.as_posix() in names
    assert not [name for name in names if ".env" in name or "secret_key" in name]
