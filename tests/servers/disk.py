"""A disk of the test's own, which can be full, read-only or away."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import missing, program


@contextmanager
def disk(folder: Path, size: str = "1m") -> Iterator[Callable[..., None]]:
    """A disk of this size on a folder, until it is gone; yields what mounts it anew with options.

    Needs root, or sudo that asks for no password.
    """
    as_root = [] if os.geteuid() == 0 else [program("sudo"), "-n"]
    owner = f"uid={os.getuid()},mode=0700"

    def mount(*options: str) -> None:
        command = [
            *as_root,
            "mount",
            "-t",
            "tmpfs",
            "-o",
            ",".join([f"size={size}", owner, *options]),
        ]
        if subprocess.run([*command, "tmpfs", folder], check=False, timeout=20).returncode:
            missing("a test's own disk cannot be mounted")

    mount()
    try:
        yield mount
    finally:
        subprocess.run([*as_root, "umount", "--lazy", folder], check=True, timeout=20)
