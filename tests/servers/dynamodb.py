"""The stand-in for DynamoDB."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.process import free_port, process, program, server_folder
from tests.servers.server import Server

# dynalite counts nothing, but notes each request.
LOGS: dict[str, Path] = {}


@contextmanager
def start() -> Iterator[str]:
    """URL of a new dynalite, for a project's table.

    moto's server, which would come from PyPI, has no lock: two conditional writes at once can both
    succeed (docs/decisions.md).
    """
    server = program("dynalite")
    with server_folder() as (folder, as_user):
        port = free_port()
        url = f"dynamodb+http://127.0.0.1:{port}/sessions"
        command = [server, "--host", "127.0.0.1", "--port", str(port), "--debug"]
        command += ["--createTableMs", "0", "--deleteTableMs", "0"]
        ping = (
            f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}', timeout=2)"
        )
        with process(command, [sys.executable, "-c", ping], folder, signal.SIGTERM, as_user):
            LOGS[url] = folder / "log"
            yield url


def work_done(url: str) -> int:
    return LOGS[url].read_bytes().count(b"Incoming request")


def leftovers(url: str) -> list[str]:
    """Tables."""
    return [str(name) for name in ask(url, "ListTables")["TableNames"]]


def ask(url: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation. dynalite wants a signature, and believes every one."""
    request = urllib.request.Request(
        url.removeprefix("dynamodb+").rpartition("/")[0],
        json.dumps(parameters).encode(),
        {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/"
            "aws4_request, SignedHeaders=host, Signature=none",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


DYNAMODB = Server("DYNAMODB_URL", start, work_done, leftovers)
