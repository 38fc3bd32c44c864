"""A rendered project as a site that answers."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.baked import BakedProject, clean_environment
from tests.servers.process import free_port, wait_until


@contextmanager
def served(
    project: BakedProject, *command: str | Path, path: str = "/healthz", **environment: str
) -> Iterator[str]:
    """The project's site while it answers. `{port}` stands for a free port of this machine."""
    port = free_port()
    url = f"http://localhost:{port}"
    log = project.path.parent / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(part).replace("{port}", str(port)) for part in command],
            cwd=project.path,
            env=clean_environment(
                **{name: text.replace("{port}", str(port)) for name, text in environment.items()}
            ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def answers() -> bool:
        assert server.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(url + path, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    try:
        wait_until(answers, f"{url}{path}", seconds=60)
        yield url
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def in_production(project: BakedProject, **environment: str) -> Iterator[str]:
    """The site as the image runs it, with the command of the Dockerfile, by default on SQLite."""
    dockerfile = (project.path / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    found = re.search(r"^CMD (\[.*?\])$", dockerfile, re.MULTILINE)
    assert found
    gunicorn, *arguments = json.loads(found[1])
    assert gunicorn == "gunicorn"
    assert any("0.0.0.0:8000" in argument for argument in arguments)
    arguments = [part.replace("0.0.0.0:8000", "127.0.0.1:{port}") for part in arguments]
    (project.path / ".env").unlink()
    environment = {
        "DATABASE_URL": f"sqlite:///{project.path.parent}/app.db",
        "EXTERNAL_URL": "http://localhost:{port}",
        "SECRET_KEY_FILE": str(project.path / "secrets" / "secret_key"),
        **environment,
    }
    flask = (project.python, "-m", "flask", "--app", project.package)
    project.run(*flask, "db", "upgrade", **environment | {"EXTERNAL_URL": "http://localhost"})
    command = (project.python, "-m", gunicorn, *arguments)
    with served(project, *command, path="/readyz", **environment) as url:
        yield url
