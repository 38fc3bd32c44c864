"""What can happen to a memcached, as seen by a site that runs as in production (R72, R09)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.baked import BakedProject
from tests.outages import kill, port_of
from tests.servers import running_servers
from tests.servers.memcached import run, say, signed_in
from tests.servers.process import free_port, program
from tests.serving import in_production
from tests.test_outages import CREDENTIALS, LONGEST, SESSION_NEEDED, Answer, ask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROJECT = "memcached-password"
SIZES = range(200, 900, 50)  # bytes, among them what a session has; each size has its own memory


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of a database of the test's own."""
    with running_servers() as servers:
        yield servers.url("postgresql")


@contextmanager
def site_on(
    project: BakedProject, database: str, url: str, **environment: str
) -> Iterator[Callable[..., Answer]]:
    """A running site with a user; yields what asks it."""
    urls = {"DATABASE_URL": database, "MEMCACHED_URL": url}
    with in_production(project, **urls, **environment) as site:
        ask(site, "/register", CREDENTIALS)

        def ask_site(path: str, form: dict[str, str] | None = None, cookie: str = "") -> Answer:
            return ask(site, path, form, cookie)

        yield ask_site


def sign_in(ask_site: Callable[..., Answer]) -> str:
    """The cookie of a new session."""
    answer = ask_site("/login", CREDENTIALS)
    assert (answer.status, bool(answer.cookie)) == (303, True)
    assert answer.cookie
    return answer.cookie.partition(";")[0]


def test_a_restart_signs_out_and_the_first_request_works(
    copy_of: Callable[[str], BakedProject], database: str
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(run(free_port()))
        ask_site = stack.enter_context(site_on(copy_of(PROJECT), database, url))
        cookie = sign_in(ask_site)
        for _ in range(20):  # each thread of the workers has met the server
            assert ask_site(SESSION_NEEDED, cookie=cookie).status == 200
        kill(url)
        stack.enter_context(run(port_of(url)))
        for _ in range(20):
            answer = ask_site(SESSION_NEEDED, cookie=cookie)
            assert (answer.status, answer.cookie) == (303, None)
        assert ask_site(SESSION_NEEDED, cookie=sign_in(ask_site)).status == 200


def test_a_wrong_password_is_an_outage(
    copy_of: Callable[[str], BakedProject], database: str
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(run(free_port()))
        ask_site = stack.enter_context(site_on(copy_of(PROJECT), database, url))
        cookie = sign_in(ask_site)
        kill(url)
        with run(port_of(url), password="another"):
            for answer in (
                ask_site(SESSION_NEEDED, cookie=cookie),
                ask_site("/readyz"),
                ask_site("/login", CREDENTIALS),
            ):
                assert (answer.status, answer.cookie, answer.location) == (503, None, None)
                assert answer.seconds < LONGEST
            assert ask_site("/").status == 200
        stack.enter_context(run(port_of(url)))
        assert ask_site(SESSION_NEEDED, cookie=sign_in(ask_site)).status == 200


def test_a_full_server_signs_nobody_in_and_nobody_out(
    copy_of: Callable[[str], BakedProject], database: str
) -> None:
    with (
        run(free_port(), "-m", "2") as url,
        site_on(copy_of(PROJECT), database, url) as ask_site,
    ):
        cookie = sign_in(ask_site)
        with signed_in(url) as connection:
            for size in SIZES:
                answer, number = "STORED\r\n", 0
                while answer == "STORED\r\n":
                    number += 1
                    command = f"add {size}-{number} 0 600 {size}\r\n{'x' * size}"
                    answer = say(connection, command)
                assert answer == "SERVER_ERROR out of memory storing object\r\n"
        answer_to_sign_in = ask_site("/login", CREDENTIALS)
        assert (answer_to_sign_in.status, answer_to_sign_in.cookie) == (503, None)
        assert answer_to_sign_in.seconds < LONGEST
        assert ask_site(SESSION_NEEDED, cookie=cookie).status == 200
        assert ask_site("/logout", {}, cookie=cookie).status == 303
        assert ask_site(SESSION_NEEDED, cookie=cookie).status == 303
        sign_in(ask_site)  # there is room for one now


def test_tls_protects_the_connection(
    copy_of: Callable[[str], BakedProject], database: str, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    options = ["-Z", "-o", f"ssl_chain_cert={certificate},ssl_key={key}"]
    with run(free_port(), *options) as plain_url:
        url = plain_url.replace("memcached:", "memcacheds:")
        trusted = {"SSL_CERT_FILE": str(certificate)}
        with site_on(copy_of(PROJECT), database, url, **trusted) as ask_site:
            assert ask_site(SESSION_NEEDED, cookie=sign_in(ask_site)).status == 200
            assert ask_site("/readyz").status == 200
