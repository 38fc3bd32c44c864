"""Signing in with a password, and what a stranger learns from it."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.test import TestResponse

from my_flask_app.auth import accounts, passwords
from my_flask_app.auth.passwords import (
    PROFILE,
    hash_password,
    verify_password,
)
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security import throttle

from .style import (
    change_password,
    is_signed_in,
    log_in,
    reauthenticate,
    register,
    succeeded,
    was_registered,
)
from .support import PASSWORD, Clock, Outbox, Pause, browser, cookies_set, token_of, use_token

WRONG = "not the password of ada"
NEW_PASSWORD = "another long passphrase of mine"


def change_row(app: Flask, user: User, **values: Any) -> None:
    with app.app_context():
        db.session.execute(sa.update(User).where(User.id == user.id).values(values))
        db.session.commit()


def hash_of(app: Flask, user: User) -> str:
    with app.app_context():
        return db.session.get_one(User, user.id).password_hash


def visible(response: TestResponse, email: str) -> dict[str, Any]:
    """Return all that a stranger sees of an answer, but for what they have typed themselves."""
    return {
        "status": response.status,
        "headers": sorted(h for h in response.headers if h[0] != "Content-Length"),
        "body": response.text.replace(email, "EMAIL"),
    }


def test_whoever_has_registered_can_sign_in(client: FlaskClient) -> None:
    assert was_registered(register(client, "new@example.org"))
    assert succeeded(log_in(client, "new@example.org"))
    assert is_signed_in(client)


def test_the_address_may_be_written_in_another_way(client: FlaskClient, user: User) -> None:
    assert succeeded(log_in(client, f"  {user.email.upper()} "))


@pytest.mark.requirement("R75")
def test_an_address_is_registered_once_however_it_is_written(
    app: Flask, client: FlaskClient, user: User
) -> None:
    before = hash_of(app, user)
    for email in (user.email, user.email.upper(), user.email.replace("a", "\uff41")):
        response = register(client, email, NEW_PASSWORD)
        assert response.status_code in (400, 409)
    assert hash_of(app, user) == before


@pytest.mark.requirement("R75")
def test_two_registrations_at_once_make_one_account(
    app: Flask, monkeypatch: pytest.MonkeyPatch, pause: Pause
) -> None:
    def slow_hash(password: str) -> str:
        if not pause.reached.is_set():
            pause()
        return hash_password(password)

    monkeypatch.setattr(accounts, "hash_password", slow_hash)
    slow, quick = pause.during(
        lambda: register(browser(app), "new@example.org"),
        lambda: register(browser(app), "new@example.org", NEW_PASSWORD),
    )
    assert was_registered(quick)
    assert slow.status_code in (400, 409)
    assert succeeded(log_in(browser(app), "new@example.org", NEW_PASSWORD))


@pytest.mark.requirement("R56")
def test_an_unknown_a_disabled_and_a_known_address_look_the_same(
    app: Flask, user: User, other_user: User
) -> None:
    change_row(app, other_user, disabled=True)
    known = visible(log_in(browser(app), user.email, WRONG), user.email)
    assert known["status"].startswith("401")
    for email, password in [
        ("nobody@example.org", WRONG),
        (other_user.email, WRONG),
        (other_user.email, PASSWORD),
    ]:
        assert visible(log_in(browser(app), email, password), email) == known


@pytest.mark.requirement("R56", "R55")
def test_waiting_looks_the_same_whether_there_is_an_account_or_not(app: Flask, user: User) -> None:
    answers = {}
    for email in (user.email, "nobody@example.org"):
        client = browser(app)
        answers[email] = [visible(log_in(client, email, WRONG), email) for _ in range(8)]
    assert answers[user.email] == answers["nobody@example.org"]
    assert answers[user.email][-1]["status"].startswith("429")


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "no address"])
def test_every_attempt_verifies_one_hash(
    client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    verified: list[bool] = []

    def verify(password_hash: str | None, password: str) -> bool:
        verified.append(password_hash is not None)
        return verify_password(password_hash, password)

    monkeypatch.setattr(accounts, "verify_password", verify)
    assert log_in(client, email, WRONG).status_code == 401
    assert verified == [email == user.email]


@pytest.mark.requirement("R55")
def test_guessing_is_slowed_down_and_the_password_works_after_the_wait(
    app: Flask, user: User, clock: Clock
) -> None:
    statuses = [log_in(browser(app), user.email, WRONG).status_code for _ in range(10)]
    assert statuses == [401] * 5 + [429] * 5
    refused = log_in(browser(app), user.email)
    assert refused.status_code == 429
    clock.advance(seconds=int(refused.headers["Retry-After"]))
    assert succeeded(log_in(browser(app), user.email))


@pytest.mark.requirement("R55", "R76")
def test_the_counter_cannot_be_escaped(app: Flask, user: User) -> None:
    spellings = [
        user.email,
        user.email.upper(),
        f" {user.email}",
        user.email.replace("a", "\uff41"),
    ]
    statuses = []
    for n in range(10):
        client = browser(app)  # without a cookie
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{n}"
        client.environ_base["HTTP_USER_AGENT"] = f"Browser {n}"
        statuses.append(log_in(client, spellings[n % 4], WRONG).status_code)
    assert statuses == [401] * 5 + [429] * 5


@pytest.mark.requirement("R55", "R44")
def test_every_way_to_try_the_password_again_counts(signed_in_client: FlaskClient) -> None:
    statuses = [
        reauthenticate(signed_in_client, WRONG).status_code,
        change_password(signed_in_client, NEW_PASSWORD, current=WRONG).status_code,
        reauthenticate(signed_in_client, WRONG).status_code,
        change_password(signed_in_client, NEW_PASSWORD, current=WRONG).status_code,
        reauthenticate(signed_in_client, WRONG).status_code,
    ]
    assert statuses == [401] * 5
    assert change_password(signed_in_client, NEW_PASSWORD, current=PASSWORD).status_code == 429
    assert reauthenticate(signed_in_client).status_code == 429


@pytest.mark.requirement("R55")
def test_strangers_do_not_keep_a_signed_in_user_from_proving_who_they_are(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    for n in range(40):
        stranger = browser(app)
        stranger.environ_base["REMOTE_ADDR"] = f"203.0.113.{n}"
        log_in(stranger, user.email, WRONG)
    assert log_in(browser(app), user.email).status_code == 429
    assert succeeded(reauthenticate(signed_in_client))


@pytest.mark.requirement("R55")
def test_the_right_password_is_no_guess_though_the_new_one_is_weak(
    signed_in_client: FlaskClient,
) -> None:
    for _ in range(7):
        assert change_password(signed_in_client, "passwordpassword").status_code == 400


@pytest.mark.requirement("R55")
def test_a_password_that_nobody_looked_at_is_no_guess(
    app: Flask, client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bool:
        raise ServiceUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "verify_password", busy)
        for _ in range(7):
            assert log_in(client, user.email).status_code == 503
    assert succeeded(log_in(client, user.email))


def test_a_hash_that_cannot_be_renewed_now_does_not_stop_a_sign_in(
    client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: str) -> str:
        raise ServiceUnavailable

    monkeypatch.setattr(accounts, "needs_rehash", lambda _: True)
    monkeypatch.setattr(accounts, "hash_password", busy)
    assert succeeded(log_in(client, user.email))


@pytest.mark.requirement("R56")
def test_nobody_asks_the_registration_without_end(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "REGISTRATIONS", 3)
    statuses = [register(client, "no address").status_code for _ in range(4)]
    assert statuses == [400, 400, 400, 429]


@pytest.mark.requirement("R56")
def test_the_hash_for_unknown_users_is_there_from_the_start(app: Flask) -> None:
    assert app.extensions["dummy_password_hash"].startswith("$argon2id$")


@pytest.mark.requirement("R55")
def test_a_sign_in_that_succeeds_clears_the_counter(app: Flask, user: User) -> None:
    for _ in range(3):
        for _ in range(4):
            assert log_in(browser(app), user.email, WRONG).status_code == 401
        assert succeeded(log_in(browser(app), user.email))


@pytest.mark.requirement("R51")
def test_an_old_hash_is_replaced_at_sign_in(app: Flask, client: FlaskClient, user: User) -> None:
    old = hash_of(app, user)
    app.config["ARGON2_PROFILE"] = {**PROFILE, "memory_cost": 16}
    assert log_in(client, user.email, WRONG).status_code == 401
    assert hash_of(app, user) == old
    assert succeeded(log_in(client, user.email))
    assert "m=16,t=2,p=1" in hash_of(app, user)
    assert is_signed_in(client)
    assert succeeded(log_in(browser(app), user.email))


@pytest.mark.requirement("R39", "R51")
def test_a_sign_in_with_the_old_password_does_not_outlive_a_change_that_it_met(
    app: Flask, user: User, monkeypatch: pytest.MonkeyPatch, pause: Pause
) -> None:
    owner, thief = browser(app), browser(app)
    log_in(owner, user.email)
    app.config["ARGON2_PROFILE"] = {**PROFILE, "memory_cost": 16}  # the sign-in rehashes, too

    def slow_hash(password: str) -> str:
        if password == PASSWORD:
            pause()
        return hash_password(password)

    monkeypatch.setattr(accounts, "hash_password", slow_hash)
    pause.during(lambda: log_in(thief, user.email), lambda: change_password(owner, NEW_PASSWORD))
    assert not is_signed_in(thief)
    assert is_signed_in(owner)
    assert log_in(browser(app), user.email, PASSWORD).status_code == 401
    assert succeeded(log_in(browser(app), user.email, NEW_PASSWORD))


@pytest.mark.requirement("R39")
def test_of_two_changes_at_once_the_first_one_wins(
    app: Flask, user: User, monkeypatch: pytest.MonkeyPatch, pause: Pause
) -> None:
    owner, thief = browser(app), browser(app)
    log_in(owner, user.email)
    log_in(thief, user.email)
    stolen = "a passphrase that the thief has chosen"

    def slow_hash(password: str) -> str:
        if password == stolen:
            pause()
        return hash_password(password)

    monkeypatch.setattr(accounts, "hash_password", slow_hash)
    late, early = pause.during(
        lambda: change_password(thief, stolen), lambda: change_password(owner, NEW_PASSWORD)
    )
    assert succeeded(early)
    assert late.status_code == 401
    assert log_in(browser(app), user.email, stolen).status_code == 401
    assert not is_signed_in(thief)


@pytest.mark.requirement("R39")
def test_changing_the_password_ends_every_other_session(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    phone, before = browser(app), token_of(signed_in_client)
    log_in(phone, user.email)
    assert succeeded(change_password(signed_in_client, NEW_PASSWORD))
    assert is_signed_in(signed_in_client)
    assert not is_signed_in(phone)
    assert not is_signed_in(use_token(browser(app), before))
    assert log_in(phone, user.email).status_code == 401
    assert succeeded(log_in(phone, user.email, NEW_PASSWORD))


@pytest.mark.requirement("R44")
def test_changing_the_password_needs_the_present_one(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    before = hash_of(app, user)
    response = change_password(signed_in_client, NEW_PASSWORD, current=WRONG)
    assert response.status_code == 401
    assert cookies_set(response) == []
    assert hash_of(app, user) == before


@pytest.mark.requirement("R52", "R53")
@pytest.mark.parametrize("weak", ["short", "passwordpassword", "example.org-1234", "x" * 129])
def test_the_new_password_is_held_to_the_same_rules(
    app: Flask, signed_in_client: FlaskClient, user: User, weak: str
) -> None:
    before = hash_of(app, user)
    assert change_password(signed_in_client, weak).status_code == 400
    assert register(browser(app), "new@example.org", weak).status_code == 400
    assert hash_of(app, user) == before
    assert is_signed_in(signed_in_client)


@pytest.mark.requirement("R74", "R52")
@pytest.mark.parametrize("length", [129, 1000, 60_000])
def test_a_password_that_is_too_long_is_refused_before_it_is_hashed(
    client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    def hasher() -> None:
        raise AssertionError("hashed")

    monkeypatch.setattr(passwords, "_hasher", hasher)
    password = "correct horse " * (length // 14 + 1)
    assert register(client, "new@example.org", password[:length]).status_code == 400
    assert log_in(client, user.email, password[:length]).status_code in (400, 401)


@pytest.mark.requirement("R54", "R39")
def test_the_user_is_told_of_a_changed_password(
    signed_in_client: FlaskClient, user: User, outbox: Outbox
) -> None:
    change_password(signed_in_client, NEW_PASSWORD, current=WRONG)
    assert outbox.mails() == []
    change_password(signed_in_client, NEW_PASSWORD)
    (mail,) = outbox.mails()
    assert mail["to"] == user.email
    assert "password was changed" in mail["subject"]
    assert PASSWORD not in mail["text"]
    assert NEW_PASSWORD not in mail["text"]


def test_a_mail_that_cannot_be_sent_does_not_undo_the_change(
    app: Flask, signed_in_client: FlaskClient
) -> None:
    app.config["MAIL_URL"] = "smtp://127.0.0.1:1"
    assert succeeded(change_password(signed_in_client, NEW_PASSWORD))
    assert is_signed_in(signed_in_client)
