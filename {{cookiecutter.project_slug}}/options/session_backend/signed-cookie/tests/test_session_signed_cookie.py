"""What is special to sessions that travel in a signed cookie."""

import base64
import hashlib
import hmac
import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from itsdangerous import Signer
from itsdangerous.encoding import base64_decode

from my_flask_app.auth.identity import raise_epoch
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security.access import public
from my_flask_app.sessions import cookie, signing
from my_flask_app.sessions import session as session_module
from my_flask_app.sessions.cookie import (
    CookieStore,
    SessionTooLarge,
)
from my_flask_app.sessions.record import (
    UnreadableRecord,
    encode,
    key_of,
    new_token,
)
from my_flask_app.sessions.rows import DatabaseStore
from my_flask_app.sessions.signing import SALT, sign, verify

from .backend import contents
from .cookies import cookie_for, plant
from .notebook import add_notebook
from .stores import WatchedStore, key_in, make_record, record_of, store_of, token_in, watch
from .style import (
    SIGNED_IN_PAGE,
    change_password,
    is_signed_in,
    log_in,
    log_out,
    reauthenticate,
    succeeded,
)
from .support import (
    COOKIE,
    Clock,
    Pause,
    another_device,
    browser,
    cookies_set,
    token_of,
    use_token,
)
from .support import new_token as token_sent

BASE64 = string.ascii_letters + string.digits + "-_"


@pytest.fixture(autouse=True)
def _notebook(app: Flask, pause: Pause) -> None:
    add_notebook(app, pause)


@pytest.fixture
def other_tab(app: Flask, signed_in_client: FlaskClient) -> FlaskClient:
    """A second tab, whose requests are under way with the cookie of now."""
    return use_token(browser(app), token_of(signed_in_client))


def parts_of(client: FlaskClient) -> list[str]:
    """Return the token, the payload and the signature in the client's cookie."""
    parts = (token_of(client) or "").split(".")
    assert len(parts) == 3
    return parts


def text_in(app: Flask, client: FlaskClient) -> str:
    """Return what the client's cookie carries."""
    return verify(app, token_of(client) or "")


def is_refused(app: Flask, value: str, watched: WatchedStore) -> bool:
    """Tell whether this cookie is as good as none, and costs no query."""
    watched.calls.clear()
    stranger, nobody = app.test_client(use_cookies=False), browser(app)
    headers = {"Cookie": f"{COOKIE}={value}", "Sec-Fetch-Site": "same-origin"}
    for path in (SIGNED_IN_PAGE, "/note/note"):
        response, expected = stranger.get(path, headers=headers), nobody.get(path)
        assert response.status_code == expected.status_code
        assert cookies_set(response) == []
        if response.text != expected.text:
            return False
    return watched.calls == []


def variants(value: str) -> Iterator[str]:
    """Yield the value with each character replaced, the last one by every other character."""
    for place, character in enumerate(value[:-1]):
        other = "A" if character != "A" else "B"
        yield value[:place] + other + value[place + 1 :]
    yield from (value[:-1] + other for other in BASE64.replace(value[-1], ""))


def log_in_again(client: FlaskClient) -> None:
    assert succeeded(log_in(client, "ada@example.org"))


def change_password_to_another(client: FlaskClient) -> None:
    assert succeeded(change_password(client, "another long passphrase of mine"))


class TestSignature:
    """Whatever was changed by somebody else is nobody's (R20, CWE-347)."""

    def test_each_character_counts(
        self, app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore
    ) -> None:
        signed_in_client.post("/note/note/mine")
        changed = list(variants(token_of(signed_in_client) or ""))
        assert len(changed) > 200
        assert [value for value in changed if not is_refused(app, value, watched_store)] == []
        assert is_signed_in(signed_in_client)

    def test_parts_of_two_cookies_make_no_third_one(
        self, app: Flask, signed_in_client: FlaskClient, other_user: User
    ) -> None:
        visitor, grace = browser(app), another_device(app, other_user)
        visitor.post("/note/note/planted")
        watched = watch(app)
        mine = parts_of(signed_in_client)
        for theirs in (parts_of(visitor), parts_of(grace)):
            for mixed in (
                [mine[0], theirs[1], mine[2]],
                [mine[0], theirs[1], theirs[2]],
                [theirs[0], mine[1], mine[2]],
                [theirs[0], mine[1], theirs[2]],
                [mine[0], mine[1], theirs[2]],
            ):
                assert is_refused(app, ".".join(mixed), watched), mixed
        assert is_signed_in(signed_in_client)

    def test_without_its_signature_it_is_nothing(
        self, app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore
    ) -> None:
        token, payload, signature = parts_of(signed_in_client)
        for value in (
            token,
            f"{token}.",
            f"{token}..",
            f"{token}.{payload}",
            f"{token}.{payload}.",
            f"{token}.{payload}.{'A' * 43}",
            f"{token}.{payload}.{payload}",
            f"{token}.{payload}.A",
            f"{token}.{payload}.{'A' * 45}",
            f"{token}.{payload}.{signature}.",
            f"{token}.{payload}.{signature}=",
            f"{token}.{payload}..{signature}",
            f"{token}.{signature}",
            f"{token}.{payload}.{signature}.{signature}",
            f"{token}.{payload} .{signature}",
            f"{token}.{payload}%00.{signature}",
            f"{token}.{payload}.{signature[:-1]}\xe9",
        ):
            assert is_refused(app, value, watched_store), value

    @pytest.mark.parametrize("digest", [hashlib.sha1, hashlib.sha224, hashlib.sha512])
    def test_the_digest_is_sha_256_and_nothing_else(
        self, app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore, digest: Any
    ) -> None:
        token, payload, signature = parts_of(signed_in_client)
        key = app.config["SECRET_KEY"].encode()
        derived = hmac.digest(key, SALT.encode(), "sha256")
        expected = hmac.digest(derived, f"{token}.{payload}".encode(), "sha256")
        assert base64.urlsafe_b64decode(signature + "=") == expected
        weak = Signer(key, salt=SALT, key_derivation="hmac", digest_method=digest)
        assert is_refused(app, weak.sign(f"{token}.{payload}").decode(), watched_store)

    def test_what_the_key_signs_elsewhere_is_no_session(
        self, app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore
    ) -> None:
        token, payload, _ = parts_of(signed_in_client)
        for salt in ("itsdangerous.Signer", "cookie-session", "reset"):
            other = Signer(
                app.config["SECRET_KEY"],
                salt=salt,
                key_derivation="hmac",
                digest_method=hashlib.sha256,
            )
            assert is_refused(app, other.sign(f"{token}.{payload}").decode(), watched_store)

    def test_a_change_is_reported(
        self, app: Flask, signed_in_client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        token, payload, _ = parts_of(signed_in_client)
        assert not is_signed_in(use_token(browser(app), f"{token}.{payload}.{'A' * 43}"))
        assert "session_unreadable" in caplog.messages

    @pytest.mark.parametrize("payload", ["{" * 2900, '{"a":' * 500, '{"user_id":1}', "1 2 3 {}"])
    def test_nothing_is_decoded_before_the_signature_is_checked(
        self,
        app: Flask,
        watched_store: WatchedStore,
        monkeypatch: pytest.MonkeyPatch,
        payload: str,
    ) -> None:
        decoded: list[object] = []

        def note(value: str | bytes) -> bytes:
            decoded.append(value)
            return base64_decode(value)

        forged = signing.as_payload(payload)
        with monkeypatch.context() as patch:
            patch.setattr(signing, "base64_decode", note)
            patch.setattr(cookie, "decode", decoded.append)
            patch.setattr(session_module, "decode", decoded.append)
            assert is_refused(app, f"{new_token()}.{forged}.{'A' * 43}", watched_store)
        assert set(decoded) == {"A" * 43}

    def test_what_is_larger_than_a_cookie_is_refused_though_it_is_signed(
        self, app: Flask, signed_in_client: FlaskClient, watched_store: WatchedStore
    ) -> None:
        text = text_in(app, signed_in_client)
        large = sign(app, token_in(signed_in_client), text + " " * 3000)
        assert len(large) > 4096
        assert is_refused(app, large, watched_store)


class TestKeys:
    """SECRET_KEY can be replaced without signing anybody out (R04)."""

    OLD, NEW = secrets.token_hex(32), secrets.token_hex(32)

    def set_keys(self, app: Flask, key: str, *fallbacks: str) -> None:
        app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=[*fallbacks])

    @pytest.fixture
    def old_cookie(self, app: Flask, client: FlaskClient, user: User) -> str:
        """A cookie that the former key has signed."""
        self.set_keys(app, self.OLD)
        log_in(client, user.email)
        return token_of(client) or ""

    def test_the_former_key_is_good_for_reading_and_the_new_one_signs(
        self, app: Flask, client: FlaskClient, old_cookie: str
    ) -> None:
        self.set_keys(app, self.NEW, self.OLD)
        assert is_signed_in(client)
        client.post("/note/note/x")
        assert token_of(client) != old_cookie
        self.set_keys(app, self.NEW)
        assert is_signed_in(client)
        assert client.get("/note/note").text == "x"

    def test_without_the_former_key_its_cookies_are_dead(
        self, app: Flask, old_cookie: str, user: User, watched_store: WatchedStore
    ) -> None:
        self.set_keys(app, self.NEW)
        assert is_refused(app, old_cookie, watched_store)
        other = browser(app)
        assert succeeded(log_in(use_token(other, old_cookie), user.email))
        assert is_signed_in(other)

    def test_a_read_sends_no_cookie_just_because_the_key_is_new(
        self, app: Flask, client: FlaskClient, old_cookie: str, clock: Clock
    ) -> None:
        self.set_keys(app, self.NEW, self.OLD)
        for minutes in (0, 10):
            clock.advance(minutes=minutes)
            assert cookies_set(client.get(SIGNED_IN_PAGE)) == []
        assert token_of(client) == old_cookie

    def test_every_fallback_counts(self, app: Flask, client: FlaskClient, old_cookie: str) -> None:
        self.set_keys(app, self.NEW, secrets.token_hex(32), self.OLD)
        assert is_signed_in(client)


class TestRow:
    """The cookie alone opens nothing: a row says whose session it is, and whether it lives."""

    def test_the_row_has_none_of_the_data(self, app: Flask, signed_in_client: FlaskClient) -> None:
        signed_in_client.post("/note/note/nobody-elses-business")
        assert key_in(signed_in_client) in contents(store_of(app))
        assert "nobody-elses-business" not in contents(store_of(app))

    def test_the_payload_names_no_user_that_the_row_does_not_have(
        self, app: Flask, signed_in_client: FlaskClient, other_user: User
    ) -> None:
        data = encode({"user_id": other_user.id, "session_epoch": other_user.session_epoch})
        plant(app, signed_in_client, data)
        assert not is_signed_in(signed_in_client)

    def test_the_payload_names_no_epoch_that_the_row_does_not_have(
        self, app: Flask, signed_in_client: FlaskClient, user: User
    ) -> None:
        with app.app_context():
            found = db.session.get(User, user.id)
            assert found
            raise_epoch(found)
            data = encode({"user_id": user.id, "session_epoch": found.session_epoch})
        plant(app, signed_in_client, data)
        assert not is_signed_in(signed_in_client)

    def test_a_user_without_a_row_is_nobody(self, app: Flask, client: FlaskClient) -> None:
        use_token(client, cookie_for(app, new_token()))
        assert not is_signed_in(client)

    @pytest.mark.parametrize("head", ["", "1 2 ", "x y z ", "nan nan nan ", "1 2 3 4 "])
    def test_times_that_are_none_are_nobodys(self, app: Flask, head: str) -> None:
        client = use_token(browser(app), sign(app, new_token(), head + '{"note":"x"}'))
        response = client.get("/note/note")
        assert (response.status_code, response.text) == (200, "")

    def test_anonymous_data_cannot_name_a_user(
        self, app: Flask, client: FlaskClient, user: User, watched_store: WatchedStore
    ) -> None:
        client.post("/note/cart/tea")
        plant(app, client, encode({"user_id": user.id, "session_epoch": user.session_epoch}))
        assert not is_signed_in(client)
        assert watched_store.calls == []

    def test_a_save_that_finds_no_row_sends_nothing(
        self, app: Flask, signed_in_client: FlaskClient, other_tab: FlaskClient, pause: Pause
    ) -> None:
        before = token_of(other_tab)
        slow, _ = pause.during(
            lambda: other_tab.post("/slow/note/note/late"), lambda: log_out(signed_in_client)
        )
        assert slow.status_code == 200
        assert cookies_set(slow) == []
        assert token_of(other_tab) == before
        assert contents(store_of(app)) == ""

    def test_every_older_cookie_dies_with_the_session(
        self, app: Flask, signed_in_client: FlaskClient
    ) -> None:
        cookies = [token_of(signed_in_client)]
        for number in range(3):
            signed_in_client.post(f"/note/note/{number}")
            cookies.append(token_of(signed_in_client))
        assert len({*cookies}) == 4
        assert all(is_signed_in(use_token(browser(app), value)) for value in cookies)
        log_out(signed_in_client)
        assert not any(is_signed_in(use_token(browser(app), value)) for value in cookies)

    @pytest.mark.parametrize("move", [reauthenticate, log_in_again, change_password_to_another])
    def test_every_older_cookie_dies_when_the_session_moves(
        self,
        app: Flask,
        signed_in_client: FlaskClient,
        move: Callable[[FlaskClient], object],
    ) -> None:
        older = [token_of(signed_in_client)]
        signed_in_client.post("/note/note/x")
        older.append(token_of(signed_in_client))
        move(signed_in_client)
        assert is_signed_in(signed_in_client)
        assert not any(is_signed_in(use_token(browser(app), value)) for value in older)


class TestAnonymous:
    """The session of nobody has no row: its times are signed with its data."""

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return {"SESSION_LIFETIME": timedelta(hours=8), "SESSION_IDLE_TIMEOUT": timedelta(hours=2)}

    def test_it_needs_no_query(
        self, client: FlaskClient, watched_store: WatchedStore, clock: Clock
    ) -> None:
        client.post("/note/cart/tea")
        client.post("/note/also/milk")
        clock.advance(minutes=10)
        assert client.get("/note/cart").text == "tea"
        client.post("/forget/also")
        client.post("/forget/cart")
        assert token_of(client) is None
        assert watched_store.calls == []

    def test_an_outage_of_the_database_does_not_touch_it(
        self, client: FlaskClient, watched_store: WatchedStore
    ) -> None:
        watched_store.failing = {"load", "insert", "update", "touch"}
        client.post("/note/cart/tea")
        assert client.get("/note/cart").text == "tea"

    def test_its_hour_begins_with_the_first_write(
        self, app: Flask, client: FlaskClient, clock: Clock
    ) -> None:
        client.post("/note/cart/tea")
        first = token_of(client)
        for _ in range(5):
            clock.advance(minutes=11)
            client.post("/note/also/milk")
        assert client.get("/note/cart").text == "tea"
        clock.advance(minutes=5)
        assert client.get("/note/cart").text == ""
        assert use_token(browser(app), first).get("/note/cart").text == ""

    def test_no_lifetime_that_is_raised_later_brings_it_back(
        self, app: Flask, client: FlaskClient, clock: Clock
    ) -> None:
        client.post("/note/cart/tea")
        record = record_of(app, client)
        assert record
        assert record.expires_at == clock.now + 3600
        rules = app.session_interface.rules  # type: ignore[attr-defined]
        short = replace(rules.lifetime, idle=60.0)
        app.session_interface.rules = replace(rules, lifetime=short)  # type: ignore[attr-defined]
        client.post("/note/cart/tea")
        app.session_interface.rules = rules  # type: ignore[attr-defined]
        clock.advance(seconds=61)
        assert client.get("/note/cart").text == ""

    def test_it_moves_without_a_query(
        self, app: Flask, client: FlaskClient, watched_store: WatchedStore, pause: Pause
    ) -> None:
        pause.go_on.set()
        client.post("/note/cart/tea")
        before = token_in(client)
        client.post("/slow/rotate")
        assert token_in(client) != before
        assert client.get("/note/cart").text == "tea"
        assert watched_store.calls == []


class TestTwoTabs:
    """The one thing that such cookies cannot do: know of each other's data."""

    def test_of_two_tabs_the_later_answer_wins_with_all_that_it_carries(
        self, signed_in_client: FlaskClient, other_tab: FlaskClient, pause: Pause
    ) -> None:
        slow, _ = pause.during(
            lambda: signed_in_client.post("/slow/note/mine/1"),
            lambda: other_tab.post("/note/theirs/2"),
        )
        assert slow.status_code == 200
        use_token(other_tab, token_sent(slow))  # one browser has one cookie
        assert other_tab.get("/note/mine").text == "1"
        assert other_tab.get("/note/theirs").text == ""
        assert is_signed_in(other_tab)

    def test_an_older_cookie_of_a_live_session_shows_older_data(
        self, app: Flask, signed_in_client: FlaskClient
    ) -> None:
        signed_in_client.post("/note/note/old")
        older = use_token(browser(app), token_of(signed_in_client))
        signed_in_client.post("/note/note/new")
        assert older.get("/note/note").text == "old"
        assert is_signed_in(older)

    def test_the_throttle_does_not_live_in_it(self, client: FlaskClient, user: User) -> None:
        client.post("/note/cart/tea")
        held = token_of(client)
        for _ in range(12):
            response = log_in(use_token(client, held), user.email, "not the password at all")
        assert response.status_code == 429


class TestSize:
    """A cookie that browsers would drop is never sent (R14)."""

    @pytest.fixture
    def view(self, app: Flask) -> None:
        """Let a view fill the session, and another one sign in with too much."""
        app.config["PROPAGATE_EXCEPTIONS"] = False

        @app.post("/fill/<int:size>")
        @public
        def fill(size: int) -> str:
            session["text"] = "x" * size
            return ""

        @app.post("/fill-and-enter/<int:user_id>")
        @public
        def fill_and_enter(user_id: int) -> str:
            session["user_id"] = user_id
            session["text"] = "x" * 5000
            return ""

    def largest(self, client: FlaskClient) -> int:
        """Return how many characters may be added to the client's session."""
        low, high = 0, 5000
        while low < high:
            middle = (low + high + 1) // 2
            fits = client.post(f"/fill/{middle}").status_code == 200
            low, high = (middle, high) if fits else (low, middle - 1)
        return low

    @pytest.mark.usefixtures("view")
    def test_what_fits_is_sent_and_one_character_more_is_not(
        self, signed_in_client: FlaskClient
    ) -> None:
        size = self.largest(signed_in_client)
        assert size > 2800
        response = signed_in_client.post(f"/fill/{size}")
        assert 4093 <= len(f"{COOKIE}{token_sent(response)}") <= 4096
        assert signed_in_client.get("/note/text").text == "x" * size
        assert cookies_set(signed_in_client.post(f"/fill/{size + 1}")) == []

    @pytest.mark.usefixtures("view")
    @pytest.mark.parametrize("path", ["/fill/5000", "/fill/10000"])
    def test_too_much_changes_nothing_and_says_what_to_do(
        self,
        app: Flask,
        signed_in_client: FlaskClient,
        watched_store: WatchedStore,
        caplog: pytest.LogCaptureFixture,
        path: str,
    ) -> None:
        before, row = token_of(signed_in_client), contents(watched_store.real)
        response = signed_in_client.post(path)
        assert response.status_code == 500
        assert response.cache_control.no_store
        assert cookies_set(response) == []
        assert (token_of(signed_in_client), contents(watched_store.real)) == (before, row)
        assert watched_store.calls == ["load"]
        assert "put what is large into the database" in caplog.text
        assert caplog.text.count("Traceback") == 1
        assert is_signed_in(signed_in_client)

    @pytest.mark.usefixtures("view")
    def test_a_sign_in_with_too_much_is_none(
        self, app: Flask, client: FlaskClient, user: User
    ) -> None:
        client.post("/note/cart/tea")
        before = token_of(client)
        assert client.post(f"/fill-and-enter/{user.id}").status_code == 500
        assert token_of(client) == before
        assert contents(store_of(app)) == ""

    @pytest.mark.usefixtures("view")
    def test_too_much_for_nobody_is_refused_as_well(self, client: FlaskClient) -> None:
        response = client.post("/fill/5000")
        assert response.status_code == 500
        assert cookies_set(response) == []

    def test_a_transaction_says_it_to_its_face(self, client: FlaskClient) -> None:
        with pytest.raises(SessionTooLarge, match="4096"), client.session_transaction() as values:
            values["text"] = "x" * 5000


class TestStore:
    """The store of one request, by itself."""

    @pytest.fixture
    def store(self, app: Flask) -> CookieStore:
        return CookieStore(app, "", store_of(app))

    def test_what_is_refused_has_not_been_written(self, app: Flask, store: CookieStore) -> None:
        large = make_record(data=encode({"user_id": 7, "text": "x" * 5000}))
        for write in (store.insert, store.update):
            with pytest.raises(SessionTooLarge):
                write(large)
        assert store.text is None
        assert contents(store_of(app)) == ""

    def test_a_cookie_that_is_none_is_unreadable(self, store: CookieStore) -> None:
        with pytest.raises(UnreadableRecord):
            store.load(key_of(new_token()))

    def test_an_update_that_lost_leaves_nothing_to_send(
        self, app: Flask, store: CookieStore
    ) -> None:
        assert store.update(make_record()) is False
        assert store.text is None

    def test_the_rest_is_asked_of_the_rows(self, app: Flask, store: CookieStore) -> None:
        rows = store_of(app)
        assert isinstance(rows, DatabaseStore)
        record = make_record()
        rows.insert(record)
        assert store.for_user(7) == rows.for_user(7) == [record]
        store.ping()
        assert store.prune(record.expires_at + 1) == 1
        assert rows.load(record.key) is None
