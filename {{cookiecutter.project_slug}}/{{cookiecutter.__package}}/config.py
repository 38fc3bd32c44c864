"""Every setting, read from the environment and checked before the application starts.

Any NAME can also be given as NAME_FILE, the path of a file that holds the value (Docker secrets).
"""

import ipaddress
import re
import tomllib
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

import sqlalchemy as sa
from environs import EnvValidationError, FileAwareEnv, ValidationError, validate
from flask.helpers import get_debug_flag

from .auth import style
from .sessions import store

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST_LIFETIME = timedelta(days=400)  # browsers keep no cookie longer (RFC 6265bis 5.7)
SHORTEST_KEY = 32  # bytes
FEWEST_CHARACTERS = 8  # different ones: random keys have more
PLACEHOLDERS = (
    *("change", "secret", "example", "password", "placeholder", "insecure", "develop"),
    *("0123456789", "abcdefgh", "qwerty", "192b9bdd22ab9ed4"),  # the last one: Flask's manual
)
DATABASES = ("sqlite", "postgresql+psycopg", "mariadb+pymysql", "mysql+pymysql")
HOST = r"[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?"
ORIGIN = re.compile(rf"https?://{HOST}/?", re.IGNORECASE)
TRUSTED_HOST = re.compile(rf"\.?{HOST}", re.IGNORECASE)  # with a leading dot: and all below it

# What Flask would take from its configuration, but what no deployment may weaken (ASVS 3.3).
FIXED = (
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_PATH",
)


class Environment(FileAwareEnv):
    """The environment, with what is wrong in it collected for one message."""

    def __init__(self) -> None:
        super().__init__(eager=False, strip_whitespace=True)

    def fault(self, name: str, message: str) -> None:
        """Note what is wrong with a setting. Never put its value into the message."""
        self._errors[name].append(message)

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            return super()._get_value(env_key, default)
        except (OSError, ValueError):
            self.fault(f"{env_key}_FILE", "must be the path of a readable text file")
            return ""


def read_settings() -> dict[str, Any]:
    """Return the configuration for Flask. Raises SystemExit that names every fault."""
    env = Environment()
    stages = ["production", "development", "testing"]
    stage = env.str("APP_ENV", "production", validate=validate.OneOf(stages)) or "production"
    values = _application(env, stage) | _session_settings(env, stage) | _mail(env)
    values |= store.settings(env) | style.settings(env)
    try:
        env.seal()
    except EnvValidationError as error:
        faults = cast("dict[str, list[str]]", error.error_messages)
        lines = [f"  {name}: {' '.join(map(str, faults[name]))}" for name in sorted(faults)]
        message = "The environment does not configure this application:\n" + "\n".join(lines)
        raise SystemExit(message) from None
    return values


def _application(env: Environment, stage: str) -> dict[str, Any]:
    values = {
        "APP_ENV": stage,
        "PROJECT_NAME": _defaults()["PROJECT_NAME"],
        "DEBUG": _debug(env, stage),
        "TESTING": stage == "testing",
        "SECRET_KEY": env.str("SECRET_KEY", validate=_check_secret_key),
        "SECRET_KEY_FALLBACKS": _list(env, "SECRET_KEY_FALLBACKS", _check_secret_key),
        "SQLALCHEMY_DATABASE_URI": env.str(
            "DATABASE_URL", _unless_production(stage, "sqlite:///app.db"), validate=_check_database
        ),
        "PROXY_HOPS": env.int("PROXY_HOPS", 0, validate=validate.Range(0, 10)),
        "LOG_FORMAT": env.str(
            "LOG_FORMAT",
            "json" if stage == "production" else "text",
            validate=validate.OneOf(["json", "text"]),
        ),
        # Limits on what a request may bring; a view that takes uploads raises its own
        # `request.max_content_length`.
        "MAX_CONTENT_LENGTH": 256 * 1024,
        "MAX_FORM_MEMORY_SIZE": 64 * 1024,
        "MAX_FORM_PARTS": 100,
    }
    return values | _addresses(env, stage)


def _addresses(env: Environment, stage: str) -> dict[str, Any]:
    default = "http://localhost:5000" if stage == "development" else "http://localhost"
    url = env.str("EXTERNAL_URL", _unless_production(stage, default), validate=_check_origin)
    parts = urlsplit(url or default)
    if parts.scheme == "http" and stage == "production" and not _is_loopback(parts.hostname or ""):
        env.fault("EXTERNAL_URL", "must start with https://, except on the machine itself.")
    own = [] if stage == "development" else [parts.hostname or ""]
    hosts = [name.lower() for name in _list(env, "TRUSTED_HOSTS", _check_host)] or own
    if stage == "testing":
        hosts = [*hosts, "localhost"]
    return {
        "EXTERNAL_URL": _origin(parts),
        "TRUSTED_HOSTS": hosts or None,
    }


def _session_settings(env: Environment, stage: str) -> dict[str, Any]:
    development = stage == "development"
    env.add_parser("duration", _duration)
    default = _duration(_defaults()["SESSION_LIFETIME"])
    lifetime = env.duration("SESSION_LIFETIME", default) or default
    hour, day = timedelta(hours=1), timedelta(days=1)
    idle_default = lifetime / 2 if lifetime > day else min(lifetime, hour)
    idle = env.duration("SESSION_IDLE_TIMEOUT", idle_default) or idle_default
    if lifetime > LONGEST_LIFETIME:
        env.fault("SESSION_LIFETIME", "must be at most 400d.")
    if idle > lifetime:
        env.fault("SESSION_IDLE_TIMEOUT", "must not be longer than SESSION_LIFETIME.")
    for name in FIXED:
        if env.str(name, None) is not None:
            env.fault(name, "is not a setting here: the cookie is always safe. Remove it.")
    name = env.str(
        "SESSION_COOKIE_NAME",
        "session" if development else "__Host-session",
        validate=validate.Regexp(r"[\w-]+\Z" if development else r"__Host-[\w-]+\Z"),
    )
    return {
        "SESSION_LIFETIME": lifetime,
        "SESSION_IDLE_TIMEOUT": idle,
        "SESSION_COOKIE_NAME": name,
        "SESSION_COOKIE_SAMESITE": env.str(
            "SESSION_COOKIE_SAMESITE", "Lax", validate=validate.OneOf(["Lax", "Strict"])
        ),
        "SESSION_COOKIE_SECURE": not development,
        "SESSION_MAX_PER_USER": env.int(
            "SESSION_MAX_PER_USER", 20, validate=validate.Range(1, 1000)
        ),
    }


def _mail(env: Environment) -> dict[str, Any]:
    return {
        "MAIL_URL": env.str("MAIL_URL", "console:", validate=_check_mail_url),
        "MAIL_FROM": env.str(
            "MAIL_FROM", "no-reply@localhost", validate=validate.Regexp(r"[^\s@]+@[^\s@]+\Z")
        ),
    }


def _defaults() -> dict[str, str]:
    """Return the answers that this project was made with."""
    text = Path(__file__).with_name("defaults.toml").read_text(encoding="utf-8")
    return {name: str(value) for name, value in tomllib.loads(text).items()}


def _unless_production(stage: str, value: str) -> Any:
    """Return a default for one's own machine; production has to say what it wants."""
    return ... if stage == "production" else value


def _debug(env: Environment, stage: str) -> bool:
    # Asked in Flask's own way, in which FLASK_DEBUG=off means on.
    debug = get_debug_flag()
    if debug and stage == "production":
        env.fault("FLASK_DEBUG", "must not be set where APP_ENV is production.")
    return debug


def _list(env: Environment, name: str, check: Any = None) -> list[str]:
    values = [value.strip() for value in (env.str(name, "") or "").split(",") if value.strip()]
    for value in values:
        try:
            if check:
                check(value)
        except ValidationError as error:
            env.fault(name, str(error.args[0]))
    return values


def _duration(text: str | timedelta) -> timedelta:
    """Return `90s`, `30m`, `12h`, `7d` or `4w` as a timedelta, and a timedelta as it is."""
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"([1-9][0-9]{0,7})([smhdw])", text)
    if not match:
        raise ValidationError("must be a whole number with a unit, such as 30m, 12h, 7d or 4w.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _check_secret_key(key: str) -> None:
    """Refuse keys that are short, known or typed (ASVS 11.5.1, CWE-1391)."""
    lowered = key.lower()
    if (
        not key.isprintable()  # nor is what was not UTF-8 in the environment
        or " " in key  # a sentence
        or not re.search(r"[0-9A-Z]", key)  # words, an alphabet
        or len(key.encode()) < SHORTEST_KEY
        or len(set(key)) < FEWEST_CHARACTERS
        or key.isdigit()
        or any(word in lowered for word in PLACEHOLDERS)
    ):
        raise ValidationError("must be at least 32 random bytes: secrets.token_hex(32) in Python.")


def _check_database(url: str) -> None:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise ValidationError("must be a database URL.") from None
    if parsed.drivername not in DATABASES:
        raise ValidationError(
            "must start with sqlite:///, postgresql+psycopg://, mariadb+pymysql:// or"
            " mysql+pymysql://."
        )
    if parsed.drivername.endswith("+pymysql") and find_spec("pymysql") is None:
        raise ValidationError(
            "needs PyMySQL: uv sync --extra mariadb, or pip install '.[mariadb]'."
        )
    in_memory = not parsed.database or re.search(":memory:|mode=memory", unquote(url))
    if parsed.drivername == "sqlite" and in_memory:
        raise ValidationError("must name a file: threads do not share a database in memory.")


def _check_origin(url: str) -> None:
    try:
        usable = ORIGIN.fullmatch(url) is not None and urlsplit(url).port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValidationError("must be an origin, such as https://app.example.org.")


def _check_host(name: str) -> None:
    if not TRUSTED_HOST.fullmatch(name):
        raise ValidationError("must be host names, such as app.example.org or .example.org.")


def _check_mail_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_server = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
        is_file = parts.scheme == "file" and bool(parts.path)
    except ValueError:
        is_server = is_file = False
    if url != "console:" and not is_server and not is_file:
        raise ValidationError("must be smtp://host:port, smtps://host:port, console: or file:PATH.")


def _origin(parts: SplitResult) -> str:
    """Return the origin as browsers send it: in lower case, without the scheme's own port."""
    netloc = parts.netloc.lower()
    default_port = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{netloc.removesuffix(default_port)}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
