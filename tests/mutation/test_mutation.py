"""Removing a protection turns the project's own tests red.

Every entry of protections/ is taken away from a baked project, one at a time. Its tests must
then fail: not pass, and not end for another reason, such as a file that no longer imports.

noticed.json says which test was the first to notice, and that one is asked alone before all others
are. It saves time and decides nothing: whoever is not noticed there is not yet unnoticed.
`NOTE_WHAT_NOTICES=1 uv run pytest tests/mutation` writes it anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from hooks.validation import package
from tests.baked import CHOICES, COMBINATIONS, BakedProject, sample
from tests.mutation.protections import PROTECTIONS
from tests.mutation.protections.protection import Protection
from tests.servers import Servers

TESTS_FAILED = 1  # pytest's exit status; 0 is all passed, 2 and more is no proper run
NOTICED = Path(__file__).with_name("noticed.json")

pytestmark = pytest.mark.slow


def weaken(project: Path, name: str, protection: Protection) -> None:
    """Take the protection away."""
    path = project / protection.file.format(package=name)
    text = path.read_text(encoding="utf-8")
    found = text.count(protection.find)
    assert found == 1, f"{protection.file} has the text of {protection.id!r} {found} times"
    path.write_text(text.replace(protection.find, protection.replace), encoding="utf-8")


def combination_for(protection: Protection, baked: Callable[[str], Path]) -> str:
    """The combination in which this protection is taken away: they take turns."""
    names = [
        name
        for name in protection.combinations or sample()
        if (baked(name) / protection.file.format(package=package(baked(name).name))).is_file()
    ]
    assert names, f"no combination of the sample has {protection.file}"
    return names[PROTECTIONS.index(protection) % len(names)]


def likely_first(project: Path, protection: Protection) -> list[str]:
    """All files of tests, those first whose names say that they may notice."""
    words = set(re.findall(r"[a-z]+", f"{protection.id} {protection.file}"))
    words |= {word.removesuffix("s") for word in words}
    words |= {"sign"} if "auth" in words else set()

    def likelihood(path: Path) -> int:
        return len(words & set(path.stem.split("_")))

    paths = sorted((project / "tests").glob("test_*.py"))
    paths.sort(key=likelihood, reverse=True)
    return [path.relative_to(project).as_posix() for path in paths]


def noticed() -> dict[str, str]:
    """The test that was the first to notice, by the protection's id."""
    if not NOTICED.exists():
        return {}
    found: dict[str, str] = json.loads(NOTICED.read_text(encoding="utf-8"))
    return found


def note(protection: Protection, output: str) -> None:
    """Remember the test that failed, without its parameters."""
    match = re.search(r"^(?:FAILED|ERROR) (tests/[\w./]+::\w+)", output, re.MULTILINE)
    assert match, output[-3000:]
    with FileLock(f"{NOTICED}.lock"):
        text = json.dumps({**noticed(), protection.id: match[1]}, indent=1, sort_keys=True)
        NOTICED.write_text(text + "\n", encoding="utf-8")


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda protection: protection.id)
def test_without_this_protection_the_tests_are_red(
    protection: Protection,
    baked: Callable[[str], Path],
    copy_of: Callable[[str], BakedProject],
    servers: Servers,
) -> None:
    project = copy_of(combination_for(protection, baked))
    weaken(project.path, project.package, protection)
    url = {"DATABASE_URL": servers.url(protection.database)} if protection.database else {}
    if (first := noticed().get(protection.id)) and "NOTE_WHAT_NOTICES" not in os.environ:
        result = project.pytest("-q", "-x", first, **url)
        if result.returncode == TESTS_FAILED:
            return
    result = project.pytest("-q", "-x", *likely_first(project.path, protection), **url)
    assert result.returncode == TESTS_FAILED, result.stdout[-3000:]
    if "NOTE_WHAT_NOTICES" in os.environ:
        note(protection, result.stdout)


def test_every_protection_has_a_name_of_its_own() -> None:
    names = [protection.id for protection in PROTECTIONS]

    assert len(names) == len(set(names))


def test_the_sample_has_every_answer() -> None:
    used = {answer for name in sample() for answer in COMBINATIONS[name].values()}

    assert {answer for answers in CHOICES.values() for answer in answers} <= used
