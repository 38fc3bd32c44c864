"""The session layer of rendered projects against a model, by random stories of many steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.added import WEAKENED, add_tests, check_types
from tests.baked import BakedProject, sample
from tests.mutation.test_mutation import TESTS_FAILED, weaken
from tests.servers import Servers

MODEL = Path(__file__).with_name("session_model.py")

pytestmark = pytest.mark.slow


@pytest.fixture
def with_model(copy_of: Callable[[str], BakedProject]) -> Callable[[str], BakedProject]:
    """A combination's project with the model among its tests."""

    def copy(name: str) -> BakedProject:
        return add_tests(copy_of(name), MODEL)

    return copy


def test_the_model_is_typed(with_model: Callable[[str], BakedProject], shared: Path) -> None:
    check_types(with_model(sample()[0]), shared)


@pytest.mark.parametrize("name", sample())
def test_sessions_are_what_the_model_says(
    name: str, with_model: Callable[[str], BakedProject], servers: Servers
) -> None:
    project = with_model(name)

    environment = servers.environment(project.answers["session_backend"])
    result = project.pytest("-q", "tests/test_session_model.py", **environment)

    assert result.returncode == 0, result.stdout[-10_000:]


@pytest.mark.parametrize(
    "rule",
    [
        "assigning user_id rotates",
        "a new identity drops what was loaded",
        "an expired session is nobody's",
        "rotation takes the old record",
        "re-authentication rotates",
        "a sign-out follows a session that was just moved",
        "a signpost points for a minute",
        "a late request does not overwrite the cookie of a move",
        "an emptied session is deleted",
        "at most so many sessions a user",
        "the oldest session goes",
        "the idle limit",
        "the absolute limit",
        "an anonymous session lives an hour",
        "the epoch is compared",
    ],
)
def test_the_model_notices_that_a_rule_is_gone(
    rule: str, with_model: Callable[[str], BakedProject]
) -> None:
    project = with_model(sample()[0])
    weaken(project.path, project.package, WEAKENED[rule])

    result = project.pytest("-q", "tests/test_session_model.py")

    assert result.returncode == TESTS_FAILED, result.stdout[-3000:]
