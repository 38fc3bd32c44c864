"""What a bake leaves behind: files, modes, secrets, messages; and what it leaves alone."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from hooks.validation import package
from tests.baked import (
    CHOICES,
    COMBINATIONS,
    DEFAULT,
    QUESTIONS,
    ROOT,
    TEMPLATE,
    BakedProject,
    clean_environment,
    cookiecutter,
)
from tests.conftest import Bake

PACKAGE = "{{cookiecutter.__package}}"
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


def tree(project: Path) -> dict[str, bytes]:
    """Every file that the same answers give alike: all but the secrets."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and path.name != ".env" and "secrets" not in path.parts
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def secret_values(project: Path) -> set[str]:
    texts = [(project / ".env").read_text()]
    texts += [path.read_text() for path in (project / "secrets").iterdir()]
    return set(re.findall(r"[0-9a-f]{64}", "\n".join(texts)))


@pytest.mark.parametrize("prompt", CHOICES)
def test_every_choice_has_a_folder_and_every_folder_is_a_choice(prompt: str) -> None:
    folders = {path.name for path in (TEMPLATE / "options" / prompt).iterdir()}

    assert folders == set(CHOICES[prompt])


def test_every_shared_part_is_used_by_some_answer() -> None:
    used = {part for parts in QUESTIONS["_shared"].values() for part in parts}

    assert {path.name for path in (TEMPLATE / "options" / "shared").iterdir()} == used
    assert set(QUESTIONS["_shared"]) == {*CHOICES["session_backend"], *CHOICES["auth_style"]}
    assert {path.name for path in (TEMPLATE / "options").iterdir()} == {*CHOICES, "shared"}


def test_no_two_layers_of_a_combination_bring_the_same_file() -> None:
    """An answer adds to the project, it does not paint over what another one brought."""
    for answers in COMBINATIONS.values():
        options = TEMPLATE / "options"
        layers = [TEMPLATE]
        for prompt in ("session_backend", "auth_style"):
            layers += [options / prompt / answers[prompt]]
            layers += [options / "shared" / part for part in QUESTIONS["_shared"][answers[prompt]]]
        seen: set[Path] = set()
        for layer in layers:
            files = {
                path.relative_to(layer)
                for path in layer.rglob("*")
                if path.is_file() and "__pycache__" not in path.parts
            }
            assert not files & seen
            seen |= files


def test_every_answer_to_a_prompt_supplies_the_same_modules() -> None:
    for prompt, module in (
        ("session_backend", "sessions/store.py"),
        ("auth_style", "auth/style.py"),
    ):
        for answer in CHOICES[prompt]:
            assert (TEMPLATE / "options" / prompt / answer / PACKAGE / module).is_file()


def test_the_options_folder_is_gone(project: BakedProject) -> None:
    assert not (project.path / "options").exists()


def test_the_hook_names_no_file_of_the_project() -> None:
    hook = (ROOT / "hooks/post_gen_project.py").read_text(encoding="utf-8")
    names = {path.name for path in TEMPLATE.rglob("*") if path.is_file()} - {".env.example"}

    assert not [
        name for name in names if re.search(rf"\b{re.escape(name)}\b", hook) and "." in name
    ]


def test_the_env_file_is_the_example_with_a_fresh_key(bake: Bake) -> None:
    first, second = bake(), bake()

    for project in (first, second):
        example = (project / ".env.example").read_text(encoding="utf-8").splitlines()
        written = (project / ".env").read_text(encoding="utf-8").splitlines()
        ((before, after),) = [
            pair for pair in zip(example, written, strict=True) if pair[0] != pair[1]
        ]
        assert before == "SECRET_KEY="
        assert re.fullmatch(r"SECRET_KEY=[0-9a-f]{64}", after)
        assert "APP_ENV=development" in written
    assert not secret_values(first) & secret_values(second)


def test_every_placeholder_of_a_secret_is_filled_once_and_alike(bake: Bake) -> None:
    for backend in CHOICES["session_backend"]:
        project = bake(session_backend=backend)
        values: dict[str, str] = {}
        examples = sorted((project / "secrets.example").iterdir())
        assert examples
        written_names = sorted(path.name for path in (project / "secrets").iterdir())
        assert [path.name for path in examples] == written_names
        for example in examples:
            text = example.read_text(encoding="utf-8")
            written = (project / "secrets" / example.name).read_text(encoding="utf-8")
            names = re.findall(r"\$\{(\w+)\}", text)
            assert names, example
            pattern = re.sub(r"\\\$\\\{\w+\\\}", "([0-9a-f]{64})", re.escape(text))
            match = re.fullmatch(pattern, written)
            assert match, example
            for name, value in zip(names, match.groups(), strict=True):
                assert values.setdefault(name, value) == value
        assert len(set(values.values())) == len(values)


@POSIX
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_modes(tmp_path: Path, umask: int) -> None:
    """The owner alone reads .env; secrets are closed by their folder, since the containers' users
    must read the mounted files."""
    result = subprocess.run(
        [sys.executable, "-m", "cookiecutter", "--no-input", "-o", tmp_path, ROOT],
        env=clean_environment(),
        check=True,
        capture_output=True,
        umask=umask,
    )
    project = tmp_path / "my-flask-app"

    assert result.returncode == 0
    assert mode(project / ".env") == 0o600
    assert mode(project / "secrets") == 0o700
    assert {mode(path) for path in (project / "secrets").iterdir()} == {0o644}


def test_what_exists_is_never_overwritten(bake: Bake) -> None:
    project = bake()
    (project / ".env").write_text("SECRET_KEY=mine\n")
    shutil.rmtree(project / "secrets")
    (project / "secrets").mkdir()
    (project / "secrets" / "secret_key").write_text("mine\n")

    again = cookiecutter("--no-input", "--overwrite-if-exists", "-o", str(project.parent))

    assert again.returncode == 0, again.stderr
    assert (project / ".env").read_text() == "SECRET_KEY=mine\n"
    assert [path.name for path in (project / "secrets").iterdir()] == ["secret_key"]
    assert (project / "secrets" / "secret_key").read_text() == "mine\n"


@POSIX
def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    project = tmp_path / "my-flask-app"
    project.mkdir()
    (project / ".env").symlink_to(tmp_path / "elsewhere")

    again = cookiecutter("--no-input", "--overwrite-if-exists", "-o", str(tmp_path))

    assert again.returncode == 0, again.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_no_secret_is_in_the_replay_file(answers_file: Callable[..., Path], tmp_path: Path) -> None:
    configuration = answers_file()
    result = cookiecutter(
        "--no-input", "--config-file", str(configuration), "-o", str(tmp_path), "auth_style=api"
    )

    assert result.returncode == 0, result.stderr
    replay = "".join(path.read_text() for path in (tmp_path / "replay").iterdir())
    values = secret_values(tmp_path / "my-flask-app")
    assert "my-flask-app" in replay
    assert len(values) >= 4
    assert not [value for value in values if value in replay]


def test_a_replay_gives_the_same_project(answers_file: Callable[..., Path], tmp_path: Path) -> None:
    configuration = str(answers_file(project_name="{{ 7*7 }}", session_lifetime="12h"))
    for folder, option in (("first", "--no-input"), ("second", "--replay")):
        out = tmp_path / folder
        result = cookiecutter(option, "--config-file", configuration, "-o", str(out))
        assert result.returncode == 0, result.stderr

    assert tree(tmp_path / "first/my-7-7") == tree(tmp_path / "second/my-7-7")


def test_the_same_answers_give_the_same_bytes(bake: Bake) -> None:
    for backend in CHOICES["session_backend"]:
        first, second = (tree(bake(session_backend=backend)) for _ in range(2))
        assert first == second


def test_git_does_not_take_the_secrets(copy_of: Callable[[str], BakedProject]) -> None:
    project = copy_of(DEFAULT)
    project.run("git", "init", "--quiet")
    project.run("git", "add", "--all")

    tracked = project.run("git", "ls-files").splitlines()
    assert ".env.example" in tracked
    assert not [name for name in tracked if name == ".env" or name.startswith("secrets/")]
    staged = project.run("git", "diff", "--cached")
    assert not [value for value in secret_values(project.path) if value in staged]


def test_docker_does_not_take_the_secrets(project: BakedProject) -> None:
    """The build context starts empty, and nothing lets the secrets back in."""
    lines = (project.path / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert not [
        rule for rule in rules if rule.startswith("!") and re.search("env|secret|[*]", rule)
    ]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_closing_message_is_three_commands(tmp_path: Path, name: str) -> None:
    answers = [f"{prompt}={answer}" for prompt, answer in COMBINATIONS[name].items()]
    result = cookiecutter("--no-input", "-o", str(tmp_path), *answers)

    (project,) = tmp_path.iterdir()
    needs_a_server = COMBINATIONS[name]["session_backend"] in QUESTIONS["_needs_a_server"]
    assert result.stdout.splitlines() == [
        "Your project is ready. Next:",
        f"    cd {project.name}",
        "    uv run pytest",
        "    docker compose up --build"
        if needs_a_server
        else f"    uv run flask --app {package(project.name)} run",
    ]


def test_backends_that_need_a_server_are_choices() -> None:
    assert set(QUESTIONS["_needs_a_server"]) < set(CHOICES["session_backend"])


def test_what_is_copied_has_no_expression_of_ours() -> None:
    """A Jinja expression in a file that is copied would reach the project as it is."""
    for path in TEMPLATE.rglob("*"):
        if path.suffix in {".py", ".html", ".css", ".js", ".svg"}:
            assert "cookiecutter" not in path.read_text(encoding="utf-8"), path


def test_python_has_no_ladder_of_conditions() -> None:
    for path in TEMPLATE.rglob("*.py"):
        assert "{%" not in path.read_text(encoding="utf-8"), path


def test_tests_import_the_package_by_its_own_name(project: BakedProject) -> None:
    """In the template they import my_flask_app, since they are copied without rendering."""
    texts = [path.read_text(encoding="utf-8") for path in project.path.glob("tests/*.py")]
    assert any(f"from {project.package} import create_app" in text for text in texts)
    if project.package != "my_flask_app":
        assert not [text for text in texts if "my_flask_app" in text]


def test_no_two_blank_lines_stand_together() -> None:
    """Two empty lines in a row at a condition's edge are the commonest fault of templates."""
    for path in TEMPLATE.rglob("*"):
        if path.suffix in {".toml", ".yaml", ".yml"}:
            lines = path.read_text(encoding="utf-8").splitlines()
            assert not [pair for pair in pairwise(lines) if pair == ("", "")], path
