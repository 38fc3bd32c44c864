"""A record as one value, for a store that has no fields of its own: an object of JSON."""

import json
from dataclasses import fields
from typing import get_type_hints

from .record import UNREADABLE, Record, UnreadableRecord

FIELDS = tuple(field.name for field in fields(Record) if field.name != "key")
TYPES = get_type_hints(Record)
TIMES = tuple(name for name in FIELDS if TYPES[name] is float)


def dump(record: Record) -> bytes:
    """Return all of the record but its key, under which the value is stored."""
    return json.dumps({name: getattr(record, name) for name in FIELDS}).encode()


def parse(key: str, value: bytes) -> Record:
    """Return the record. Raises UnreadableRecord when the value is damaged or was planted."""
    try:
        values = json.loads(value)
        times = {name: float(values[name]) for name in TIMES}
        record = Record(key=key, **{**values, **times})
    except UNREADABLE as error:
        raise UnreadableRecord from error
    if not all(isinstance(getattr(record, name), TYPES[name]) for name in FIELDS):
        raise UnreadableRecord
    return record
