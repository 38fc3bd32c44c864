"""The races of rendered projects, on the real server of each backend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.added import WEAKENED, add_tests, check_types
from tests.baked import BakedProject, sample
from tests.mutation.test_mutation import TESTS_FAILED, combination_for, weaken
from tests.servers import Servers

HERE = Path(__file__).parent
FILES = [HERE / "interleaving.py", HERE / "session_interleavings.py"]
NAME = "tests/test_session_interleavings.py"

pytestmark = pytest.mark.slow


def test_the_races_are_typed(copy_of: Callable[[str], BakedProject], shared: Path) -> None:
    check_types(add_tests(copy_of(sample()[0]), *FILES), shared)


@pytest.mark.parametrize("name", sample())
def test_no_order_of_two_requests_does_harm(
    name: str, copy_of: Callable[[str], BakedProject], servers: Servers
) -> None:
    project = add_tests(copy_of(name), *FILES)

    environment = servers.environment(project.answers["session_backend"])
    result = project.pytest("-q", NAME, **environment)

    assert result.returncode == 0, result.stdout[-10_000:]


TABS = "test_two_tabs_keep_both_writes"
SIGN_INS = "test_of_parallel_sign_ins_as_many_stay_as_may[2-1]"
ENDED = "test_what_has_ended_stays_so"
BY_HAND = f"{ENDED}[move-sign-out with a message]"


@pytest.mark.parametrize(
    ("rule", "test"),
    {
        "a conflicting write is put on top of the other one": TABS,
        "rotation takes the old record": f"{ENDED}[read-sign-out with a message]",
        "rotation of a session that is gone stops": f"{ENDED}[move-sign-out]",
        "a rotation that stops leaves nothing behind": f"{ENDED}[move-sign-out]",
        "a sign-out ends what was moved meanwhile": f"{ENDED}[move-sign-out]",
        "a sign-out by hand ends what was moved meanwhile": BY_HAND,
        "a write to a session that is gone stops": f"{ENDED}[write-sign-out]",
        "a sign-out follows a session that was just moved": f"{ENDED}[move-sign-out]",
        "a move leaves a signpost": f"{ENDED}[move-sign-out]",
        "a late request does not overwrite the cookie of a move": (
            "test_a_move_leaves_one_session[write]"
        ),
        "at most so many sessions a user": SIGN_INS,
        "database: update compares the version": TABS,
        "redis: update compares the version": TABS,
        "redis: take compares the version": BY_HAND,
        "mongodb: take compares the version": BY_HAND,
        "filesystem: take compares the version": BY_HAND,
    }.items(),
)
def test_the_races_notice_that_a_rule_is_gone(
    rule: str, test: str, baked: Callable[[str], Path], copy_of: Callable[[str], BakedProject]
) -> None:
    protection = WEAKENED[rule]
    project = add_tests(copy_of(combination_for(protection, baked)), *FILES)
    weaken(project.path, project.package, protection)

    result = project.pytest("-q", f"{NAME}::{test}")

    assert result.returncode == TESTS_FAILED, result.stdout[-3000:]
