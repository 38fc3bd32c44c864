"""The command that compares speed works, for each answer; what it finds depends on the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.environment import all_places
from benchmarks.goals import Goal, goals
from tests.baked import CHOICES, ROOT, clean_environment


@pytest.mark.slow
def test_the_command_writes_a_table_and_a_chart(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--output", str(tmp_path)]

    result = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "left out" not in result.stdout
    table = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    for place in all_places():
        assert f"| {place} |" in table
        assert f"| {place}: untouched page / bare Flask |" in table
    picture = ElementTree.parse(tmp_path / "pictures" / "speed.svg").getroot()
    bars = [part for part in picture.iter() if part.tag.endswith("rect")]
    assert len(bars) > 2 * len(all_places())


def test_every_answer_has_a_place() -> None:
    assert set(all_places().values()) == set(CHOICES["session_backend"])


@pytest.mark.parametrize(
    ("name", "bound"),
    [("untouched page / bare Flask", 1.25), ("read / Flask-Session", 0.12)],
)
def test_goals_are_ratios_of_the_same_round(name: str, bound: float) -> None:
    pages = {
        # The machine was busy in the second round: only pairs can tell.
        "bare": [1.0, 10.0, 1.0],
        "untouched/sqlite/ours": [1.2, 12.0, 1.2],
        "read/sqlite/ours": [2.0, 20.0, 2.0],
        "read/sqlite/flask-session": [20.0, 200.0, 20.0],
    }

    found = {goal.what: goal for goal in goals({"pages": pages, "growth": {}})}

    goal = found[f"sqlite: {name}"]
    assert goal.bound == bound
    assert goal.is_reached


def test_a_goal_is_an_upper_or_a_lower_bound() -> None:
    assert Goal("", 1.0, 1.25).is_reached
    assert not Goal("", 1.3, 1.25).is_reached
    assert Goal("", 6.0, 5.0, at_least=True).is_reached
    assert not Goal("", 4.0, 5.0, at_least=True).is_reached
