"""The settings: what is missing or unsafe stops the start, by name and never by value."""

import os
import re
import secrets
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade

from my_flask_app import config, create_app
from my_flask_app.config import _check_secret_key
from my_flask_app.database import db
from my_flask_app.models import User

from .backend import ENVIRONMENT
from .conftest import clear_environment
from .support import dispose_engines

ROOT = Path(__file__).parents[1]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SECRET = "hunter2-4cbd7d1e-hunter2"  # what must never be repeated


@pytest.fixture(autouse=True)
def production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set what production needs, and nothing else."""
    clear_environment(monkeypatch)
    monkeypatch.setenv("SECRET_KEY", secrets.token_hex(32))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/app.db")
    monkeypatch.setenv("EXTERNAL_URL", "https://app.example.org")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def refusal() -> str:
    """Return what `create_app` says when it refuses to start."""
    with pytest.raises(SystemExit) as refused:
        create_app()
    message = refused.value.code
    assert isinstance(message, str), "a text, so that the exit status is 1"
    assert SECRET not in message
    return message


@pytest.mark.requirement("R05", "R06")
def test_production_is_what_nobody_has_to_ask_for() -> None:
    app = create_app()
    assert app.config["APP_ENV"] == "production"
    assert not app.debug
    assert not app.testing
    assert app.config["LOG_FORMAT"] == "json"
    assert app.config["SESSION_COOKIE_NAME"] == "__Host-session"
    assert app.config["SESSION_COOKIE_SECURE"] is True
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"


@pytest.mark.requirement("R01")
@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "EXTERNAL_URL"])
def test_production_does_not_start_without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    assert f"  {name}: " in refusal()


@pytest.mark.requirement("R01")
@pytest.mark.parametrize("stage", ["production", "development", "testing"])
@pytest.mark.parametrize("key", ["", " ", "\t" * 40])
def test_an_empty_key_is_none_anywhere(
    monkeypatch: pytest.MonkeyPatch, stage: str, key: str
) -> None:
    monkeypatch.setenv("APP_ENV", stage)
    monkeypatch.setenv("SECRET_KEY", key)
    assert "SECRET_KEY" in refusal()


@pytest.mark.requirement("R02")
@pytest.mark.parametrize(
    "key",
    [
        "dev",
        "a" * 64,
        "abab" * 16,
        "1234567890" * 7,
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz-abcdef",
        "this-key-I-shall-change-one-day-or-not",
        "super-SECRET-key-of-my-application-1",
        "correct horse battery staple correct 1",
        "correct-horse-battery-staple-correct",
        "thequickbrownfoxjumpsoverthelazydog",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's manual
        "4cbd7d1e0a5f4e1c9b7d8a6f3e2c1b0"[:31],
        "\udcff3fA9c07eB1d5" * 4,  # bytes that are no UTF-8
    ],
)
def test_a_key_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("SECRET_KEY", key)
    message = refusal()
    assert "SECRET_KEY: must be at least 32 random bytes" in message
    assert key not in message


@pytest.mark.requirement("R02")
def test_a_random_key_is_never_refused() -> None:
    for _ in range(200):
        for key in (secrets.token_hex(32), secrets.token_urlsafe(32), secrets.token_hex(16)):
            _check_secret_key(key)


@pytest.mark.requirement("R02")
def test_the_example_holds_no_key_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    match = re.search(r"^SECRET_KEY=(.*)$", EXAMPLE, re.MULTILINE)
    assert match
    monkeypatch.setenv("SECRET_KEY", match[1])
    assert "SECRET_KEY" in refusal()


@pytest.mark.requirement("R03")
def test_secrets_do_not_go_into_git() -> None:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {".env", "secrets/"} <= {line.lstrip("/") for line in lines}


@pytest.mark.requirement("R04")
def test_former_keys_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [secrets.token_hex(32), secrets.token_hex(32)]
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", ", ".join(keys))
    assert create_app().config["SECRET_KEY_FALLBACKS"] == keys


@pytest.mark.requirement("R04", "R02")
def test_former_keys_are_held_to_the_same_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{secrets.token_hex(32)},{SECRET}")
    assert "SECRET_KEY_FALLBACKS: must be at least 32" in refusal()


@pytest.mark.requirement("R05")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_ENV", SECRET),
        ("APP_ENV", ""),
        ("DATABASE_URL", f"mysql://app:{SECRET}@localhost/app"),
        ("DATABASE_URL", f"mariadb://app:{SECRET}@localhost/app"),
        ("DATABASE_URL", f"mysql+mysqldb://app:{SECRET}@localhost/app"),
        ("DATABASE_URL", f"postgresql://app:{SECRET}@localhost/app"),
        ("DATABASE_URL", f"postgresql+psycopg://app:{SECRET}@localhost:port/app"),
        ("DATABASE_URL", "sqlite+aiosqlite:///app.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///file::memory:?uri=true"),
        ("DATABASE_URL", "sqlite:///file:%3Amemory%3A?uri=true"),
        ("DATABASE_URL", "sqlite:///file:app?mode=memory&cache=shared&uri=true"),
        ("DATABASE_URL", SECRET),
        ("EXTERNAL_URL", "http://app.example.org"),
        ("EXTERNAL_URL", "http://localhost.example.org"),
        ("EXTERNAL_URL", "app.example.org"),
        ("EXTERNAL_URL", "https://"),
        ("EXTERNAL_URL", "https://app.example.org/path"),
        ("EXTERNAL_URL", "https://app.example.org?query"),
        ("EXTERNAL_URL", f"https://app:{SECRET}@app.example.org"),
        ("EXTERNAL_URL", "https://app.example.org:99999"),
        ("EXTERNAL_URL", "https://app.example.org:0"),
        ("EXTERNAL_URL", "https://app example.org"),
        ("EXTERNAL_URL", "https://app\\example.org"),
        ("EXTERNAL_URL", "https://bücher.example"),  # browsers say xn--bcher-kva.example
        ("EXTERNAL_URL", "ftp://app.example.org"),
        ("LOG_FORMAT", SECRET),
        ("MAIL_FROM", SECRET),
        ("MAIL_FROM", "app@example.org\nBcc: everybody@example.org"),
        ("MAIL_URL", SECRET),
        ("MAIL_URL", "console:x"),
        ("MAIL_URL", "file:"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "smtp://["),
        ("MAIL_URL", f"smtp://app:{SECRET}@mail.example.org:port"),
        ("PROXY_HOPS", "-1"),
        ("PROXY_HOPS", "maybe"),
        ("PROXY_HOPS", "1.5"),
        ("SESSION_IDLE_TIMEOUT", "8d"),
        ("SESSION_LIFETIME", SECRET),
        ("SESSION_LIFETIME", ""),
        ("SESSION_LIFETIME", "0m"),
        ("SESSION_LIFETIME", "-1d"),
        ("SESSION_LIFETIME", "7"),
        ("SESSION_LIFETIME", "1e9s"),
        ("SESSION_LIFETIME", "401d"),
        ("SESSION_LIFETIME", "99999999w"),
        ("SESSION_LIFETIME", "\N{ARABIC-INDIC DIGIT SEVEN}d"),
        ("SESSION_MAX_PER_USER", "0"),
        ("SESSION_MAX_PER_USER", "many"),
        ("TRUSTED_HOSTS", "*"),
        ("TRUSTED_HOSTS", "app.example.org,https://app.example.org"),
    ],
)
def test_nonsense_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("SESSION_LIFETIME", "7d")
    monkeypatch.setenv(name, value)
    assert f"  {name}: " in refusal()


@pytest.mark.parametrize("driver", ["mariadb+pymysql", "mysql+pymysql"])
def test_a_driver_that_is_not_installed_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{driver}://app:{SECRET}@localhost/app")
    monkeypatch.setitem(sys.modules, "pymysql", None)
    assert "  DATABASE_URL: needs PyMySQL: uv sync --extra mariadb, or pip install" in refusal()


@pytest.mark.parametrize("driver", ["mariadb+pymysql", "mysql+pymysql"])
def test_a_driver_that_is_installed_is_used(monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    monkeypatch.setattr(config, "find_spec", lambda name: name)
    config._check_database(f"{driver}://app:{SECRET}@localhost/app")


def test_a_file_may_have_any_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/memory.db")
    assert create_app().config["SQLALCHEMY_DATABASE_URI"].endswith("memory.db")


@pytest.mark.requirement("R05")
def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("DATABASE_URL", SECRET)
    monkeypatch.setenv("SESSION_LIFETIME", SECRET)
    monkeypatch.setenv("SESSION_COOKIE_SECURE", "false")
    monkeypatch.setenv("FLASK_DEBUG", "1")
    names = re.findall(r"^  (\w+): ", refusal(), re.MULTILINE)
    assert names == sorted(names)
    assert set(names) == {
        "DATABASE_URL",
        "FLASK_DEBUG",
        "SECRET_KEY",
        "SESSION_COOKIE_SECURE",
        "SESSION_LIFETIME",
    }


@pytest.mark.requirement("R80")
def test_a_setting_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = secrets.token_hex(32)
    (tmp_path / "secret_key").write_text(f"{key}\n", encoding="utf-8")
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret_key"))
    assert create_app().config["SECRET_KEY"] == key


@pytest.mark.requirement("R80", "R05")
def test_a_number_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hops").write_text(" 2\n", encoding="utf-8")
    monkeypatch.setenv("PROXY_HOPS_FILE", str(tmp_path / "hops"))
    assert create_app().config["PROXY_HOPS"] == 2


@pytest.mark.requirement("R01", "R80")
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\xfd" * 20])
def test_a_file_without_a_usable_key_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "secret_key").write_bytes(content)
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret_key"))
    assert "SECRET_KEY" in refusal()


@pytest.mark.requirement("R05", "R80")
@pytest.mark.parametrize("name", ["SECRET_KEY", "TRUSTED_HOSTS", "PROXY_HOPS"])
def test_a_file_that_is_not_there_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / SECRET))
    assert f"  {name}_FILE: " in refusal()


@pytest.mark.requirement("R06")
@pytest.mark.parametrize("value", ["1", "true", "on", "yes", "off", "debug"])
def test_debugging_is_refused_in_production(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    # For Flask all of these mean on.
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert "  FLASK_DEBUG: " in refusal()


@pytest.mark.requirement("R06")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLASK_DEBUG", "0"),
        ("FLASK_DEBUG", "False"),
        ("FLASK_DEBUG", ""),
        ("FLASK_ENV", "development"),
        ("FLASK_TESTING", "1"),
        ("FLASK_SECRET_KEY", "dev"),
        ("DEBUG", "1"),
        ("TESTING", "1"),
    ],
)
def test_what_else_might_switch_it_on_does_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    app = create_app()
    assert (app.debug, app.testing) == (False, False)
    assert app.config["SECRET_KEY"] != "dev"


@pytest.mark.requirement("R07")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_COOKIE_SECURE", "false"),
        ("SESSION_COOKIE_SECURE", "true"),  # not a setting: nobody should think that it is
        ("SESSION_COOKIE_HTTPONLY", "false"),
        ("SESSION_COOKIE_DOMAIN", ".example.org"),
        ("SESSION_COOKIE_PATH", "/app"),
        ("SESSION_COOKIE_SAMESITE", "None"),
        ("SESSION_COOKIE_SAMESITE", ""),
        ("SESSION_COOKIE_NAME", "session"),
        ("SESSION_COOKIE_NAME", "__Secure-session"),
        ("SESSION_COOKIE_NAME", "__Host-a=b; Domain=example.org"),
        ("SESSION_COOKIE_NAME", "__Host-session\n"),
    ],
)
@pytest.mark.parametrize("stage", ["production", "testing"])
def test_the_cookie_cannot_be_made_weaker(
    monkeypatch: pytest.MonkeyPatch, stage: str, name: str, value: str
) -> None:
    monkeypatch.setenv("APP_ENV", stage)
    monkeypatch.setenv(name, value)
    assert f"  {name}: " in refusal()


@pytest.mark.requirement("R07", "R12")
def test_the_cookie_can_be_made_stricter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_COOKIE_NAME", "__Host-shop")
    monkeypatch.setenv("SESSION_COOKIE_SAMESITE", "Strict")
    config = create_app().config
    assert config["SESSION_COOKIE_NAME"] == "__Host-shop"
    assert config["SESSION_COOKIE_SAMESITE"] == "Strict"


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1", "http://app.localhost"]
)
def test_production_on_ones_own_machine_may_be_http(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("EXTERNAL_URL", url)
    assert create_app().config["EXTERNAL_URL"] == url


@pytest.mark.requirement("R77")
def test_only_the_name_of_external_url_is_trusted_by_default() -> None:
    assert create_app().config["TRUSTED_HOSTS"] == ["app.example.org"]


@pytest.mark.requirement("R77")
def test_more_names_can_be_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_HOSTS", "App.example.org, .example.net")
    assert create_app().config["TRUSTED_HOSTS"] == ["app.example.org", ".example.net"]


@pytest.mark.requirement("R34", "R31")
@pytest.mark.parametrize(
    ("lifetime", "idle"),
    [
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=1)),
        ("1d", timedelta(hours=1)),
        ("7d", timedelta(days=3, hours=12)),
        ("400d", timedelta(days=200)),
    ],
)
def test_the_idle_limit_follows_from_the_lifetime(
    monkeypatch: pytest.MonkeyPatch, lifetime: str, idle: timedelta
) -> None:
    monkeypatch.setenv("SESSION_LIFETIME", lifetime)
    assert create_app().config["SESSION_IDLE_TIMEOUT"] == idle


@pytest.mark.requirement("R74")
def test_there_are_limits_on_what_a_request_may_bring() -> None:
    config = create_app().config
    assert config["MAX_CONTENT_LENGTH"] <= 256 * 1024
    assert config["MAX_FORM_MEMORY_SIZE"] <= 256 * 1024
    assert config["MAX_FORM_PARTS"] <= 1000


@pytest.mark.requirement("R08")
def test_a_new_database_has_no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "testing")
    app = create_app({"SESSION_STORE": None})
    with app.app_context():
        upgrade()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 0
        db.session.remove()
    dispose_engines(app)


def run_flask(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `flask` in a process of its own, in an environment of which nothing is inherited."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flask", "--app", create_app.__module__, *arguments],
        cwd=ROOT,
        env={**kept, "FLASK_SKIP_DOTENV": "1", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.requirement("R01", "R02")
def test_the_server_ends_with_status_1_before_its_port_opens(tmp_path: Path) -> None:
    result = run_flask(
        "run", "--port", "0", SECRET_KEY=SECRET, DATABASE_URL=f"sqlite:///{tmp_path}/a"
    )
    assert result.returncode == 1
    assert "SECRET_KEY" in result.stderr
    assert "EXTERNAL_URL" in result.stderr
    assert SECRET not in result.stderr
    assert "Running on" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.requirement("R06")
def test_the_debug_option_of_flask_does_not_get_past_production(tmp_path: Path) -> None:
    result = run_flask(
        "--debug",
        "run",
        "--port",
        "0",
        SECRET_KEY=secrets.token_hex(32),
        DATABASE_URL=f"sqlite:///{tmp_path}/app.db",
        EXTERNAL_URL="https://app.example.org",
        **ENVIRONMENT,
    )
    assert result.returncode == 1
    assert "FLASK_DEBUG" in result.stderr
