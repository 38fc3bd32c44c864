"""Passwords: what is a good one, how it is kept, how it is checked."""

import os
import re
import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import ServiceUnavailable
from zxcvbn import zxcvbn

SHORTEST = 15  # characters; NIST SP 800-63B-4 3.1.1.2 for a password without a second factor
LONGEST = 128
GOOD_SCORE = 3  # of zxcvbn, out of 4: "safely unguessable"

SHORTEST_WORD = 3  # characters of a word that counts as the site's or the user's own
ZXCVBN_LONGEST = 72

# zxcvbn tries every combination of the letters that signs may stand for. Where there are many signs
# that takes seconds, which anybody could make it spend; with one sign for each letter it is quick.
ALIKE = str.maketrans("@{[<!|$+", "4(((1157")

# The OWASP Password Storage Cheat Sheet's argon2id: 19 MiB, two passes, one lane.
PROFILE = {"memory_cost": 19_456, "time_cost": 2, "parallelism": 1}

# Hashing takes a processor and 19 MiB. More of it at once than there are processors would only
# make everybody wait, so whoever finds no place soon is asked to come back (CWE-770).
_places = BoundedSemaphore(max(2, os.cpu_count() or 2))
LONGEST_WAIT = 1.0  # seconds


class WeakPassword(ValueError):
    """A password that must not be used. The message says why, to the user."""


def normalize(password: str) -> str:
    """Return the password so that each way to type it is the same (NFC)."""
    return unicodedata.normalize("NFC", password)


def check_strength(password: str, *, email: str) -> None:
    """Raise WeakPassword for a password that is short, long, or easily guessed.

    No rules about kinds of characters, and no forced changes: they make passwords worse.
    """
    password = normalize(password)
    if len(password) < SHORTEST:
        raise WeakPassword(f"Use at least {SHORTEST} characters. A few words make a good password.")
    if len(password) > LONGEST:
        raise WeakPassword(f"Use at most {LONGEST} characters.")
    if not _is_text(password):
        raise WeakPassword("Use characters that can be stored as text.")
    domain = email.partition("@")[2]
    rest = _without_own_words(password, current_app.config["PROJECT_NAME"], email, domain)
    judged = zxcvbn(rest.translate(ALIKE)[:ZXCVBN_LONGEST])
    if judged["score"] < GOOD_SCORE:
        hint = judged["feedback"]["warning"] or "It is easy to guess."
        raise WeakPassword(f"{hint} Choose words that have nothing to do with you or this site.")


def hash_password(password: str) -> str:
    """Return the argon2id hash, with its salt and parameters, as a PHC string."""
    with _Place():
        return _hasher().hash(normalize(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether the password fits. Without a hash, do the same work and return False.

    An unknown user then takes as long to refuse as a wrong password (CWE-208).
    """
    known = password_hash is not None and _is_text(password) and len(password) <= LONGEST
    target = password_hash if known and password_hash else _dummy_hash()
    with _Place():
        try:
            _hasher().verify(target, normalize(password) if known else "no password")
        except (VerificationError, InvalidHashError):
            return False
    return known


def needs_rehash(password_hash: str) -> bool:
    """Tell whether the hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(password_hash)


def _without_own_words(password: str, *names: str) -> str:
    """Return what is left of a password without the words with which guessing it would begin."""
    words: set[str] = set()
    for name in names:
        parts = re.split(r"[\W_]+", name)
        words |= {name, "".join(parts), *parts}
    longest_first = sorted((word for word in words if len(word) >= SHORTEST_WORD), key=len)[::-1]
    pattern = "|".join(map(re.escape, longest_first)) or "(?!)"
    return re.sub(pattern, "", password, flags=re.IGNORECASE) or "x"


class _Place:
    """One of the places for hashing. Raises ServiceUnavailable when none gets free in time."""

    def __enter__(self) -> None:
        if not _places.acquire(timeout=LONGEST_WAIT):
            raise ServiceUnavailable("Too many people are signing in.", retry_after=2)

    def __exit__(self, *_: object) -> None:
        _places.release()


def prepare(state: BlueprintSetupState) -> None:
    """Make the hash that stands in for unknown users: it fits no password anybody could send.

    At the start, so that the first unknown user does not take longer than others.
    """
    profile = state.app.config.setdefault("ARGON2_PROFILE", PROFILE)
    hasher = PasswordHasher(**profile)
    state.app.extensions["dummy_password_hash"] = hasher.hash(os.urandom(32).hex())


def _hasher() -> PasswordHasher:
    return PasswordHasher(**current_app.config["ARGON2_PROFILE"])


def _dummy_hash() -> str:
    return str(current_app.extensions["dummy_password_hash"])


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
