"""Races between two processes of a site, as web servers start them, on one store.

One request is held before a call of the store, before each in turn, while another one is answered:
by the other process, as each process has one request at a time.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.added import WEAKENED
from tests.baked import CHOICES, BakedProject
from tests.mutation.test_mutation import weaken
from tests.races.interleaving import at_once
from tests.servers import SERVERS, Servers
from tests.serving import served

PATIENCE = 30  # seconds
COOKIE = "__Host-session"
CREDENTIALS = {"email": "ada@example.org", "password": "correct horse battery staple"}
FORM = "application/x-www-form-urlencoded"

Ending = Callable[["Site", str, str], "Answer"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    cookies: list[str]
    process: str

    @property
    def token(self) -> str:
        """The session cookie that it sends, or nothing."""
        found = re.match(rf"{COOKIE}=([^;]+)", "".join(self.cookies))
        return found[1] if found else ""


@dataclass(frozen=True)
class Site:
    url: str

    def ask(self, method: str, path: str, token: str = "", hold: str = "", **form: str) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        headers = {"Cookie": f"{COOKIE}={token}", "Sec-Fetch-Site": "same-origin"}
        headers |= {"Content-Type": FORM, "Connection": "close"} | (
            {"X-Hold": hold} if hold else {}
        )
        connection.request(method, path, urlencode(form) if form else None, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        cookies = response.headers.get_all("Set-Cookie") or []
        return Answer(response.status, text, cookies, response.headers["X-Process"])

    def sign_in(self) -> str:
        answer = self.ask("POST", "/login", **CREDENTIALS)
        assert answer.status == 303, answer
        return answer.token

    def who(self, token: str) -> Any:
        """What the site says of a session."""
        return json.loads(self.ask("GET", "/who", token).text)

    def during(
        self, number: int, slow: Callable[[str], Answer], quick: Callable[[], Answer]
    ) -> tuple[Answer, Answer]:
        """Hold `slow` before this call of the store while `quick` is answered, and return both."""
        with (
            ThreadPoolExecutor(1) as threads,
            socket.create_server(("127.0.0.1", 0)) as here,
        ):
            here.settimeout(PATIENCE)
            answer = threads.submit(slow, f"{here.getsockname()[1]} {number}")
            waiting, _ = here.accept()
            with waiting:
                quick_answer = quick()
            return answer.result(PATIENCE), quick_answer


def site_of(project: BakedProject, servers: Servers) -> Iterator[Site]:
    """The project's site, in two processes."""
    shutil.copy(Path(__file__).with_name("session_site.py"), project.path / "tests" / "site.py")
    backend = project.answers["session_backend"]
    environment = {
        "APP_ENV": "testing",
        "EXTERNAL_URL": "http://localhost:{port}",
        "SECRET_KEY_FILE": str(project.path / "secrets" / "secret_key"),
        "DATABASE_URL": f"sqlite:///{project.path.parent}/app.db",
        "MAIL_URL": f"file:{project.path.parent}/mails",
        "SESSION_DIR": str(project.path.parent / "sessions"),
    }
    if backend in SERVERS:
        environment[SERVERS[backend].variable] = servers.url(backend)
    flask = (project.python, "-m", "flask", "--app", project.package)
    project.run(*flask, "db", "upgrade", **environment | {"EXTERNAL_URL": "http://localhost"})
    gunicorn = ("-m", "gunicorn", "--workers", "2", "--no-control-socket")
    bind = ("--bind", "127.0.0.1:{port}", "tests.site:app")
    with served(project, project.python, *gunicorn, *bind, **environment) as url:
        site = Site(url)
        registered = site.ask("POST", "/register", **CREDENTIALS)
        assert registered.status == 303
        yield site


@pytest.fixture(params=CHOICES["session_backend"])
def site(
    request: pytest.FixtureRequest, copy_of: Callable[[str], BakedProject], servers: Servers
) -> Iterator[Site]:
    yield from site_of(copy_of(f"{request.param}-password"), servers)


def read(site: Site, token: str, hold: str = "") -> Answer:
    return site.ask("GET", "/read", token, hold)


def write(site: Site, token: str, hold: str = "") -> Answer:
    return site.ask("POST", "/write/mine", token, hold)


def move(site: Site, token: str, hold: str = "") -> Answer:
    return site.ask("POST", "/move", token, hold)


def sign_out(site: Site, mine: str, _desk: str) -> Answer:
    return site.ask("POST", "/logout", mine)


def revoke(site: Site, mine: str, desk: str) -> Answer:
    return site.ask("POST", f"/account/sessions/{site.who(mine)['public_id']}/revoke", desk)


def revoke_others(site: Site, _mine: str, desk: str) -> Answer:
    return site.ask("POST", "/account/sessions/revoke-others", desk)


@pytest.mark.parametrize("end", [sign_out, revoke, revoke_others])
def test_what_one_process_ends_the_other_does_not_bring_back(site: Site, end: Ending) -> None:
    for slow, calls in ((read, 1), (write, 2), (move, 3)):
        for number in range(calls):
            mine, desk = site.sign_in(), site.sign_in()
            first, second = site.during(
                number, partial(slow, site, mine), partial(end, site, mine, desk)
            )
            assert (first.status, second.status) == (200, 303)
            assert first.process != second.process
            if number:
                assert first.cookies == []
            # What `desk` gets when it ends another is its own session, with a message to show.
            theirs = second.token if end is sign_out else ""
            for token in {mine, first.token, theirs}:
                assert not site.who(token)["is_signed_in"]
            kept = second.token if end is revoke_others else desk
            assert site.who(kept)["is_signed_in"]


def test_two_processes_keep_both_writes(site: Site) -> None:
    for number in range(2):
        mine = site.sign_in()
        first, second = site.during(
            number, partial(write, site, mine), partial(site.ask, "POST", "/write/theirs", mine)
        )
        assert first.process != second.process
        # A cookie that a write sends has the session's values, and two tabs overwrite each other's.
        tokens = [token for token in (first.token, second.token) if token]
        for token in tokens or [mine]:
            found = site.who(token)
            assert found["is_signed_in"]
            assert tokens or found["notes"] == ["mine", "theirs"]


def test_what_is_ended_in_a_crowd_stays_so(site: Site) -> None:
    for _ in range(20):
        mine = site.sign_in()
        calls = [partial(call, site, mine) for call in (write, move, read, write)]
        answers = at_once([*calls, partial(sign_out, site, mine, "")])
        assert {answer.status for answer in answers} == {200, 303}
        for token in {mine, *(answer.token for answer in answers)}:
            assert not site.who(token)["is_signed_in"]


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("a write to a session that is gone stops", "database-password"),
        ("rotation of a session that is gone stops", "filesystem-password"),
    ],
)
def test_the_processes_notice_that_a_rule_is_gone(
    rule: str, name: str, copy_of: Callable[[str], BakedProject], servers: Servers
) -> None:
    project = copy_of(name)
    weaken(project.path, project.package, WEAKENED[rule])
    with contextmanager(site_of)(project, servers) as site, pytest.raises(AssertionError):
        test_what_one_process_ends_the_other_does_not_bring_back(site, sign_out)
