"""Makes the rendered folder the project that was asked for. Runs inside it.

Never names a file of the project: what an answer brings stands in its folder under options/.
"""

import json
import os
import re
import secrets
import shutil
from collections import defaultdict
from pathlib import Path

CONTEXT = json.loads(r"""{{ cookiecutter | jsonify }}""")


def keep_the_chosen_options() -> None:
    backend, style = CONTEXT["session_backend"], CONTEXT["auth_style"]
    parts = [*CONTEXT["_shared"][backend], *CONTEXT["_shared"][style]]
    layers = [
        f"session_backend/{backend}",
        *(f"shared/{part}" for part in parts),
        f"auth_style/{style}",
    ]
    for layer in layers:
        shutil.copytree(Path("options", layer), ".", dirs_exist_ok=True, copy_function=os.replace)
    shutil.rmtree("options")


def name_the_package() -> None:
    """Tests import `my_flask_app` in the template, where they are copied without rendering."""
    if CONTEXT["__package"] == "my_flask_app":
        return
    for path in Path("tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        renamed = re.sub(r"\bmy_flask_app\b", CONTEXT["__package"], text)
        path.write_text(renamed, encoding="utf-8", newline="\n")


def write(path: Path, text: str, mode: int) -> None:
    """Write a new file that is never, not even for a moment, readable for more than `mode` says."""
    with open(
        path,
        "x",
        encoding="utf-8",
        newline="\n",
        opener=lambda name, flags: os.open(name, flags, mode),
    ) as file:
        file.write(text)


def write_env() -> None:
    """`.env` is `.env.example` with a key of its own; one that exists is somebody's work."""
    if os.path.lexists(".env"):
        return
    example = Path(".env.example").read_text(encoding="utf-8")
    key = f"SECRET_KEY={secrets.token_hex(32)}"
    write(Path(".env"), re.sub(r"^SECRET_KEY=$", key, example, flags=re.MULTILINE), 0o600)


def write_secrets() -> None:
    """`secrets/` is `secrets.example/` with one fresh value for each ${name} in it.

    The folder is closed to others; the files are not, so that the users of the containers, who
    get each file mounted alone, can read them.
    """
    if os.path.lexists("secrets"):
        return
    fresh: dict[str, str] = defaultdict(lambda: secrets.token_hex(32))
    Path("secrets").mkdir(mode=0o700)
    for example in sorted(Path("secrets.example").iterdir()):
        text = example.read_text(encoding="utf-8")
        secret = Path("secrets", example.name)
        write(secret, re.sub(r"\$\{(\w+)\}", lambda match: fresh[match[1]], text), 0o644)
        secret.chmod(0o644)  # whatever the umask took away


def say_what_comes_next() -> None:
    """Three commands. A backend that is a server of its own is started by Compose."""
    local = CONTEXT["session_backend"] not in CONTEXT["_needs_a_server"]
    run = f"uv run flask --app {CONTEXT['__package']} run"
    print(
        "Your project is ready. Next:",
        f"cd {CONTEXT['project_slug']}",
        "uv run pytest",
        run if local else "docker compose up --build",
        sep="\n    ",
    )


keep_the_chosen_options()
name_the_package()
write_env()
write_secrets()
say_what_comes_next()
