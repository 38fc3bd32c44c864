"""`cruft create` and `cruft update`: a project follows its template, and keeps its secrets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.baked import ROOT, clean_environment
from tests.test_generator import secret_values

pytestmark = pytest.mark.timeout(120)


def run(folder: Path, *command: str) -> str:
    identity = {
        f"GIT_{who}_{what}": "t@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    result = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(**identity),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def commit(folder: Path) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "A change")


def cruft(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "cruft", *arguments)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """This template as it stands in the work tree, in a repository of the test's own."""
    folder = tmp_path / "template"
    folder.mkdir()
    listed = run(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    run(folder, "git", "init", "--quiet")
    commit(folder)
    return folder


@pytest.fixture
def created(template: Path, tmp_path: Path) -> Path:
    cruft(
        tmp_path,
        "create",
        "--no-input",
        "--extra-context",
        '{"project_name": "{{ 7*7 }} é"}',
        str(template),
    )
    project = tmp_path / "my-7-7-e"
    run(project, "git", "init", "--quiet")
    commit(project)
    return project


def change(template: Path, name: str, old: str, new: str) -> None:
    path = template / "{{cookiecutter.project_slug}}" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")


def test_create_and_update_stay_clean(template: Path, created: Path) -> None:
    before = {name: (created / name).read_bytes() for name in (".env", "pyproject.toml")}
    secrets = secret_values(created)
    assert not [value for value in secrets if value in (created / ".cruft.json").read_text()]
    # The team's own work: a new file, and a line of its own in one of the template's.
    (created / "notes.md").write_text("Ours\n")
    (created / "README.md").write_bytes((created / "README.md").read_bytes() + b"\nOurs\n")
    commit(created)
    # The template's: a new version of one file, a new file, and a check of a new name.
    change(template, "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    (template / "{{cookiecutter.project_slug}}" / "NEWS.md").write_text(
        "{{ cookiecutter.__package }}\n"
    )
    questions = (template / "cookiecutter.json").read_text()
    new = questions.replace(
        "check('session_lifetime', 'lifetime')", "check('session_lifetime', 'tomorrow')"
    )
    assert new != questions
    (template / "cookiecutter.json").write_text(new)
    commit(template)

    cruft(created, "update", "--skip-apply-ask")

    changed = run(created, "git", "status", "--porcelain").splitlines()
    assert sorted(line[3:] for line in changed) == [".cruft.json", "NEWS.md", "pyproject.toml"]
    assert not list(created.rglob("*.rej"))
    assert (created / "NEWS.md").read_text() == "my_7_7_e\n"
    assert (created / "README.md").read_text(encoding="utf-8").endswith("\nOurs\n")
    assert (created / "pyproject.toml").read_bytes() == before["pyproject.toml"].replace(
        b'"0.1.0"', b'"0.2.0"'
    )
    assert (created / ".env").read_bytes() == before[".env"]
    assert secret_values(created) == secrets
    assert "{{ 7*7 }}" in (created / ".cruft.json").read_text()

    commit(created)
    cruft(created, "check")


def test_a_team_mates_clone_has_no_secrets_and_updates_all_the_same(
    template: Path, created: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", str(created), str(clone))
    assert not (clone / ".env").exists()
    change(template, "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    commit(template)

    cruft(clone, "update", "--skip-apply-ask")

    changed = run(clone, "git", "status", "--porcelain").splitlines()
    assert sorted(line[3:] for line in changed) == [".cruft.json", "pyproject.toml"]
    assert not (clone / ".env").exists()
    assert not (clone / "secrets").exists()
