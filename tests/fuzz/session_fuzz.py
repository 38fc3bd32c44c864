"""Hostile cookies: whatever stands in one, the answer is the one without it (R19, R72).

This file is put among a rendered project's tests (see test_fuzz.py). The cookies come from a
seed, so one that fails comes again. They are put into a WSGI environment, as a server does it.
"""

import base64
import logging
import random
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
from flask import Flask, session
from werkzeug.sansio.http import parse_cookie
from werkzeug.test import EnvironBuilder

from my_flask_app.models import User
from my_flask_app.security.access import public

from .backend import contents
from .stores import WatchedStore
from .style import SIGNED_IN_PAGE
from .support import COOKIE, another_device, token_of

COOKIES = 100_000
SEED = 3
LONGEST = 20_000  # characters; servers refuse longer headers
WORD = string.ascii_letters + string.digits + "-_"
KNOWN = [
    "", " ", '"', '""', '"\\"', "\\", "'", "' OR 1=1 --", "*", "?", "[a-z]*", "{}", "[]", "null",
    "true", "0", "-1", "1e999", "NaN", "../../../../etc/passwd", "..\\..\\x", "/dev/null", "%00",
    "\x00", "a\x00b", "\r\n", "\r\nSet-Cookie: x=1", "a\r\n b", "\t", "\x7f", "\xff\xfe", "%0d%0a",
    "$(id)", "`id`", "${7*7}", "{{7*7}}", "<script>", '{"$gt":""}', "{'$ne': null}", "$where",
    "session:*", "\r\nflush_all\r\n", "* 1\r\n$4\r\nPING", "cos\nsystem\n(S'id'\ntR.", "\x80\x04.",
    "eyJ1c2VyX2lkIjoxfQ.aaaaaa.bbbbbb", ".eJwlzjkOwjAQAMC_bE2xl", "a.b.c", "..", "...",
]  # fmt: skip


class Cookies:
    """Makes hostile cookies, of every kind in turn."""

    def __init__(self, live: list[str], seed: int) -> None:
        self._live = live
        self._random = random.Random(seed)
        malformed = [
            self.random_bytes,
            self.random_unicode,
            self.something_known,
            self.almost_a_token,
            self.cut_off,
            self.with_something_added,
            self.encoded_in_another_way,
            self.parts_of_two,
        ]
        # What can be well-formed costs a call of the store each time, so it comes less often.
        self.kinds = [*malformed * 8, self.unknown_token, self.one_character_changed]

    def hostile(self) -> Iterator[tuple[str, str]]:
        """Yield `Cookie` headers without end, and the first value that stands in each."""
        for header in self._headers():
            value = parse_cookie(header).get(COOKIE, "")
            if value not in self._live:  # but in quotes, or with blanks
                yield header, value

    def _headers(self) -> Iterator[str]:
        while True:
            for kind in self.kinds:
                yield f"{COOKIE}={kind()}"
            yield self.several()

    def random_bytes(self) -> str:
        return self._random.randbytes(self._length()).decode("latin-1")

    def random_unicode(self) -> str:
        characters = self._random.choices(
            "aé☃😀\u202e\ufeff\ud7ff\u0130\u017f", k=self._length() // 8
        )
        text = "".join(characters)
        return text.encode("utf-8").decode("latin-1")

    def something_known(self) -> str:
        return self._random.choice(KNOWN) * self._random.choice([1, 1, 1, 7])

    def unknown_token(self) -> str:
        return "".join(self._random.choices(WORD, k=43))

    def almost_a_token(self) -> str:
        length = self._random.choice([1, 42, 44, 43, 86])
        strange = self._random.choice(
            ["+", "/", "=", ".", "\xe9", "\u0661".encode().decode("latin-1")]
        )
        token = "".join(self._random.choices(WORD, k=length - 1))
        place = self._random.randrange(length)
        return token[:place] + strange + token[place:]

    def one_character_changed(self) -> str:
        token = self._a_live_one()
        place = self._random.randrange(len(token))
        other = self._random.choice(WORD + "=.+ \x00\xff")
        return token[:place] + other + token[place + 1 :]

    def cut_off(self) -> str:
        token = self._a_live_one()
        begin, end = sorted(self._random.sample(range(len(token) + 1), 2))
        return token[begin:end]

    def with_something_added(self) -> str:
        added = self._random.choice(["=", "==", ".", "\n", "\x00", "a", "\\n", "%0a", "\xa0", "*"])
        token = self._a_live_one()
        return self._random.choice([token + added, added + token, token + added + token])

    def encoded_in_another_way(self) -> str:
        token = self._a_live_one()
        ways: list[Callable[[str], str]] = [
            str.swapcase,
            str.upper,
            lambda text: text[::-1],
            lambda text: text.encode().hex(),
            lambda text: base64.b64encode(text.encode()).decode(),
            lambda text: "".join(f"%{ord(character):02x}" for character in text),
            lambda text: text.replace("-", "+").replace("_", "/") + "=",
            lambda text: text.encode("utf-16").decode("latin-1"),
        ]
        return self._random.choice(ways)(token)

    def parts_of_two(self) -> str:
        """Join parts of two cookies: of signed ones, values and the signature of others."""
        one, two = (self._a_live_one().split(".") for _ in range(2))
        parts = [self._random.choice(pair) for pair in zip(one, two, strict=True)]
        self._random.shuffle(parts)
        return ".".join([*parts, *self._random.choice([[], parts, ["e30"]])])

    def several(self) -> str:
        values = [self._random.choice(self.kinds)() for _ in range(self._random.randrange(2, 9))]
        glue = self._random.choice(["; ", ";", ", ", " "])
        return glue.join(f"{COOKIE}={value[:200]}" for value in values)

    def _a_live_one(self) -> str:
        return self._random.choice(self._live)

    def _length(self) -> int:
        longest = self._random.choice([8, 43, 64, 64, 64, 300])
        return self._random.randrange(LONGEST if self._random.random() < 0.005 else longest)


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Page:
    """A page that is asked through WSGI, with nothing but the cookie that differs."""

    def __init__(self, app: Flask, path: str) -> None:
        self._app = app.wsgi_app
        self._environ = EnvironBuilder(path, base_url="https://localhost").get_environ()
        self.without_cookie = self.answer()

    def answer(self, **environ: str) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            started.append((status, headers))

        body = self._app({**self._environ, **environ}, start_response)
        return *started[-1], b"".join(body)


def test_a_hostile_cookie_is_no_cookie(app: Flask, user: User, watched_store: WatchedStore) -> None:
    @app.get("/whose")
    @public
    def whose() -> str:
        return str(session.get("user_id", ""))

    live = [token_of(another_device(app, user)) or "" for _ in range(4)]
    whose_page, own_page = Page(app, "/whose"), Page(app, SIGNED_IN_PAGE)
    assert whose_page.answer(HTTP_COOKIE=f"{COOKIE}={live[0]}")[2] == str(user.id).encode()
    watched_store.calls.clear()
    whose_page.answer(HTTP_COOKIE=f"{COOKIE}={'A' * 43}")
    calls_for_unknown = [*watched_store.calls]  # none when a token has to be signed
    assert calls_for_unknown in (["load"], [])
    form = re.compile(
        r"\.".join(f"[{re.escape(WORD)}]{{{len(part)}}}" for part in live[0].split("."))
    )
    before = contents(watched_store.real)
    seen: Counter[str] = Counter()

    for number, (header, value) in enumerate(islice(Cookies(live, SEED).hostile(), COOKIES)):
        page = own_page if number % 50 == 0 else whose_page
        watched_store.calls.clear()
        assert page.answer(HTTP_COOKIE=header) == page.without_cookie, ascii(header)
        is_token = re.fullmatch(r"[A-Za-z0-9_-]{43}", value) is not None
        expected = calls_for_unknown if is_token else []
        assert watched_store.calls == expected, ascii(header)
        seen["well-formed" if is_token or form.fullmatch(value) else "malformed"] += 1

    assert seen["malformed"] > 0.9 * COOKIES
    assert seen["well-formed"] > 0.02 * COOKIES
    assert contents(watched_store.real) == before
