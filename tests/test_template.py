"""The template repository itself: lint, types, and that its documents say what is true."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.baked import CHOICES, QUESTIONS, ROOT, clean_environment

PAGES = {"session_backend": "docs/backends.md", "auth_style": "docs/auth_style.md"}


def run(*command: str) -> None:
    result = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_python_is_clean() -> None:
    run("ruff", "check", "--no-cache")
    run("ruff", "format", "--check", "--no-cache")


def test_types_are_strict_and_right() -> None:
    run("mypy")


@pytest.mark.parametrize("prompt", [name for name in QUESTIONS if not name.startswith("_")])
def test_the_readme_explains_every_prompt_and_answer(prompt: str) -> None:
    readme = read("README.md")

    assert f"`{prompt}`" in readme
    for answer in CHOICES.get(prompt, [QUESTIONS[prompt]]):
        if "{{" not in answer:
            assert f"`{answer}`" in readme


def test_every_choice_has_its_page() -> None:
    for prompt, answers in CHOICES.items():
        page = read(PAGES[prompt])
        for answer in answers:
            assert f"**Take `{answer}`**" in page


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "uv run pytest" in re.findall(r"^    (.+)$", read("README.md"), re.MULTILINE)
    assert "uv run pytest" in read(".ci/run").splitlines()


def test_the_changelog_begins_with_this_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]

    headings = re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == version


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    assert documents
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"
