"""Requests of many users while the server with their sessions is killed.

It runs among the tests of a rendered project. FAILOVER_VICTIM is the process to kill,
FAILOVER_FIGURES the file for what was seen: facts, to be judged by who reads them.
"""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from my_flask_app.models import User

from .notebook import add_notebook
from .support import another_device, browser, make_user, token_of, use_token

READERS, WRITERS, VISITORS, USERS = 4, 2, 2, 60
BEFORE, AFTER, LONGEST = 3.0, 3.0, 60.0  # seconds under load; after the last failure; in all


class Load:
    """What the threads share."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.stop = threading.Event()
        self.killed_at = float("inf")
        self.last_failure = 0.0
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.wrong_users = 0
        self.ended: list[str | None] = []  # tokens of sessions whose end was confirmed
        self.begun: list[tuple[str | None, int]] = []  # token and user of confirmed sign-ins

    def ask(self, client: FlaskClient, path: str, *, post: bool = False) -> str | None:
        """Return the answer's text; None for any other than 200."""
        began = time.monotonic()
        answer = client.post(path) if post else client.get(path)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            return answer.text
        self.last_failure = time.monotonic()
        return None


def read(load: Load, client: FlaskClient, user: User) -> None:
    """Keep reading who one is."""
    while not load.stop.is_set():
        if load.ask(client, "/note/user_id") not in (str(user.id), None):
            load.wrong_users += 1


def write(load: Load, client: FlaskClient, user: User) -> None:
    """Keep changing the session, and read who one is in between."""
    number = 0
    while not load.stop.is_set():
        number += 1
        load.ask(client, f"/note/number/{number}", post=True)
        if load.ask(client, "/note/user_id") not in (str(user.id), None):
            load.wrong_users += 1


def visit(load: Load, users: Iterator[User]) -> None:
    """Keep signing in, and every second time out again."""
    for user, stays in zip(users, cycle([True, False]), strict=False):
        if load.stop.is_set():
            return
        client = browser(load.app)
        if load.ask(client, f"/enter/{user.id}", post=True) is None:
            continue
        token = token_of(client)
        if stays:
            load.begun.append((token, user.id))
        elif load.ask(client, "/forget/user_id", post=True) is not None:
            load.ended.append(token)


def test_users_while_a_server_is_killed(app: Flask) -> None:
    add_notebook(app)
    load = Load(app)
    users = [make_user(app, f"user{number}@example.org") for number in range(USERS)]
    visitors = cycle(make_user(app, f"visitor{number}@example.org") for number in range(USERS))
    kept = [(another_device(app, user), user) for user in users]
    jobs: list[tuple[Callable[..., None], Any]] = []
    jobs += [(read, (load, *kept[number])) for number in range(READERS)]
    jobs += [(write, (load, *kept[READERS + number])) for number in range(WRITERS)]
    # Each with users of its own: nobody's sessions become too many.
    shares = [list(islice(visitors, USERS // VISITORS)) for _ in range(VISITORS)]
    jobs += [(visit, (load, cycle(share))) for share in shares]
    threads = [threading.Thread(target=job, args=arguments) for job, arguments in jobs]
    for thread in threads:
        thread.start()
    try:
        time.sleep(BEFORE)
        before = load.statuses.copy()
        load.killed_at = time.monotonic()
        os.kill(int(os.environ["FAILOVER_VICTIM"]), signal.SIGKILL)
        time.sleep(AFTER)
        while time.monotonic() < min(load.last_failure + AFTER, load.killed_at + LONGEST):
            time.sleep(0.05)
    finally:
        load.stop.set()
        for thread in threads:
            thread.join(30)
    Path(os.environ["FAILOVER_FIGURES"]).write_text(
        json.dumps(figures(load, before, kept)), encoding="utf-8"
    )


def figures(
    load: Load, before: Counter[int], kept: list[tuple[FlaskClient, User]]
) -> dict[str, Any]:
    """Return what there is to say, each session's token presented once more."""
    during = load.statuses - before

    def user_of(token: str | None) -> str:
        return use_token(browser(load.app), token).get("/note/user_id").text

    return {
        "errors before": {str(status): n for status, n in before.items() if status != 200},
        "answers": sum(load.statuses.values()),
        "statuses": {str(status): n for status, n in during.items()},
        "seconds until the last error": round(max(0.0, load.last_failure - load.killed_at), 1),
        "slowest answer": round(load.slowest, 1),
        "wrong users": load.wrong_users,
        "sessions from before": len(kept),
        "of them lost": sum(user_of(token_of(client)) != str(user.id) for client, user in kept),
        "sign-ins": len(load.begun),
        "sign-ins lost": sum(user_of(token) != str(user_id) for token, user_id in load.begun),
        "sign-outs": len(load.ended),
        "sign-outs undone": sum(user_of(token) != "" for token in load.ended),
    }
