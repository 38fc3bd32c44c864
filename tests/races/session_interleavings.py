"""Two requests of one session at once, in every order of their calls of the store (CWE-362).

This file is put among a rendered project's tests (see test_races.py). What has been repeated less
often than REPETITIONS in the orders that there are is then repeated without an order, by threads
that run at once: that is for what happens inside a call.
"""

import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

import pytest
from flask import Flask, flash, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from my_flask_app.auth import accounts
from my_flask_app.auth.identity import current_user
from my_flask_app.models import User
from my_flask_app.security.access import public
from my_flask_app.sessions import current_session

from .interleaving import Choose, Requests, at_once, every_order
from .stores import WatchedStore, record_of
from .style import SIGNED_IN_PAGE, change_password, log_out, revoke, succeeded
from .support import PASSWORD, Clock, another_device, browser, cookies_set, new_token, token_of
from .support import use_token as use

REPETITIONS = 200
SLOW, QUICK = 0, 1
STEPS = ("load", "insert", "update", "take", "touch", "delete", "for_user")
NEW_PASSWORD = "another long passphrase of mine"

Request = Callable[[FlaskClient], TestResponse]
Calls = list[Callable[[], TestResponse]]


@dataclass
class Outcome:
    """The answers of some requests, and the number of each in the order of their steps, if known.

    Of two the first is called the slow one: it is the one whose work the other might undo.
    """

    answers: list[TestResponse]
    steps: list[int]

    @property
    def slow(self) -> TestResponse:
        """The answer of the first request."""
        return self.answers[0]

    @property
    def quick(self) -> TestResponse:
        """The answer of the second one."""
        return self.answers[1]

    @property
    def last(self) -> int | None:
        """Which of them ended last."""
        return self.steps[-1] if self.steps else None


@pytest.fixture(autouse=True)
def _views(app: Flask) -> None:
    """Add views that say whom they found."""

    @app.get("/read")
    @public
    def read() -> str:
        return str(session.get("user_id", ""))

    @app.post("/write/<name>")
    @public
    def write(name: str) -> str:
        found = str(session.get("user_id", ""))
        session[name] = "x"
        return found

    @app.post("/move")
    @public
    def move() -> str:
        current_session().rotate()
        return str(session.get("user_id", ""))

    @app.post("/enter/<int:user_id>")
    @public
    def enter(user_id: int) -> str:
        session["user_id"] = user_id
        return ""

    @app.get("/who")
    @public
    def who() -> str:
        user = current_user()
        return f"{user.id if user else ''} {''.join(sorted(session.keys() & {'mine', 'theirs'}))}"

    @app.post("/sign-out-with-a-message")
    @public
    def sign_out_with_a_message() -> str:
        user_id = session.pop("user_id", None)
        flash("You are signed out.")
        return "nobody was signed in" if user_id is None else ""


@pytest.fixture(autouse=True)
def _any_password_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each change of password the time in which its strength is estimated."""
    monkeypatch.setattr(accounts, "check_strength", lambda *_, **__: None)


@pytest.fixture(autouse=True)
def _threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def store_has_the_data(signed_in_client: FlaskClient) -> bool:
    """Whether a session's values are in the store, or else in the cookie that a write sends."""
    return cookies_set(signed_in_client.post("/write/mine")) == []


def read(client: FlaskClient) -> TestResponse:
    return client.get("/read")


def write(client: FlaskClient) -> TestResponse:
    return client.post("/write/mine")


def write_elsewhere(client: FlaskClient) -> TestResponse:
    return client.post("/write/theirs")


def move(client: FlaskClient) -> TestResponse:
    return client.post("/move")


def sign_out_with_a_message(client: FlaskClient) -> TestResponse:
    return client.post("/sign-out-with-a-message")


def side_by_side(
    store: WatchedStore, prepare: Callable[[], Calls], orders: Iterable[Choose] | None = None
) -> Iterator[Outcome]:
    """Run requests in every order, or in these, and then at once; each time prepared anew."""
    done = 0
    for choose in orders or every_order():
        requests = Requests(choose, prepare())
        store.before = dict.fromkeys(STEPS, requests.wait_for_turn)
        answers = requests.run()
        store.before = {}
        done += 1
        yield Outcome(answers, requests.steps)
    assert done > 1, "the requests do not use the store"
    for _ in range(done, REPETITIONS):
        yield Outcome(at_once(prepare()), [])


def some_orders(number: int) -> Iterator[Choose]:
    """Yield so many orders, for requests that have too many; the same each time."""
    for seed in range(number):
        yield random.Random(seed).randrange


def user_of(app: Flask, token: str | None) -> str:
    """Return whom a copied cookie signs in."""
    return use(browser(app), token).get("/who").text.partition(" ")[0]


def note_of(app: Flask, token: str | None) -> str:
    """Return what two tabs have written, as a copied cookie shows it."""
    return use(browser(app), token).get("/who").text.partition(" ")[2]


def sent_by(*answers: TestResponse) -> list[str]:
    """Return the session cookies that were sent."""
    return [token for token in map(new_token, answers) if token]


class Desk:
    """Another device of the user, whose password changes each time."""

    def __init__(self, app: Flask, user: User) -> None:
        self.client = another_device(app, user)
        self._passwords = (PASSWORD, NEW_PASSWORD)

    def revoke(self, client: FlaskClient) -> TestResponse:
        """Sign the other device out."""
        record = record_of(client.application, client)
        assert record
        return revoke(self.client, record.public_id)

    def change_password(self, _: FlaskClient) -> TestResponse:
        """Sign everybody else out."""
        current, new = self._passwords
        self._passwords = (new, current)
        return change_password(self.client, new, current)


ENDINGS: dict[str, Callable[[Desk], Request]] = {
    "sign-out": lambda _: log_out,
    "sign-out with a message": lambda _: sign_out_with_a_message,
    "revocation": lambda desk: desk.revoke,
    "change of password": lambda desk: desk.change_password,
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("slow", [read, write, move], ids=lambda call: call.__name__)
def test_what_has_ended_stays_so(
    app: Flask,
    user: User,
    watched_store: WatchedStore,
    clock: Clock,
    slow: Request,
    ending: Callable[[Desk], Request],
) -> None:
    desk = Desk(app, user)
    quick = ending(desk)
    held: list[str | None] = []
    began = clock.now

    def prepare() -> Calls:
        clock.now = began  # or the desk would have to prove again who is there
        desk.client.get(SIGNED_IN_PAGE)  # shows messages, which a cookie cannot keep without end
        mine = another_device(app, user)
        other_tab = use(browser(app), token_of(mine))
        held[:] = [token_of(mine)]
        clock.advance(minutes=2)  # a read notes that it was there
        if quick == desk.revoke:
            record = record_of(app, mine)
            assert record
            return [lambda: slow(mine), lambda: revoke(desk.client, record.public_id)]
        return [lambda: slow(mine), lambda: quick(other_tab)]

    has_too_many = slow is move and quick == desk.change_password  # orders
    orders = some_orders(REPETITIONS) if has_too_many else None
    for outcome in side_by_side(watched_store, prepare, orders):
        assert outcome.slow.status_code == 200
        if outcome.quick.text == "nobody was signed in":
            # It came with the token of a session that had moved, and `sign_out` alone follows it.
            assert (quick, slow) == (sign_out_with_a_message, move)
            for moved in sent_by(outcome.slow):
                log_out(use(browser(app), moved))
            continue
        assert succeeded(outcome.quick) or outcome.quick.text == ""
        if outcome.slow.text and outcome.last == SLOW:
            assert cookies_set(outcome.slow) == []
        for token in [*held, *sent_by(outcome.slow, outcome.quick)]:
            if token != token_of(desk.client):
                assert user_of(app, token) == ""
        assert user_of(app, token_of(desk.client)) == str(user.id)
        assert len(watched_store.real.for_user(user.id)) == 1


@pytest.fixture
def two_tabs(
    app: Flask, user: User, watched_store: WatchedStore
) -> Callable[[], list[FlaskClient]]:
    """What makes two tabs of one browser, with the only session that the user has."""

    def open_tabs() -> list[FlaskClient]:
        for record in watched_store.real.for_user(user.id):
            watched_store.real.delete(record.key)
        mine = another_device(app, user)
        return [mine, use(browser(app), token_of(mine))]

    return open_tabs


def test_two_tabs_keep_both_writes(
    app: Flask,
    user: User,
    watched_store: WatchedStore,
    two_tabs: Callable[[], list[FlaskClient]],
    store_has_the_data: bool,
) -> None:
    tabs: list[FlaskClient] = []

    def prepare() -> Calls:
        tabs[:] = two_tabs()
        return [lambda: write(tabs[0]), lambda: write_elsewhere(tabs[1])]

    for outcome in side_by_side(watched_store, prepare):
        assert [answer.text for answer in outcome.answers] == [str(user.id)] * 2
        assert len(watched_store.real.for_user(user.id)) == 1
        for tab in tabs:
            assert user_of(app, token_of(tab)) == str(user.id)
            if store_has_the_data:
                assert note_of(app, token_of(tab)) == "minetheirs"


@pytest.mark.parametrize("slow", [write, move], ids=lambda call: call.__name__)
def test_a_move_leaves_one_session(
    app: Flask,
    user: User,
    watched_store: WatchedStore,
    two_tabs: Callable[[], list[FlaskClient]],
    store_has_the_data: bool,
    slow: Request,
) -> None:
    held: list[str | None] = []

    def prepare() -> Calls:
        mine, other_tab = two_tabs()
        held[:] = [token_of(mine)]
        return [lambda: slow(mine), lambda: move(other_tab)]

    for outcome in side_by_side(watched_store, prepare):
        assert [answer.status_code for answer in outcome.answers] == [200, 200]
        sent = sent_by(*outcome.answers) if slow is move else sent_by(outcome.quick)
        (live,) = [token for token in sent if user_of(app, token) == str(user.id)]
        assert user_of(app, held[0]) == ""
        assert len(watched_store.real.for_user(user.id)) == 1
        if slow is write and store_has_the_data:
            assert cookies_set(outcome.slow) == []
            if outcome.last == QUICK:
                assert note_of(app, live) == "mine"


@pytest.mark.parametrize(("at_once", "maximum"), [(2, 1), (4, 2)])
def test_of_parallel_sign_ins_as_many_stay_as_may(
    app: Flask,
    user: User,
    clock: Clock,
    watched_store: WatchedStore,
    at_once: int,
    maximum: int,
) -> None:
    ticks = count(clock.now, 0.001)  # no two sign-ins are of the same moment
    app.session_interface.rules = replace(  # type: ignore[attr-defined]
        app.session_interface.rules,  # type: ignore[attr-defined]
        clock=lambda: next(ticks),
        max_per_user=maximum,
    )
    clients: list[FlaskClient] = []

    def prepare() -> Calls:
        clients.extend([another_device(app, user) for _ in range(maximum)])
        news = [browser(app) for _ in range(at_once)]
        clients.extend(news)
        return [partial(client.post, f"/enter/{user.id}") for client in news]

    orders = None if at_once == 2 else some_orders(REPETITIONS // 2)
    for outcome in side_by_side(watched_store, prepare, orders):
        assert {answer.status_code for answer in outcome.answers} == {200}
        records = watched_store.real.for_user(user.id)
        assert len(records) == maximum
        assert [user_of(app, token_of(client)) for client in clients].count(str(user.id)) == maximum
        clients.clear()
