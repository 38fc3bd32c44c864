"""What a store keeps of one session."""

import hashlib
import json
import math
import re
import secrets
from dataclasses import dataclass, replace
from typing import Any

from flask.json.tag import TaggedJSONSerializer

LONGEST_USER_AGENT = 200  # characters that are kept
LONGEST_IP = 45  # characters of the longest IPv6 address
SIGNPOST_LIFETIME = 60.0  # seconds; far longer than an answer is under way
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
SIGNPOST = re.compile(r"[0-9]{1,18}")
LARGEST_ID = 2**63 - 1  # a database takes no larger number
FAR = 1e11  # seconds; of a time beyond the year 5138 no date can be made in the end
PLAIN = frozenset({bool, float, int, str, type(None)})

# What reading planted data can raise: an empty tag StopIteration, a far year OverflowError.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)


class UnreadableRecord(Exception):
    """What stands under a session's key is no record of ours."""


@dataclass(frozen=True, slots=True)
class Record:
    """One session at rest. Times are seconds since the epoch, with fractions."""

    key: str  # the digest of the cookie's token: a leaked store holds no usable cookie
    public_id: str  # names the session in the list of devices, opens nothing
    data: str  # the session's values as tagged JSON
    user_id: int | None
    created_at: float
    seen_at: float
    expires_at: float
    version: int  # grows with each update, for compare-and-swap
    user_agent: str
    ip: str


class _Serializer(TaggedJSONSerializer):
    """Flask's tagged JSON, by the standard library alone: it works outside every context."""

    def dumps(self, value: Any) -> str:
        tagged = value if _is_plain(value) else self.tag(value)
        return json.dumps(tagged, separators=(",", ":"))

    def loads(self, value: str) -> Any:
        values = json.loads(value)
        # A tag is an object whose only key begins with a space. Few sessions have one.
        return self._untag_scan(values) if '{" ' in value else values


def _is_plain(value: Any) -> bool:
    """Tell whether JSON keeps the value as it is: Flask's search for what to tag is slow."""
    if type(value) is dict:
        return len(value) != 1 and all(map(_is_plain, value.values()))  # one key may be a tag
    if type(value) is list:
        return all(map(_is_plain, value))
    return type(value) in PLAIN


_serializer = _Serializer()


def new_token() -> str:
    """Return a fresh cookie value: 256 random bits (ASVS 7.2.3 asks for 128)."""
    return secrets.token_urlsafe(32)


def is_token(value: str) -> bool:
    """Tell whether a cookie's value can be one of ours, before a store ever sees it."""
    return TOKEN.fullmatch(value) is not None


def key_of(token: str) -> str:
    """Return the key under which the session of this token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def encode(values: dict[str, Any]) -> str:
    """Return a session's values as text. Raises TypeError for what JSON cannot hold."""
    return _serializer.dumps(values)


def decode(record: Record) -> dict[str, Any]:
    """Return a record's values. Raises UnreadableRecord when it is damaged or was planted.

    Only data is read, never code: whoever can write to the store can end a session, not run a
    command (CWE-502).
    """
    try:
        values = _serializer.loads(record.data)
    except UNREADABLE as error:
        raise UnreadableRecord from error
    if not isinstance(values, dict) or not is_well_formed(record):
        raise UnreadableRecord
    user_id = values.get("user_id")
    if type(user_id) is not type(record.user_id) or user_id != record.user_id:
        raise UnreadableRecord
    return values


def signpost(record: Record, now: float) -> Record:
    """Return what a move leaves under the old key for a minute: whose session it was.

    It is no session, for its data is a number and not an object. A sign-out that was sent before
    the new cookie had arrived follows it.
    """
    return replace(
        record,
        data=str(record.user_id),
        user_id=None,
        seen_at=now,
        expires_at=now + SIGNPOST_LIFETIME,
        version=record.version + 1,
    )


def is_signpost(record: Record) -> bool:
    """Tell whether this is no session, but what the move of one has left."""
    return (
        record.user_id is None
        and is_well_formed(record)
        and SIGNPOST.fullmatch(record.data) is not None
    )


def is_well_formed(record: Record) -> bool:
    """Tell whether each field is of its type, and no number larger than one can calculate with."""
    times = (record.created_at, record.seen_at, record.expires_at)
    texts = (record.key, record.public_id, record.data, record.user_agent, record.ip)
    return (
        all(isinstance(time, float) and math.isfinite(time) for time in times)
        and max(record.created_at, record.seen_at) < FAR
        and all(isinstance(text, str) for text in texts)
        and type(record.version) is int
        and type(record.user_id) in (int, type(None))
        and (record.user_id is None or 0 < record.user_id <= LARGEST_ID)
    )
