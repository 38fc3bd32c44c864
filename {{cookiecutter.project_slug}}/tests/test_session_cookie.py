"""The session's cookie: what it is, when it is sent, and what is taken for one (RFC 6265bis)."""

import base64
from collections import Counter
from email.utils import parsedate_to_datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User
from my_flask_app.sessions import record as records
from my_flask_app.sessions.record import key_of

from .backend import contents
from .cookies import STORE_HAS_THE_DATA, cookie_for
from .notebook import add_notebook
from .stores import WatchedStore, key_in, record_of, store_of, token_in
from .style import (
    SIGNED_IN_PAGE,
    is_signed_in,
    log_in,
    log_out,
    reauthenticate,
    revoke,
    succeeded,
)
from .support import (
    COOKIE,
    PASSWORD,
    Clock,
    browser,
    cookies_set,
    new_token,
    token_of,
    use_token,
)

CHOSEN_TOKEN = "A" * 43  # well-formed, but never given out


@pytest.fixture(autouse=True)
def _notebook(app: Flask) -> None:
    add_notebook(app)


def attributes(header: str) -> set[str]:
    return set(header.split("; ")[1:])


@pytest.mark.requirement("R10", "R11", "R12", "R13")
def test_the_cookie_is_safe_and_ends_with_the_browser(client: FlaskClient, user: User) -> None:
    (header,) = cookies_set(log_in(client, user.email))
    assert header.startswith("__Host-session=")
    assert attributes(header) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.requirement("R13")
def test_remember_me_keeps_the_cookie_as_long_as_the_session_can_live(
    app: Flask, client: FlaskClient, clock: Clock, user: User
) -> None:
    (header,) = cookies_set(log_in(client, user.email, remember=True))
    (expires,) = (part for part in attributes(header) if part.startswith("Expires="))
    lifetime = parsedate_to_datetime(expires.removeprefix("Expires=")).timestamp() - clock.now
    assert lifetime == app.config["SESSION_LIFETIME"].total_seconds() <= 400 * 86_400
    assert attributes(header) - {expires} == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.requirement("R13", "R42")
def test_remember_me_is_asked_at_each_sign_in(client: FlaskClient, user: User) -> None:
    log_in(client, user.email, remember=True)
    (header,) = cookies_set(log_in(client, user.email))
    assert "Expires" not in header


@pytest.mark.requirement("R36", "R42")
def test_a_remembered_session_is_dead_after_the_sign_out(
    app: Flask, client: FlaskClient, user: User
) -> None:
    log_in(client, user.email, remember=True)
    before = token_of(client)
    log_out(client)
    assert before
    assert not is_signed_in(use_token(browser(app), before))


@pytest.mark.requirement("R11", "R71")
def test_the_token_is_in_no_other_place_than_the_cookie(
    client: FlaskClient, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in = log_in(client, user.email)
    token = token_in(client)
    page = client.get(SIGNED_IN_PAGE)
    others = [value for name, value in [*sign_in.headers, *page.headers] if name != "Set-Cookie"]
    assert token not in "".join([sign_in.text, page.text, caplog.text, *others])
    assert key_in(client) not in caplog.text + page.text


@pytest.mark.requirement("R29")
@pytest.mark.parametrize("path", ["/", "/healthz", "/no-such-page", SIGNED_IN_PAGE])
def test_anonymous_traffic_makes_no_record_and_no_cookie(
    client: FlaskClient, watched_store: WatchedStore, path: str
) -> None:
    assert cookies_set(client.get(path)) == []
    assert watched_store.calls == []
    assert contents(watched_store.real) == ""


@pytest.mark.requirement("R29")
def test_reading_an_empty_session_does_not_make_one(
    client: FlaskClient, watched_store: WatchedStore
) -> None:
    response = client.get("/note/anything")
    assert response.text == ""
    assert cookies_set(response) == []
    assert watched_store.calls == []


@pytest.mark.requirement("R29")
def test_a_failed_sign_in_makes_no_session(app: Flask, client: FlaskClient, user: User) -> None:
    response = log_in(client, user.email, "not the password at all")
    assert not succeeded(response)
    assert cookies_set(response) == []
    assert contents(store_of(app)) == ""


@pytest.mark.parametrize("path", ["/", "/healthz", "/no-such-page"])
def test_a_page_that_needs_no_session_does_not_ask_the_store(
    signed_in_client: FlaskClient, watched_store: WatchedStore, path: str
) -> None:
    response = signed_in_client.get(path)
    assert response.status_code in (200, 404)
    assert "Cookie" not in response.vary
    assert watched_store.calls == []


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(
    "value",
    [
        "",
        "short",
        "A" * 42,
        "A" * 44,
        "A" * 300,
        "A" * 5000,
        "A" * 42 + "*",
        "A" * 42 + "%0A",
        "A" * 42 + "\xe9",
        "A" * 42 + "=",
        "../" * 14 + "A",
        "session:*",
        '{"$ne": null}',
        "'; DROP TABLE sessions; --",
        "\xff\xfe",
    ],
)
def test_a_malformed_token_never_reaches_the_store(
    app: Flask, watched_store: WatchedStore, value: str
) -> None:
    stranger = app.test_client(use_cookies=False)  # sends the header as it is
    response = stranger.get("/note/anything", headers={"Cookie": f"{COOKIE}={value}"})
    assert (response.status_code, response.text) == (200, "")
    assert cookies_set(response) == []
    assert watched_store.calls == []
    stranger.get("/note/anything", headers={"Cookie": f"{COOKIE}={cookie_for(app, CHOSEN_TOKEN)}"})
    assert watched_store.calls == ["load"]


@pytest.mark.requirement("R19", "R26")
def test_an_unknown_token_is_never_adopted(app: Flask, client: FlaskClient, user: User) -> None:
    chosen = cookie_for(app, CHOSEN_TOKEN)
    use_token(client, chosen)
    assert succeeded(log_in(client, user.email))
    assert token_in(client) != CHOSEN_TOKEN
    assert store_of(app).load(key_of(CHOSEN_TOKEN)) is None
    assert not is_signed_in(use_token(browser(app), chosen))


@pytest.mark.requirement("R19")
def test_an_unknown_token_is_not_adopted_by_a_write(app: Flask, client: FlaskClient) -> None:
    response = use_token(client, cookie_for(app, CHOSEN_TOKEN)).post("/note/note/text")
    assert new_token(response)
    assert token_in(client) != CHOSEN_TOKEN
    assert store_of(app).load(key_of(CHOSEN_TOKEN)) is None


@pytest.mark.requirement("R20")
def test_any_change_to_a_token_is_answered_as_no_token(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    token = token_of(signed_in_client) or ""
    stranger = browser(app)
    expected = stranger.get(SIGNED_IN_PAGE)
    changed = [token[:i] + ("a" if c != "a" else "b") + token[i + 1 :] for i, c in enumerate(token)]
    for value in [*changed, token.swapcase(), token[::-1], token[:-1], token + "A"]:
        response = use_token(stranger, value).get(SIGNED_IN_PAGE)
        assert response.status_code == expected.status_code
        assert response.text == expected.text
        assert cookies_set(response) == []


@pytest.mark.requirement("R17")
def test_a_token_counts_in_the_cookie_alone(app: Flask, signed_in_client: FlaskClient) -> None:
    token = token_of(signed_in_client)
    stranger = browser(app)
    for name in (COOKIE, "session", "sid", "token"):
        assert stranger.get(SIGNED_IN_PAGE, query_string={name: token}).status_code in (303, 401)
        headers = {name: f"{token}", f"X-{name}": f"{token}", "Authorization": f"Bearer {token}"}
        assert stranger.get(SIGNED_IN_PAGE, headers=headers).status_code in (303, 401)
        assert stranger.get(f"{SIGNED_IN_PAGE};{name}={token}").status_code == 404
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R18")
def test_tokens_are_random_in_every_position() -> None:
    tokens = [records.new_token() for _ in range(2000)]
    assert len(set(tokens)) == len(tokens)
    assert {len(token) for token in tokens} == {43}
    for position in range(42):  # the last character has fewer bits
        commonest = Counter(token[position] for token in tokens).most_common(1)[0][1]
        assert commonest < 100


@pytest.mark.requirement("R14")
@pytest.mark.parametrize("size", [4096, 10_000, 20_000])
def test_no_cookie_is_larger_than_browsers_keep(
    app: Flask, signed_in_client: FlaskClient, size: int
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = signed_in_client.post(f"/note/long/{'x' * size}")
    assert response.status_code == (200 if STORE_HAS_THE_DATA else 500)
    assert cookies_set(response) == []
    assert len(f"{COOKIE}{token_of(signed_in_client)}") <= 4096
    assert is_signed_in(signed_in_client)
    kept = "x" * size if STORE_HAS_THE_DATA else ""
    assert signed_in_client.get("/note/long").text == kept


@pytest.mark.requirement("R21")
def test_the_cookie_says_nothing_about_the_person(client: FlaskClient, user: User) -> None:
    log_in(client, user.email, remember=True)
    reauthenticate(client)
    readable = ""
    for part in (token_of(client) or "").split("."):
        readable += base64.urlsafe_b64decode(part + "==").decode(errors="replace")
    assert len(readable) > 20
    for secret in (user.email, PASSWORD, "127.0.0.1", "Firefox", user.password_hash):
        assert secret not in readable


@pytest.mark.requirement("R24")
def test_the_id_is_not_readable_in_the_store(app: Flask, signed_in_client: FlaskClient) -> None:
    token = token_in(signed_in_client)
    record = record_of(app, signed_in_client)
    assert record
    assert record.key in contents(store_of(app))
    assert token not in contents(store_of(app))
    for value in (record.key, record.key[:43], record.public_id):
        assert not is_signed_in(use_token(browser(app), value))


@pytest.mark.requirement("R25")
def test_a_token_does_not_pass_for_the_name_of_a_device(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    record = record_of(app, signed_in_client)
    assert record
    for value in (token_in(signed_in_client), record.key):
        assert revoke(signed_in_client, value).status_code == 404
    assert is_signed_in(signed_in_client)


def test_a_read_sends_no_cookie(client: FlaskClient) -> None:
    assert new_token(client.post("/note/one/1"))
    for _ in range(2):
        assert cookies_set(client.get("/note/one")) == []


@pytest.mark.requirement("R15")
def test_an_emptied_session_goes_and_a_host_cookie_can_be_deleted(
    app: Flask, client: FlaskClient
) -> None:
    client.post("/note/only/one")
    (header,) = cookies_set(client.post("/forget/only"))
    expected = {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=0"}
    assert expected <= attributes(header)
    assert "Domain" not in header
    assert token_of(client) is None
    assert contents(store_of(app)) == ""


@pytest.mark.requirement("R69")
def test_a_signed_in_page_is_kept_by_no_cache(signed_in_client: FlaskClient) -> None:
    response = signed_in_client.get(SIGNED_IN_PAGE)
    assert response.cache_control.no_store
    assert "Cookie" in response.vary


@pytest.mark.requirement("R69")
def test_an_answer_that_sets_or_deletes_a_cookie_is_kept_by_no_cache(client: FlaskClient) -> None:
    assert client.post("/note/only/one").cache_control.no_store
    assert client.post("/forget/only").cache_control.no_store


@pytest.mark.requirement("R69")
def test_a_page_that_read_the_session_differs_by_cookie(client: FlaskClient) -> None:
    response = client.get("/note/anything")
    assert "Cookie" in response.vary
    assert not response.cache_control.no_store
