"""Every session against a model of it: what a random story of sign-ins and sign-outs must lead to.

This file is put among a rendered project's tests (see test_model.py). Hypothesis tells the story:
two users, three browsers, a clock that jumps, and cookies that are copied and used again. After
each step every token that was ever sent is presented once more, and the answer must be the model's.

Where cookies carry the data, each cookie has a note of its own, however many a session has sent;
and a session of nobody is its cookie alone, which nothing ends before its time.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, jsonify, session
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from werkzeug.test import TestResponse

from my_flask_app.account.devices import devices_of
from my_flask_app.auth.identity import FRESH_FOR, current_user, raise_epoch
from my_flask_app.database import db
from my_flask_app.models import User
from my_flask_app.security.access import public
from my_flask_app.security.throttle import counters
from my_flask_app.sessions.lifetime import ANONYMOUS_LIFETIME, TOUCH_INTERVAL
from my_flask_app.sessions.record import SIGNPOST_LIFETIME

from . import style
from .cookies import STORE_HAS_THE_DATA
from .stores import record_of
from .support import PASSWORD, Clock, browser, cookies_set, make_user, token_of, use_token

IDLE, ABSOLUTE, MAXIMUM = 1800.0, 4500.0, 3
BROWSERS = st.integers(0, 2)
SEEDS = 5
USERS = st.sampled_from([0, 0, 0, 1])  # so that one has many sessions
JUMPS = [-45.25, 0.5, 30, 61, 601, IDLE + 1]


@dataclass
class Person:
    """A user as the model sees them."""

    id: int
    email: str
    password: str = PASSWORD
    epoch: int = 1
    disabled: bool = False


@dataclass(eq=False)
class Story:
    """One session from sign-in to its end, whatever token it has by now."""

    person: Person | None
    created: float
    seen: float
    epoch: int = 0
    proved: float = 0.0
    note: int | None = None
    ended: bool = False
    public_id: str = ""

    @property
    def expires(self) -> float:
        """Return the moment of the earlier limit."""
        absolute = ABSOLUTE if self.person else min(ABSOLUTE, ANONYMOUS_LIFETIME)
        return min(self.seen + IDLE, self.created + absolute)

    def is_live(self, now: float) -> bool:
        """Tell whether a request would find it."""
        return not self.ended and now < self.expires

    def user(self, now: float) -> Person | None:
        """Return whom it signs in."""
        person = self.person
        if person is None or not self.is_live(now):
            return None
        return person if self.epoch == person.epoch and not person.disabled else None


@dataclass(frozen=True)
class Meaning:
    """What one token stands for: a session, or until some moment the way to where it went."""

    story: Story
    signpost_until: float | None = None
    carried: int | None = None  # the note, where the cookie and not the store has it

    @property
    def note(self) -> int | None:
        """Return the note that a request with this cookie finds."""
        return self.story.note if STORE_HAS_THE_DATA else self.carried


@dataclass
class World:
    """The application, and how often it came to what a test must not miss."""

    app: Flask
    clock: Clock
    stories: int = 0
    happened: Counter[str] = field(default_factory=Counter)


class SessionMachine(RuleBasedStateMachine):
    """The rules of the story."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.app, self.clock = self.world.app, self.world.clock
        self.world.stories += 1
        self.people = [self.new_person(name) for name in ("ada", "grace")]
        self.browsers = [browser(self.app) for _ in range(3)]
        self.meanings: dict[str, Meaning] = {}
        self.passwords = 0

    def new_person(self, name: str) -> Person:
        email = f"{name}-{self.world.stories}@example.org"
        return Person(make_user(self.app, email).id, email)

    @initialize()
    def sign_in_everywhere(self) -> None:
        """Begin where it becomes interesting: at the maximum of one user."""
        for who in range(3):
            self.sign_in(who=who, person=0, remember=False)

    @rule(who=BROWSERS, person=USERS, remember=st.booleans())
    def sign_in(self, who: int, person: int, remember: bool) -> None:
        client, somebody = self.browsers[who], self.people[person]
        self.clock.advance(seconds=1.0009765625)  # no two sign-ins at once: the oldest goes
        before = self.story_of(client)
        held = token_of(client)
        self.forget_failures()
        response = style.log_in(client, somebody.email, somebody.password, remember=remember)
        assert style.succeeded(response) is not somebody.disabled
        if somebody.disabled:
            self.assert_no_cookie(response)
            return
        if before:
            self.end(before)
        story = Story(somebody, self.now, self.now, somebody.epoch, proved=self.now)
        live = [one for one in self.stories_of(somebody) if one.is_live(self.now)]
        live = sorted([*live, story], key=lambda one: one.created, reverse=True)
        for dropped in live[MAXIMUM:]:
            dropped.ended = True
            self.world.happened["dropped"] += 1
        if story.ended:
            assert token_of(client) == held
        else:
            self.take_note_of_token(client, story)

    @rule(who=BROWSERS)
    def sign_out(self, who: int) -> None:
        client = self.browsers[who]
        meaning = self.meaning_of(client)
        ends = self.story_of(client)
        if meaning and meaning.signpost_until and self.now < meaning.signpost_until:
            ends = meaning.story
            self.world.happened["signpost followed"] += 1
        response = style.log_out(client)
        assert style.succeeded(response) or style.asks_to_sign_in(response)
        if ends:
            self.end(ends)
            assert token_of(client) is None
        else:
            self.assert_no_cookie(response)

    @rule(who=BROWSERS)
    def reauthenticate(self, who: int) -> None:
        client = self.browsers[who]
        before = self.meaning_of(client)
        story, person = self.signed_in(client)
        response = style.reauthenticate(client, person.password if person else PASSWORD)
        assert style.succeeded(response) is (person is not None)
        if story and person:
            story.proved = self.now
            self.rotated(client, story, before)

    @rule(
        who=BROWSERS,
        seconds=st.sampled_from([0.5, 59.5, 61]),
        signs_out=st.booleans(),
    )
    def rotate_while_another_request_is_under_way(
        self, who: int, seconds: float, signs_out: bool
    ) -> None:
        client = self.browsers[who]
        before = token_of(client)
        self.reauthenticate(who=who)
        after = token_of(client)
        self.clock.advance(seconds=seconds)
        use_token(client, before)
        if signs_out:
            self.sign_out(who=who)
        else:
            self.write(who=who, note=5)
        if token_of(client) == before:
            use_token(client, after)

    @rule(who=BROWSERS)
    def change_password(self, who: int) -> None:
        client = self.browsers[who]
        before = self.meaning_of(client)
        story, person = self.signed_in(client)
        self.passwords += 1
        new = f"a staple of batteries, horse number {self.passwords}"
        response = style.change_password(client, new, person.password if person else PASSWORD)
        if not self.may_do_what_needs_a_fresh_sign_in(story, person, response):
            return
        assert story
        assert person
        person.password = new
        story.proved = self.now
        self.new_epoch(client, story, person, before)

    @rule(who=BROWSERS)
    def revoke_others(self, who: int) -> None:
        client = self.browsers[who]
        before = self.meaning_of(client)
        story, person = self.signed_in(client)
        response = style.revoke_others(client)
        if self.may_do_what_needs_a_fresh_sign_in(story, person, response):
            assert story
            assert person
            self.new_epoch(client, story, person, before)

    @precondition(lambda self: self.meanings)
    @rule(who=BROWSERS, which=st.integers(0, 50))
    def revoke_one(self, who: int, which: int) -> None:
        client = self.browsers[who]
        before = self.meaning_of(client)
        story, person = self.signed_in(client)
        known = [one for one in self.stories() if one.person]
        if not known:
            return
        target = known[-1 - which % len(known)]
        response = style.revoke(client, target.public_id)
        if not target.is_live(self.now) or (person and target.person is not person):
            # Whether a record that has expired is there to be revoked is the store's business.
            assert not style.succeeded(response) or target.person is person
        elif self.may_do_what_needs_a_fresh_sign_in(story, person, response):
            target.ended = True
            self.world.happened["revoked"] += 1
        self.take_note_of_message(client, before)

    @rule(who=BROWSERS, note=st.integers(0, 9))
    def write(self, who: int, note: int) -> None:
        client = self.browsers[who]
        meaning, story = self.meaning_of(client), self.story_of(client)
        response = client.post(f"/model/note/{note}")
        assert response.status_code == 204
        if story and STORE_HAS_THE_DATA:
            story.note, story.seen = note, self.now
            self.assert_no_cookie(response)
        elif story:
            if story.person:
                story.seen = self.now
            else:  # the cookie before this one lives on
                story = replace(story, seen=self.now)
            assert len(cookies_set(response)) == 1
            self.meanings[token_of(client) or ""] = Meaning(story, carried=note)
        elif meaning and meaning.signpost_until and self.now < meaning.signpost_until:
            self.assert_no_cookie(response)  # it would undo the one that the move has sent
            self.world.happened["write of a late request"] += 1
        else:
            self.take_note_of_token(client, Story(None, self.now, self.now, note=note), note)

    @rule(who=BROWSERS, note=st.integers(0, 9))
    def write_anonymously(self, who: int, note: int) -> None:
        use_token(self.browsers[who], None)
        self.write(who=who, note=note)

    @precondition(lambda self: self.meanings)
    @rule(who=BROWSERS, which=st.integers(0, 50))
    def use_a_copied_cookie(self, who: int, which: int) -> None:
        tokens = list(self.meanings)
        use_token(self.browsers[who], tokens[-1 - which % len(tokens)])

    @rule(who=BROWSERS, person=USERS)
    def sign_in_on_a_new_device(self, who: int, person: int) -> None:
        use_token(self.browsers[who], None)
        self.sign_in(who=who, person=person, remember=True)

    @rule(seconds=st.sampled_from(JUMPS))
    def let_time_pass(self, seconds: float) -> None:
        then = self.now + seconds
        if any(then < story.expires <= self.now for story in self.stories()):
            return  # a store may have forgotten it by now, or not
        self.clock.advance(seconds=seconds)

    @rule(times=st.sampled_from([1, 1, 2, 3]))
    def stay_active(self, times: int) -> None:
        for _ in range(times):
            self.clock.advance(seconds=IDLE - 1)
            self.every_token_means_what_the_model_says()

    @rule(who=BROWSERS, person=USERS)
    def disable_for_a_while(self, who: int, person: int) -> None:
        somebody = self.people[person]
        self.command("users", "disable", somebody.email)
        self.end_all(somebody)
        somebody.disabled = True
        self.every_token_means_what_the_model_says()
        self.sign_in(who=who, person=person, remember=False)
        self.command("users", "enable", somebody.email)
        somebody.disabled = False

    @rule(person=USERS)
    def change_what_the_user_may_do(self, person: int) -> None:
        """Raise the epoch and leave the records alone, as a view does that takes a role away."""
        with self.app.app_context():
            user = db.session.get(User, self.people[person].id)
            assert user
            raise_epoch(user)
        self.people[person].epoch += 1

    @rule(person=USERS)
    def revoke_all(self, person: int) -> None:
        self.command("sessions", "revoke", self.people[person].email)
        self.end_all(self.people[person])

    @rule()
    def prune(self) -> None:
        self.command("sessions", "prune")

    @invariant()
    def every_token_means_what_the_model_says(self) -> None:
        for token, meaning in self.meanings.items():
            response = use_token(browser(self.app), token).get("/model/who")
            story, person, note = meaning.story, None, None
            if meaning.signpost_until is None and story.is_live(self.now):
                person, note = story.user(self.now), meaning.note
                is_stored = STORE_HAS_THE_DATA or story.person
                if is_stored and self.now - story.seen >= min(TOUCH_INTERVAL, IDLE / 10):
                    story.seen = self.now
            elif meaning.signpost_until is None and not story.ended:
                self.world.happened["expired"] += 1
            expected = {"email": person.email if person else None, "note": note}
            assert response.get_json() == expected
            self.assert_no_cookie(response)

    @invariant()
    def the_list_of_devices_is_right(self) -> None:
        for person in self.people:
            live = {one.public_id for one in self.stories_of(person) if one.user(self.now)}
            with self.app.app_context():
                user = db.session.get(User, person.id)
                assert user
                listed = [device.id for device in devices_of(user)]
            assert sorted(listed) == sorted(live)

    @property
    def now(self) -> float:
        return self.clock.now

    def command(self, *arguments: str) -> None:
        result = self.app.test_cli_runner().invoke(args=arguments)
        assert result.exit_code == 0, result.output

    def forget_failures(self) -> None:
        """Let the throttle, which has tests of its own, begin anew."""
        with self.app.app_context():
            db.session.execute(sa.delete(counters))
            db.session.commit()

    def stories(self) -> list[Story]:
        return list({id(one.story): one.story for one in self.meanings.values()}.values())

    def stories_of(self, person: Person) -> list[Story]:
        return [one for one in self.stories() if one.person is person]

    def meaning_of(self, client: FlaskClient) -> Meaning | None:
        return self.meanings.get(token_of(client) or "")

    def story_of(self, client: FlaskClient) -> Story | None:
        """Return the session that a request of this browser would find."""
        meaning = self.meaning_of(client)
        is_one = meaning and meaning.signpost_until is None and meaning.story.is_live(self.now)
        return meaning.story if meaning and is_one else None

    def signed_in(self, client: FlaskClient) -> tuple[Story | None, Person | None]:
        story = self.story_of(client)
        return story, story.user(self.now) if story else None

    def may_do_what_needs_a_fresh_sign_in(
        self, story: Story | None, person: Person | None, response: TestResponse
    ) -> bool:
        is_allowed = bool(story and person and self.now - story.proved < FRESH_FOR)
        if story and person and not is_allowed:
            assert style.asks_for_credentials(response)
        else:
            assert style.succeeded(response) is is_allowed
        return is_allowed

    def end(self, story: Story) -> None:
        """Note that a session is over; that of nobody is not, while only its cookie has it."""
        story.ended = STORE_HAS_THE_DATA or story.person is not None

    def take_note_of_token(
        self, client: FlaskClient, story: Story, note: int | None = None
    ) -> None:
        token = token_of(client)
        assert token
        assert token not in self.meanings
        self.meanings[token] = Meaning(story, carried=note)
        record = record_of(self.app, client)
        assert record
        story.public_id = record.public_id

    def take_note_of_message(self, client: FlaskClient, before: Meaning | None) -> None:
        """Note the cookie that brings a message about what was done, and all that was there."""
        token = token_of(client)
        if token and before and not STORE_HAS_THE_DATA and token not in self.meanings:
            self.meanings[token] = before
            record = record_of(self.app, client)
            assert record
            assert record.public_id == before.story.public_id

    def rotated(self, client: FlaskClient, story: Story, before: Meaning | None) -> None:
        """Note that a session has moved to a new token, and left a signpost."""
        public_id = story.public_id
        for token, meaning in self.meanings.items():
            if meaning.story is story and meaning.signpost_until is None:
                until = self.now + SIGNPOST_LIFETIME
                self.meanings[token] = replace(meaning, signpost_until=until)
        story.seen = self.now
        self.take_note_of_token(client, story, before.note if before else None)
        assert story.public_id == public_id
        self.world.happened["rotated"] += 1

    def new_epoch(
        self, client: FlaskClient, story: Story, person: Person, before: Meaning | None
    ) -> None:
        self.end_all(person, keep=story)
        story.epoch = person.epoch
        self.rotated(client, story, before)

    def end_all(self, person: Person, keep: Story | None = None) -> None:
        person.epoch += 1
        for story in self.stories_of(person):
            story.ended = story.ended or story is not keep

    def assert_no_cookie(self, response: TestResponse) -> None:
        assert cookies_set(response) == []


def add_views(app: Flask) -> None:
    """Add a page that says what it sees, and one that writes."""

    @app.get("/model/who")
    @public
    def who() -> Any:
        user = current_user()
        return jsonify(email=user.email if user else None, note=session.get("note"))

    @app.post("/model/note/<int:note>")
    @public
    def write(note: int) -> Any:
        session["note"] = note
        return "", 204


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "SESSION_IDLE_TIMEOUT": timedelta(seconds=IDLE),
        "SESSION_LIFETIME": timedelta(seconds=ABSOLUTE),
        "SESSION_MAX_PER_USER": MAXIMUM,
    }


def test_sessions_are_what_the_model_says(app: Flask, clock: Clock) -> None:
    add_views(app)
    world = SessionMachine.world = World(app, clock)
    for number in range(SEEDS):
        run_state_machine_as_test(
            seed(number)(SessionMachine),
            # Without shrinking: to shorten a story takes minutes, and it is readable as it is.
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                phases=[Phase.generate],
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert set(world.happened) == {
        "dropped",
        "expired",
        "revoked",
        "rotated",
        "signpost followed",
        "write of a late request",
    }
