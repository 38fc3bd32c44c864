"""What a protection is, and the files of a rendered project in which they stand."""

from __future__ import annotations

from dataclasses import dataclass

from tests.baked import COMBINATIONS, QUESTIONS, sample


@dataclass(frozen=True)
class Protection:
    id: str
    file: str
    find: str
    replace: str
    combinations: tuple[str, ...] = ()  # all of the sample, unless named
    database: str | None = None  # the server that shows it; by default a SQLite file


SESSION = "{package}/sessions/session.py"
SAVING = "{package}/sessions/saving.py"
ENDING = "{package}/sessions/ending.py"
INTERFACE = "{package}/sessions/interface.py"
RECORD = "{package}/sessions/record.py"
LIFETIME = "{package}/sessions/lifetime.py"
COOKIE = "{package}/sessions/cookie.py"
SIGNING = "{package}/sessions/signing.py"
STORE = "{package}/sessions/store.py"
ROWS = "{package}/sessions/rows.py"
AS_JSON = "{package}/sessions/as_json.py"
FILES = "{package}/sessions/files.py"
CONNECTION = "{package}/sessions/connection.py"
ADDRESS = "{package}/sessions/address.py"
TABLE = "{package}/sessions/table.py"
IDENTITY = "{package}/auth/identity.py"
ACCOUNTS = "{package}/auth/accounts.py"
PASSWORDS = "{package}/auth/passwords.py"
STYLE = "{package}/auth/style.py"
ACCESS = "{package}/security/access.py"
CSRF = "{package}/security/csrf.py"
HEADERS = "{package}/security/headers.py"
HOSTS = "{package}/security/hosts.py"
REDIRECTS = "{package}/security/redirects.py"
THROTTLE = "{package}/security/throttle.py"
CONFIG = "{package}/config.py"
BODIES = "{package}/bodies.py"
SCHEMAS = "{package}/auth/schemas.py"
DEVICES = "{package}/account/devices.py"
DATABASE_MODULE = "{package}/database.py"
LOGS = "{package}/logs.py"

DATABASE = ("database-password",)
REDIS = ("redis-api",)


def _with_part(part: str) -> tuple[str, ...]:
    """Return the sample's projects whose backend takes a part of options/shared/."""
    backends = {name: COMBINATIONS[name]["session_backend"] for name in sample()}
    return tuple(name for name, it in backends.items() if part in QUESTIONS["_shared"][it])


# Where the cookie is the token alone. Another one is checked by its signature, and of two tabs that
# write at once the later answer wins.
TOKENS = _with_part("tokens")
JSON_RECORDS = _with_part("json-records")
