"""What users see of a server that is killed: the load, run in a rendered project."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.baked import BakedProject
from tests.outages import processes
from tests.servers import SERVERS
from tests.servers.redis_cluster import a_primary_port
from tests.servers.redis_sentinel import primary_port

LOAD = Path(__file__).with_name("session_load.py")
VICTIMS: dict[str, Callable[[str], int]] = {  # the port of the server to kill, by URL
    "redis-sentinel": primary_port,
    "redis-cluster": a_primary_port,
}


def fail_over(project: BakedProject, servers: str) -> dict[str, Any]:
    """Kill a primary of servers made for this, under load, and return what was seen."""
    shutil.copy(LOAD, project.path / "tests" / "test_session_load.py")
    figures = project.path.parent / f"{servers}.json"
    with SERVERS[servers].start() as url:
        victim = processes(VICTIMS[servers](url))[0].pid
        result = project.pytest(
            "-q",
            "tests/test_session_load.py",
            REDIS_URL=url,
            FAILOVER_VICTIM=str(victim),
            FAILOVER_FIGURES=str(figures),
        )
    assert result.returncode == 0, result.stdout[-10_000:]
    found: dict[str, Any] = json.loads(figures.read_text(encoding="utf-8"))
    return found
