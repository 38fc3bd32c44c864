"""Sessions in files, on a disk that is full, read-only or away, and next to a process that hangs.

A real disk of the test's own, under a project that runs as in production.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.baked import BakedProject
from tests.servers.disk import disk
from tests.serving import in_production
from tests.test_outages import (
    CREDENTIALS,
    LONGEST,
    NO_SESSION_NEEDED,
    SESSION_NEEDED,
    Answer,
    ask,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Site:
    url: str
    cookie: str
    folder: Path
    remount: Callable[..., None]

    def ask(self, path: str, form: dict[str, str] | None = None, cookie: str = "") -> Answer:
        answer = ask(self.url, path, form, cookie or self.cookie)
        assert answer.seconds < LONGEST
        return answer

    def signs_nobody_in(self) -> bool:
        answer = self.ask("/login", CREDENTIALS, cookie="none=1")
        assert (answer.cookie, answer.location) == (None, None)
        return answer.status == 503

    def signs_in(self) -> bool:
        answer = self.ask("/login", CREDENTIALS, cookie="none=1")
        return answer.status == 303 and bool(answer.cookie)


@pytest.fixture
def site(copy_of: Callable[[str], BakedProject], tmp_path: Path) -> Iterator[Site]:
    """A site with a signed-in user, whose sessions have a disk of their own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with ExitStack() as stack:
        remount = stack.enter_context(disk(folder))
        project = copy_of("filesystem-password")
        url = stack.enter_context(in_production(project, SESSION_DIR=str(folder)))
        assert ask(url, "/register", CREDENTIALS).status == 303
        cookie = ask(url, "/login", CREDENTIALS).cookie
        assert cookie
        yield Site(url, cookie.partition(";")[0], folder, remount)


def test_a_full_disk_signs_nobody_in_and_lets_everybody_out(site: Site) -> None:
    ballast = site.folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    assert site.signs_nobody_in()
    assert site.ask(SESSION_NEEDED).status == 200
    assert not list(site.folder.rglob("*.tmp"))
    assert site.ask("/logout", {}).status == 303
    assert site.ask(SESSION_NEEDED).status == 303
    ballast.unlink()
    assert site.signs_in()


def test_a_disk_that_is_read_only(site: Site) -> None:
    site.remount("remount", "ro")
    assert site.signs_nobody_in()
    assert site.ask("/readyz").status == 503
    answer = site.ask("/logout", {})
    assert (answer.status, answer.cookie) == (503, None)
    assert site.ask(SESSION_NEEDED).status == 200
    site.remount("remount", "rw")
    assert site.signs_in()


def test_a_disk_that_is_away(site: Site) -> None:
    with disk(site.folder):  # an empty one in its place, as a folder is where nothing is mounted
        for _ in range(10):  # each worker
            answer = site.ask(SESSION_NEEDED)
            assert (answer.status, answer.cookie) == (503, None)
        assert site.signs_nobody_in()
        assert site.ask("/readyz").status == 503
        assert [site.ask(path).status for path in NO_SESSION_NEEDED] == [200] * 4
        assert list(site.folder.iterdir()) == []
    assert site.ask(SESSION_NEEDED).status == 200


def test_a_process_that_hangs_with_every_lock(site: Site) -> None:
    with ExitStack() as stack:
        for kind in ("sessions", "users"):
            for number in range(256):
                path = site.folder / kind / f"{number:02x}.lock"
                fcntl.flock(stack.enter_context(path.open("wb")), fcntl.LOCK_EX)
        assert site.signs_nobody_in()
        assert site.ask("/logout", {}).status == 503
        assert site.ask(SESSION_NEEDED).status == 200
    assert site.signs_in()
    assert site.ask("/logout", {}).status == 303
