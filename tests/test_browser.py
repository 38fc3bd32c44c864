"""The default project in a real browser: what only a browser decides about cookies and caches.

Chromium is Debian's; playwright brings none. PICTURES=some/folder keeps the screenshots, some of
which stand in docs/pictures.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.baked import DEFAULT, BakedProject
from tests.servers import Servers
from tests.servers.process import program
from tests.serving import in_production

PASSWORD = "seven quiet lighthouses hum"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program("chromium", Path("/usr/bin")),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", *quiet],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(
    baked: Callable[[str], Path], python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """One site for all tests, in each of which it has another user."""
    path = tmp_path_factory.mktemp("site") / "my-flask-app"
    shutil.copytree(baked(DEFAULT), path)
    with in_production(BakedProject(DEFAULT, path, python)) as url:
        yield url


@pytest.fixture
def email() -> str:
    return f"ada-{uuid4().hex[:8]}@example.org"


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    """A fresh browser, in which no page may log an error: one that the CSP blocks does."""
    context = browser.new_context(base_url=site)
    errors: list[str] = []
    context.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert not [error for error in errors if "status of 4" not in error]


@pytest.fixture
def signed_in(context: BrowserContext, email: str) -> Page:
    """A page on which a user has registered and signed in by hand."""
    page = context.new_page()
    register(page, email)
    sign_in(page, email)
    return page


def register(page: Page, email: str) -> None:
    page.goto("/register")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button").click()
    page.wait_for_url("**/login?*")


def sign_in(page: Page, email: str, *, remember: bool = False) -> None:
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Keep me signed in").set_checked(remember)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account")


def shown_user(page: Page) -> str | None:
    return page.locator("body").get_attribute("data-user")


def test_pages_are_shown_on_every_screen(signed_in: Page, tmp_path: Path) -> None:
    """Nothing is wider than the window, on a phone and a desktop, light and dark."""
    pictures = Path(os.environ.get("PICTURES", tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    sizes = {"desktop": (1100, 700), "phone": (360, 740)}
    for name, path in {
        "sign-in": "/login",
        "register": "/register",
        "account": "/account",
        "devices": "/account/sessions",
        "not-found": "/nowhere",
    }.items():
        for size, (width, height) in sizes.items():
            signed_in.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                signed_in.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                signed_in.goto(path)
                assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
                assert signed_in.locator("h1").count() == 1
                signed_in.screenshot(path=pictures / f"{name}-{size}-{scheme}.png")


def test_the_browser_keeps_the_cookie_and_shows_it_to_no_script(
    signed_in: Page, email: str
) -> None:
    assert shown_user(signed_in) == email
    (cookie,) = signed_in.context.cookies()
    assert cookie["name"] == "__Host-session"
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["expires"]) == ("/", -1)
    assert signed_in.evaluate("document.cookie") == ""
    assert cookie["value"] not in signed_in.content()


def test_a_remembered_sign_in_outlives_the_browser(context: BrowserContext, email: str) -> None:
    page = context.new_page()
    register(page, email)
    sign_in(page, email, remember=True)

    (cookie,) = context.cookies()
    assert cookie["expires"] > 0


def test_visitors_get_no_cookie(context: BrowserContext) -> None:
    page = context.new_page()
    for path in ("/", "/login", "/register", "/nowhere", "/account"):
        page.goto(path)

    assert context.cookies() == []


def test_sign_out_deletes_the_cookie_and_the_back_button_shows_nothing(
    signed_in: Page, email: str
) -> None:
    (before,) = signed_in.context.cookies()
    signed_in.goto("/account/sessions")
    signed_in.goto("/account")
    signed_in.get_by_role("button", name="Sign out").first.click()
    signed_in.wait_for_load_state()
    assert signed_in.context.cookies() == []

    for _ in range(2):
        signed_in.go_back()
        assert shown_user(signed_in) is None
        assert email not in signed_in.content()

    assert "value" in before
    signed_in.context.add_cookies([{**before, "expires": -1}])  # type: ignore[typeddict-item]
    signed_in.goto("/account")
    assert shown_user(signed_in) is None


def test_a_form_on_another_site_carries_no_cookie(signed_in: Page, site: str, email: str) -> None:
    form = f'<form method="post" action="{site}/logout"><button>Win a prize</button></form>'
    with another_site(form) as elsewhere:
        page = signed_in.context.new_page()
        page.goto(elsewhere)
        with page.expect_response("**/logout") as answer:
            page.get_by_role("button").click()

    assert "cookie" not in answer.value.request.all_headers()
    assert answer.value.status == 403
    signed_in.goto("/account")
    assert shown_user(signed_in) == email


def test_another_site_can_not_frame_a_page(signed_in: Page, site: str, email: str) -> None:
    with another_site(f'<iframe src="{site}/account"></iframe>') as elsewhere:
        page = signed_in.context.browser.new_page()  # type: ignore[union-attr]
        page.goto(elsewhere)
        page.wait_for_load_state("networkidle")
        inside = page.frames[1].content()
        page.close()

    assert "Sign in" not in inside
    assert email not in inside


def test_a_link_from_another_site_finds_the_user_signed_in(
    signed_in: Page, site: str, email: str
) -> None:
    with another_site(f'<a href="{site}/account">Your account</a>') as elsewhere:
        page = signed_in.context.new_page()
        page.goto(elsewhere)
        page.get_by_role("link").click()
        page.wait_for_url("**/account")

    assert shown_user(page) == email


def test_one_device_signs_out_another(
    browser: Browser, signed_in: Page, site: str, email: str
) -> None:
    other = browser.new_context(base_url=site)
    page = other.new_page()
    sign_in(page, email)

    signed_in.goto("/account/sessions")
    signed_in.get_by_role("button", name=re.compile("other", re.IGNORECASE)).click()
    signed_in.wait_for_load_state()

    page.goto("/account")
    assert shown_user(page) is None
    signed_in.goto("/account")
    assert shown_user(signed_in) == email
    other.close()


def test_a_script_of_ones_own_site_signs_in_through_the_api(
    browser: Browser, copy_of: Callable[[str], BakedProject], servers: Servers, email: str
) -> None:
    """Sessions in Redis, users in SQLite; the script sees answers and no cookie."""
    project = copy_of("redis-api")
    with in_production(project, REDIS_URL=servers.url("redis")) as url:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto("/")

        def call(method: str, path: str, **body: Any) -> int:
            script = """async ([method, path, body]) => {
                const json = {"Content-Type": "application/json"};
                const init = body ? {method, headers: json, body: JSON.stringify(body)} : {method};
                return (await fetch(path, init)).status;
            }"""
            return int(page.evaluate(script, [method, path, body or None]))

        assert call("GET", "/api/session") == 401
        assert call("POST", "/api/users", email=email, password=PASSWORD) == 201
        assert call("POST", "/api/session", email=email, password=PASSWORD) == 200
        assert call("GET", "/api/session") == 200
        assert page.evaluate("document.cookie") == ""
        assert [cookie["name"] for cookie in context.cookies()] == ["__Host-session"]
        assert call("DELETE", "/api/session") == 204
        assert call("GET", "/api/session") == 401
        assert context.cookies() == []
        context.close()


@contextmanager
def another_site(body: str) -> Iterator[str]:
    """A page on 127.0.0.1, which is another site than localhost."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Elsewhere</title>{body}".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
