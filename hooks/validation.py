"""Jinja filters for cookiecutter.json and the template: checks, names, and safe text.

Keep this module small and its filters' meaning as it is. `cruft update` renders the old and the
new template in one process, with the first copy of this module for both: a filter may learn
something new, but must never be renamed or take other arguments. A rule that an old copy does not
know passes, for the same reason.
"""

from __future__ import annotations

import json
import keyword
import re
import sys

from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension
from slugify import slugify

MAX_SLUG = 50
MAX_SHOWN = 60
MINUTES = {"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}
MIN_LIFETIME, MAX_LIFETIME = 5, 400 * 24 * 60

# A package of one of these names would hide what the project, or what it imports, is made of.
# Import names and distribution names, in lower case, with underscores.
KEYWORDS = frozenset(map(str.lower, [*keyword.kwlist, *keyword.softkwlist]))
STANDARD_LIBRARY = frozenset(map(str.lower, sys.stdlib_module_names))
PROJECT_FOLDERS = frozenset("build dist docs instance migrations options tests venv".split())
WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
DEPENDENCIES = frozenset(
    """
    alembic argon2 argon2_cffi argon2_cffi_bindings asn1crypto ast_serialize attr attrs authlib
    blinker boto3 boto3_stubs botocore botocore_stubs bson cbor2 certifi cffi charset_normalizer
    click colorama coverage cryptography dateutil dns dnspython dotenv email_validator environs
    fakeredis flask flask_migrate flask_sqlalchemy greenlet gridfs gunicorn hatchling idna
    iniconfig itsdangerous jinja2 jmespath joserfc librt lupa mako markupsafe marshmallow
    mongomock moto mypy mypy_extensions mypyc openssl packaging passlib pathspec pip pluggy
    psycopg psycopg2 psycopg_binary psycopg_pool py pycparser pygments pymemcache pymongo
    pymysql pyopenssl pytest python_dateutil python_dotenv pytz pyyaml redis requests responses
    ruff s3transfer s3transfer_stubs sentinels setuptools six sortedcontainers sqlalchemy
    time_machine types_boto3 types_s3transfer typing_extensions tzdata urllib3 uv valkey
    webauthn werkzeug wheel wtforms xmltodict yaml zxcvbn
    """.split()
)

# The expressions that cookiecutter.json may contain: a variable through filters of ours.
OUR_EXPRESSION = re.compile(
    r"\{\{ cookiecutter(\.\w+)?( \| (answers_are_data|slug|package|check\('\w+', '\w+'\)))+ \}\}"
)

# What json.dumps leaves as it is, but TOML or YAML refuses, or an editor shows as something else.
INVISIBLE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


class Validation(Extension):
    """Adds the filters, and keeps what was typed from being rendered.

    Cookiecutter renders the answers that come from the command line (`project_name=...`), from
    its configuration or from cruft as if they were templates. Once `answers_are_data` was called,
    which the first line of cookiecutter.json does, this environment renders our own expressions
    only; all else is text, braces included.
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.rendering_answers = False
        environment.filters.update(
            answers_are_data=self.answers_are_data,
            check=check,
            slug=slug,
            package=package,
            data=data,
            plain=plain,
        )

    def answers_are_data(self, _context: object) -> str:
        self.rendering_answers = True
        return ""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        if self.rendering_answers and not OUR_EXPRESSION.fullmatch(source):
            return "{{ " + ascii(source) + " }}"
        return source


def data(text: str) -> str:
    """The text as a literal, quotes included, that TOML, YAML, JSON and Python read alike."""
    literal = json.dumps(str(text), ensure_ascii=False)
    return INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", literal)


def plain(text: str) -> str:
    """The text on one line of Markdown, where no character of it means anything else."""
    line = " ".join(INVISIBLE.sub(" ", str(text)).split())
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", line)


def slug(name: str) -> str:
    """A project_slug that passes its own check, made of the project's name."""
    found = slugify(str(name), max_length=MAX_SLUG, word_boundary=True) or "my-flask-app"
    return f"my-{found}"[:MAX_SLUG].rstrip("-") if slug_fault(found) else found


def package(slug: str) -> str:
    """The name of the package, which is in lower case whatever the folder is (PEP 8)."""
    return slug.replace("-", "_").lower()


def check(answer: object, prompt: str, rule: str) -> str:
    """The answer itself, or the end of the bake: one line with the prompt, the value, the cure."""
    text = str(answer)
    fault = RULES[rule](text) if rule in RULES else None
    if fault:
        shown = json.dumps(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "...")
        raise FailedHookException(f"{prompt} {shown} {fault}")
    return text


def text_fault(text: str) -> str | None:
    if not text.strip():
        return 'is empty: type a name, such as "My Flask App".'
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "is not valid Unicode: type it again, in UTF-8."
    return None


def slug_fault(slug: str) -> str | None:
    if not slug:
        return 'is empty: type letters, digits and hyphens, such as "my-flask-app".'
    if len(slug) > MAX_SLUG:
        return f"has {len(slug)} characters: type at most {MAX_SLUG}."
    if not re.fullmatch(r"[A-Za-z0-9-]+", slug):
        return 'may have letters, digits and hyphens only: type one such as "my-flask-app".'
    if not slug[0].isalpha() or slug.endswith("-"):
        return 'must start with a letter and not end with a hyphen: type one such as "app-2".'
    name = package(slug)
    if name in KEYWORDS:
        meaning = "a keyword of Python"
    elif name in STANDARD_LIBRARY:
        meaning = "a module of Python's standard library"
    elif name in DEPENDENCIES:
        meaning = "a package that the project uses"
    elif name in PROJECT_FOLDERS:
        meaning = "another folder of the project"
    elif name in WINDOWS_DEVICES:
        meaning = "a device on Windows"
    else:
        return None
    return f'is the name of {meaning}: type another one, such as "my-{slug[: MAX_SLUG - 3]}".'


def lifetime_fault(lifetime: str) -> str | None:
    match = re.fullmatch(r"([1-9][0-9]{0,7})([mhdw])", lifetime)
    if not match:
        return "is not a duration: type a number and m, h, d or w, such as 30m, 12h, 7d or 4w."
    minutes = int(match[1]) * MINUTES[match[2]]
    if minutes < MIN_LIFETIME:
        return "is too short: type 5m or more."
    if minutes > MAX_LIFETIME:
        return "is too long: type 400d or less."
    return None


RULES = {"text": text_fault, "slug": slug_fault, "lifetime": lifetime_fault}
