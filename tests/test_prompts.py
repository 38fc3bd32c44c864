"""Answers: which are taken, which are refused and how, and that all of them are data."""

from __future__ import annotations

import ast
import json
import keyword
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment

from hooks.validation import OUR_EXPRESSION, Validation, check, data, package, plain, slug
from tests.baked import QUESTIONS, cookiecutter
from tests.conftest import Bake

BAD_SLUGS = [
    "",
    " ",
    "class",
    "True",
    "None",
    "match",
    "json",
    "secrets",
    "Queue",
    "flask",
    "Flask-SQLAlchemy",
    "redis",
    "argon2",
    "dotenv",
    "tests",
    "migrations",
    "options",
    "nul",
    "2048",
    "1st-app",
    "-app",
    "app-",
    "my_app",
    "my app",
    "my.app",
    "a/b",
    "../up",
    "..",
    ".",
    "~",
    "/tmp/app",
    "C:\\app",
    "app\n",
    "app\x00",
    "é",
    "ａｐｐ",  # noqa: RUF001  full-width letters
    "x" * 51,
    '"; import os; os.system("touch pwned"); "',
    "{{ 7*7 }}",
    "{% for x in y %}",
    "$(touch pwned)",
    "'''",
    '"""',
]
BAD_LIFETIMES = [
    *(
        "",
        "7",
        "d",
        "7 d",
        " 7d",
        "7D",
        "7y",
        "-7d",
        "+7d",
        "0d",
        "0m",
        "007d",
        "4m",
        "1.5h",
        "1e3m",
    ),
    *("401d", "58w", "9601h", "576001m", "99999999999999999999d", "٣d", "7d\n", "{{ 7 }}d"),
]
GOOD_SLUGS = ["a", "my-flask-app", "App2", "a--b", "x" * 50, "tests2", "my-json"]
GOOD_LIFETIMES = ["5m", "30m", "12h", "7d", "4w", "400d", "57w", "9600h", "576000m"]

HOSTILE_NAMES = [
    """Zoë O'Brien "Q" \\d <b>""",
    "😀 👩‍💻 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "{{ 7*7 }}",
    "{{ cookiecutter.project_slug }}",
    "{% raw %}{# x #}",
    "{% endraw %}{{ 1/0 }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    """'; import os; os.system("touch pwned")  #""",
    '''""" + str(__import__("os").system("touch pwned")) + """''',
    "r'''\\''' \\",
    "$(touch pwned) `touch pwned` ${HOME} %(asctime)s %s {0} {name}",
    "key: value # comment",
    "- [x]: *a &b !c |",
    "[section]\nkey = 1",
    "tab\there, bell\a, delete\x7f, next line\x85, separator\u2028, right to left\u202e",
    "日本語",
    "'",
    '"',
    "\\",
    "\\N{DIGIT ONE} \\u0041 \\x41",
    "2048",
    "Flask",
    "class",
    "true",
    "null",
    "x" * 200,
    "\ufeffbyte order mark",
]


def bake_into(folder: Path, *answers: str, typed: str | None = None) -> str:
    """Bake with a bad answer; the one line that cookiecutter said."""
    arguments = ["--output-dir", str(folder), *answers]
    result = cookiecutter(*([] if typed else ["--no-input"]), *arguments, typed=typed)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not folder.exists(), list(folder.rglob("*"))
    return result.stdout + result.stderr


def test_a_bad_answer_is_one_line_with_prompt_value_and_cure(tmp_path: Path) -> None:
    said = bake_into(tmp_path / "out", "project_slug=class")

    assert said == (
        'project_slug "class" is the name of a keyword of Python: '
        'type another one, such as "my-class".\n'
    )


def test_a_bad_answer_typed_at_the_prompt_ends_the_bake_there(tmp_path: Path) -> None:
    said = bake_into(tmp_path / "out", typed="My App\nmy_app\n")

    last = said.rstrip("\n").splitlines()[-1]
    assert 'project_slug "my_app" may have letters, digits and hyphens only' in last
    assert "session_backend" not in said
    assert "Where are sessions kept?" not in said


@pytest.mark.parametrize(
    "answer",
    [
        "project_name= ",
        "project_name=\udcff",
        "project_slug=../up",
        "project_slug={{ 7*7 }}",
        "session_lifetime=0d",
        "session_lifetime={{ 1/0 }}",
        """session_lifetime="; import os; os.system('touch pwned')""",
    ],
)
def test_a_bad_answer_on_the_command_line_leaves_nothing(tmp_path: Path, answer: str) -> None:
    said = bake_into(tmp_path / "out", answer)

    assert said.count("\n") == 1
    assert said.startswith(answer.split("=", maxsplit=1)[0] + ' "')


@pytest.mark.parametrize("prompt", ["session_backend", "auth_style"])
def test_an_unknown_choice_leaves_nothing(tmp_path: Path, prompt: str) -> None:
    """Cookiecutter itself refuses it, before a line of the template runs, with a traceback."""
    result = cookiecutter("--no-input", "-o", str(tmp_path / "out"), f"{prompt}=nonsense")

    assert result.returncode == 1
    assert f"nonsense provided for choice variable {prompt}" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("answer", BAD_SLUGS)
def test_a_bad_slug_is_refused(answer: str) -> None:
    refuse(answer, "project_slug", "slug")


@pytest.mark.parametrize("answer", BAD_LIFETIMES)
def test_a_bad_lifetime_is_refused(answer: str) -> None:
    refuse(answer, "session_lifetime", "lifetime")


def refuse(answer: str, prompt: str, rule: str) -> None:
    with pytest.raises(FailedHookException) as refusal:
        check(answer, prompt, rule)
    said = str(refusal.value)
    assert said.startswith(f"{prompt} ")
    assert json.dumps(answer)[:40].rstrip('"') in said
    assert "type" in said.split(": ", 1)[1]
    assert len(said.splitlines()) == 1
    assert said.isascii()


@pytest.mark.parametrize("answer", GOOD_SLUGS)
def test_a_good_slug_is_taken(answer: str) -> None:
    assert check(answer, "project_slug", "slug") == answer
    assert package(answer).isidentifier()
    assert package(answer).islower()


@pytest.mark.parametrize("answer", GOOD_LIFETIMES)
def test_a_good_lifetime_is_taken(answer: str) -> None:
    assert check(answer, "session_lifetime", "lifetime") == answer


@pytest.mark.parametrize("name", sorted({*keyword.kwlist, *sys.stdlib_module_names}))
def test_no_keyword_and_no_standard_module_becomes_the_package(name: str) -> None:
    with pytest.raises(FailedHookException):
        check(name.replace("_", "-"), "project_slug", "slug")


def test_a_rule_that_is_not_known_passes() -> None:
    """cruft may check a newer template's answers with an older copy of the module."""
    assert check("anything", "a_new_prompt", "a_rule_of_tomorrow") == "anything"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_proposed_slug_passes_its_own_check(name: str) -> None:
    assert check(slug(name), "project_slug", "slug") == slug(name)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_as_data_is_read_back_by_every_format(name: str) -> None:
    literal = data(name)

    assert json.loads(literal) == name
    assert ast.literal_eval(literal) == name
    assert yaml.safe_load(f"key: {literal}") == {"key": name}
    assert tomllib.loads(f"key = {literal}") == {"key": name}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_in_prose_stays_on_its_line(name: str) -> None:
    assert len(f"# {plain(name)}!".splitlines()) == 1
    assert "<b>" not in plain(name)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_is_data_in_every_file(bake: Bake, tmp_path: Path, name: str) -> None:
    project = bake(project_name=name)

    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert metadata["project"]["description"] == name
    for path in project.rglob("*"):
        match path.suffix:
            case ".toml":
                tomllib.loads(path.read_text(encoding="utf-8"))
            case ".json":
                json.loads(path.read_text(encoding="utf-8"))
            case ".yaml" | ".yml":
                yaml.safe_load(path.read_text(encoding="utf-8"))
            case ".py":
                ast.parse(path.read_text(encoding="utf-8"))
    assert not list(tmp_path.rglob("pwned"))


def test_a_name_typed_at_the_prompt_is_data(tmp_path: Path) -> None:
    name = """{{ 7*7 }} "Zoë" \\d 😀"""

    result = cookiecutter("-o", str(tmp_path), typed=f"{name}\nzoe\n\n\n\n")

    assert result.returncode == 0, result.stderr
    metadata = tomllib.loads((tmp_path / "zoe/pyproject.toml").read_text(encoding="utf-8"))
    assert metadata["project"]["description"] == name


def test_a_person_is_asked_five_human_questions(tmp_path: Path) -> None:
    result = cookiecutter("-o", str(tmp_path), typed="\n" * 5)

    assert result.returncode == 0, result.stderr
    for number, prompt in enumerate(prompts(), 1):
        question = QUESTIONS["__prompts__"][prompt]
        text = question if isinstance(question, str) else question["__prompt__"]
        assert f"[{number}/5] {text}" in " ".join(result.stdout.split())


def test_every_choice_has_a_human_answer() -> None:
    for prompt in prompts():
        question = QUESTIONS["__prompts__"][prompt]
        if isinstance(QUESTIONS[prompt], list):
            assert set(question) == {"__prompt__", *QUESTIONS[prompt]}


def test_cookiecutter_json_has_no_expression_but_ours() -> None:
    """Another form would be taken for an answer, and not be rendered."""
    values = [value for value in QUESTIONS.values() if isinstance(value, str) and "{{" in value]

    assert len(values) >= 5
    for value in values:
        assert OUR_EXPRESSION.fullmatch(value), value
    assert next(iter(QUESTIONS)) == "__answers_are_data"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_an_answer_is_not_rendered(name: str) -> None:
    environment = Environment(extensions=[Validation], keep_trailing_newline=True)
    environment.from_string("{{ 0 | answers_are_data }}").render()

    assert environment.from_string(name).render() == name


def prompts() -> list[str]:
    return [prompt for prompt in QUESTIONS if not prompt.startswith("_")]
