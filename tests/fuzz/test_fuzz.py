"""A hundred thousand hostile cookies for each backend, on its real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.added import WEAKENED, add_tests, check_types
from tests.baked import BakedProject, sample
from tests.mutation.protections.protection import RECORD, Protection
from tests.mutation.test_mutation import TESTS_FAILED, weaken
from tests.servers import Servers

FUZZ = Path(__file__).with_name("session_fuzz.py")
NAME = "tests/test_session_fuzz.py"

pytestmark = pytest.mark.slow


def test_the_fuzz_is_typed(copy_of: Callable[[str], BakedProject], shared: Path) -> None:
    check_types(add_tests(copy_of(sample()[0]), FUZZ), shared)


@pytest.mark.parametrize("name", sample())
def test_no_cookie_is_answered_but_the_right_one(
    name: str, copy_of: Callable[[str], BakedProject], servers: Servers
) -> None:
    project = add_tests(copy_of(name), FUZZ)

    environment = servers.environment(project.answers["session_backend"])
    result = project.pytest("-q", NAME, **environment)

    assert result.returncode == 0, result.stdout[-10_000:]


@pytest.mark.parametrize(
    "protection",
    [
        WEAKENED["a token is well-formed before the store sees it"],
        Protection("a token ends where it ends", RECORD, "TOKEN.fullmatch(", "TOKEN.match("),
        Protection("a token has no other letters", RECORD, "[A-Za-z0-9_-]{43}", r"[\w-]{43}"),
    ],
    ids=lambda protection: protection.id,
)
def test_the_fuzz_notices_that_a_check_is_gone(
    protection: Protection, copy_of: Callable[[str], BakedProject]
) -> None:
    project = add_tests(copy_of(sample()[0]), FUZZ)
    weaken(project.path, project.package, protection)

    result = project.pytest("-q", NAME)

    assert result.returncode == TESTS_FAILED, result.stdout[-3000:]
