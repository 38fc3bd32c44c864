"""A primary that is killed under load: errors for some seconds, and nothing worse."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.baked import BakedProject
from tests.failover.failover import LOAD, VICTIMS, fail_over

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("servers", VICTIMS)
def test_users_see_errors_for_some_seconds_and_nothing_worse(
    servers: str, copy_of: Callable[[str], BakedProject]
) -> None:
    figures = fail_over(copy_of("redis-api"), servers)

    assert figures["errors before"] == {}
    assert set(figures["statuses"]) == {"200", "503"}
    assert figures["slowest answer"] < 3
    assert figures["seconds until the last error"] < 30
    assert figures["wrong users"] == 0
    assert (figures["sessions from before"], figures["of them lost"]) == (60, 0)
    assert figures["sign-outs"] > 0
    assert figures["sign-outs undone"] == 0


def test_the_load_is_typed(copy_of: Callable[[str], BakedProject], shared: Path) -> None:
    project = copy_of("redis-api")
    shutil.copy(LOAD, project.path / "tests" / "test_session_load.py")
    with FileLock(shared / "mypy.lock"):
        project.run(project.python, "-m", "mypy", "--cache-dir", shared / "mypy", "tests")
