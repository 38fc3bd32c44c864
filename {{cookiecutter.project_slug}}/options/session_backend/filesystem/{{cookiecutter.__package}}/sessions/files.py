"""A folder of small files that several processes read and change at once.

Who reads needs no lock, since a file is only ever replaced as a whole. Who changes one holds the
lock of its name.
"""
# Paths are plain text here: to build one with pathlib takes longer than to read a small file.
# ruff: noqa: PTH105, PTH108, PTH123

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 1.0  # seconds to wait for a lock
DIGEST = r"[0-9a-f]{64}"
NAME = re.compile(rf"({DIGEST})\.(?:json|tmp)")

# The two calls that differ, rather than a library: it would take longer than the rest of a write.
if sys.platform == "win32":
    import msvcrt

    def _try_to_lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_to_lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Folder:
    """Files under names that are digests. Every method raises OSError when the disk fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._prefix = f"{path}{os.sep}"
        self._is_made = False

    def make(self) -> None:
        """Make the folder, once: one that goes away later is a disk that is not mounted."""
        if not self._is_made:
            self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
            self._path.mkdir(0o700, exist_ok=True)
            if self._path.stat().st_mode & 0o077:
                self._path.chmod(0o700)  # an error, too, if it is the folder of somebody else
            self._is_made = True

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None when there is no such file."""
        self.make()
        try:
            with open(f"{self._prefix}{name}.json", "rb") as file:
                return file.read()
        except FileNotFoundError:
            self._path.stat()  # without its folder, a file is not known to be gone
            return None

    def names(self) -> set[str]:
        """Return the names of all files, and of what a crash left of one."""
        self.make()
        with os.scandir(self._path) as entries:
            found = [NAME.fullmatch(entry.name) for entry in entries if entry.is_file()]
        return {match[1] for match in found if match}

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of a name. Raises TimeoutError when somebody else does not let go of it.

        The system takes it back when a process ends, however it ends. The names share 256 locks,
        whose files stay: a lock on a file that was deleted meanwhile would keep nobody out.
        """
        self.make()
        file = os.open(f"{self._prefix}{name[:2]}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(file)
            yield
        finally:
            os.close(file)

    def write(self, name: str, content: bytes, *, sync: bool = False) -> None:
        """Replace a file as a whole; `sync` waits until a power failure cannot undo it.

        For whoever holds the lock. What a crash leaves behind is overwritten by the next write.
        """
        temporary = f"{self._prefix}{name}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            file = os.open(temporary, flags, 0o600)
            try:
                _write(file, content)
                if sync:
                    os.fsync(file)
            finally:
                os.close(file)
            os.replace(temporary, f"{self._prefix}{name}.json")
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        if sync:
            self._sync()

    def delete(self, name: str, *, sync: bool = False) -> bool:
        """Delete a file and what a crash left of one; False when there was no such file.

        For whoever holds the lock: a write that is under way would bring the file back.
        """
        with suppress(FileNotFoundError):
            os.unlink(f"{self._prefix}{name}.tmp")
        try:
            os.unlink(f"{self._prefix}{name}.json")
        except FileNotFoundError:
            return False
        if sync:
            self._sync()
        return True

    def _sync(self) -> None:
        """Have the names on the disk, too; Windows does not offer that."""
        if os.name == "posix":
            folder = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]  # it may take a part only


def _lock(file: int) -> None:
    # The systems' own waiting has no limit.
    deadline = time.monotonic() + PATIENCE
    pause = 0.001
    while True:
        try:
            return _try_to_lock(file)
        except (BlockingIOError, PermissionError):  # PermissionError is how Windows says it
            if time.monotonic() > deadline:
                raise TimeoutError("another process keeps the lock") from None
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
