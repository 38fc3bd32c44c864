"""What is special to sessions in files: several processes, crashes between two steps, bad disks."""

import itertools
import json
import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from my_flask_app import create_app
from my_flask_app.models import User
from my_flask_app.sessions import files
from my_flask_app.sessions import store as module
from my_flask_app.sessions.protocol import StoreUnavailable
from my_flask_app.sessions.record import (
    Record,
    UnreadableRecord,
    key_of,
)
from my_flask_app.sessions.store import FileStore

from .backend import file_of, folder_of, overwrite
from .conftest import set_environment
from .stores import NOW, make_record, store_of
from .style import is_signed_in, log_in, reauthenticate, succeeded
from .support import PATIENCE, Pause, browser, cookies_set, token_of

ONE, TWO = make_record("one"), make_record("two")
CHANGED = replace(ONE, data='{"user_id":7,"changed":true}', version=2)
USER = module._user_name(7)
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")

FOREIGN = {
    "nothing": b"",
    "garbage": b"\x01garbage",
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}",
    "half a record": b'{"public_id": "x", "da',
    "a number": b"1",
    "a list": b'["data"]',
    "an object": b"{}",
    "deep lists": b"[" * 100_000,
    "a long number": b'{"created_at": ' + b"9" * 10_000 + b"}",
}


class Crash(BaseException):
    """The end of the process, as far as the code under test can tell."""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """A store with one record."""
    store = FileStore(tmp_path / "store")
    store.insert(ONE)
    return store


def index_of(store: FileStore) -> Path:
    return folder_of(store) / "users" / f"{USER}.json"


def paths(store: FileStore) -> set[str]:
    """Return what lies in the store, without the locks."""
    found = folder_of(store).rglob("*.*")
    names = [path.relative_to(folder_of(store)) for path in found if path.suffix != ".lock"]
    return {path.as_posix() for path in names}


def pause_in(monkeypatch: pytest.MonkeyPatch, method: str, pause: Pause, *, at: str) -> None:
    """Let the first call of a folder's method for this name wait."""
    original = getattr(files.Folder, method)
    waited = threading.Event()

    def slow(folder: files.Folder, name: str, *args: Any, **options: Any) -> Any:
        if name == at and not waited.is_set():
            waited.set()
            pause()
        return original(folder, name, *args, **options)

    monkeypatch.setattr(files.Folder, method, slow)


def while_paused(
    pause: Pause, slow: Callable[[], Any], quick: Callable[[], Any]
) -> tuple[Any, Any]:
    """Start `slow`, which pauses; start `quick`, which may have to wait for it; let both end."""
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(slow)
        assert pause.reached.wait(PATIENCE)
        second = threads.submit(quick)
        time.sleep(0.05)
        pause.go_on.set()
        return first.result(PATIENCE), second.result(PATIENCE)


# --- what lies where ---


def test_a_session_is_one_file_named_by_its_key(store: FileStore) -> None:
    assert paths(store) == {f"sessions/{ONE.key}.json", f"users/{USER}.json"}
    assert ONE.key not in file_of(store, ONE.key).read_text()
    assert USER != "7"


def test_an_anonymous_session_is_in_no_index(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.insert(make_record(user_id=None))
    assert paths(store) == {f"sessions/{ONE.key}.json"}


def refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@POSIX
@pytest.mark.requirement("R24")
def test_only_the_owner_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", refuse)  # no moment before it in which others may
    old = os.umask(0)
    try:
        store = FileStore(tmp_path / "store")
        store.insert(ONE)
    finally:
        os.umask(old)
    for path in [folder_of(store), *folder_of(store).rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


@POSIX
@pytest.mark.requirement("R24")
def test_a_folder_that_was_open_to_others_is_closed(store: FileStore) -> None:
    folders = [folder_of(store) / kind for kind in ("sessions", "users")]
    for folder in folders:
        folder.chmod(0o777)
    FileStore(folder_of(store)).ping()
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]


@POSIX
@pytest.mark.requirement("R23", "R72")
def test_a_folder_in_which_somebody_else_may_plant_sessions_is_not_used(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("sessions", "users"):
        (folder_of(store) / kind).chmod(0o707)
    monkeypatch.setattr(Path, "chmod", refuse)
    another = FileStore(folder_of(store))
    for call in (lambda: another.load(ONE.key), lambda: another.for_user(7), another.ping):
        with pytest.raises(StoreUnavailable):
            call()


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("value", [None, "", " ", "a\nb", "\udcff"])
def test_the_folder_has_to_be_named(
    monkeypatch: pytest.MonkeyPatch, database_url: str, value: str | None
) -> None:
    set_environment(monkeypatch, database_url)
    monkeypatch.delenv("SESSION_DIR")
    if value is not None:
        monkeypatch.setenv("SESSION_DIR", value)
    with pytest.raises(SystemExit, match="SESSION_DIR"):
        create_app()


def test_a_relative_folder_is_in_the_instance_folder(app: Flask, tmp_path: Path) -> None:
    app.instance_path = str(tmp_path)
    app.config["SESSION_DIR"] = "sessions"
    assert folder_of(module.make_store(app)) == tmp_path / "sessions"


@pytest.mark.requirement("R72")
def test_a_disk_that_went_away_before_its_first_use_is_missed(app: Flask, tmp_path: Path) -> None:
    app.config["SESSION_DIR"] = str(tmp_path / "disk")
    store = module.make_store(app)
    shutil.rmtree(tmp_path / "disk")
    with pytest.raises(StoreUnavailable):
        store.load(ONE.key)


def test_the_application_starts_without_its_disk(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.touch()
    app.config["SESSION_DIR"] = str(path)
    store = module.make_store(app)
    with pytest.raises(StoreUnavailable):
        store.ping()
    path.unlink()
    store.ping()
    assert store.for_user(7) == []


# --- several processes and threads ---


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("end", ["delete", "take"])
def test_a_write_that_is_under_way_does_not_undo_a_deletion(
    store: FileStore, pause: Pause, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "delete": lambda: store.delete(ONE.key),
        "take": lambda: store.take(ONE.key, 2),
    }
    pause_in(monkeypatch, "write", pause, at=ONE.key)
    assert while_paused(pause, lambda: store.update(CHANGED), calls[end])[0] is True
    assert store.load(ONE.key) is None


@pytest.mark.requirement("R37")
def test_a_touch_that_is_under_way_does_not_undo_a_deletion(
    store: FileStore, pause: Pause, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_in(monkeypatch, "write", pause, at=ONE.key)
    touch = (ONE.key, NOW + 60, NOW + 3660)
    while_paused(pause, lambda: store.touch(*touch), lambda: store.delete(ONE.key))
    assert store.load(ONE.key) is None


@pytest.mark.requirement("R40")
def test_the_index_names_a_session_before_it_is_there(
    store: FileStore, pause: Pause, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_in(monkeypatch, "write", pause, at=TWO.key)
    with ThreadPoolExecutor(1) as threads:
        insert = threads.submit(store.insert, TWO)
        assert pause.reached.wait(PATIENCE)
        assert TWO.key in json.loads(index_of(store).read_bytes())
        assert store.load(TWO.key) is None
        pause.go_on.set()
        insert.result(PATIENCE)
    assert len(store.for_user(7)) == 2


@pytest.mark.requirement("R40")
@pytest.mark.parametrize("tidy", ["insert", "prune"])
def test_tidying_the_index_keeps_a_session_that_is_on_its_way(
    store: FileStore, pause: Pause, monkeypatch: pytest.MonkeyPatch, tidy: str
) -> None:
    store.delete(ONE.key)
    pause_in(monkeypatch, "write", pause, at=TWO.key)
    calls: dict[str, Callable[[], Any]] = {
        "insert": lambda: store.insert(make_record("three")),
        "prune": lambda: store.prune(NOW),
    }
    while_paused(pause, lambda: store.insert(TWO), calls[tidy])
    expected = {TWO.key} | ({key_of("three")} if tidy == "insert" else set())
    assert {record.key for record in store.for_user(7)} == expected


@pytest.mark.requirement("R40")
def test_a_session_that_is_moved_while_the_index_is_read_is_found(
    app: Flask, signed_in_client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = store_of(app)
    original = store._load_readable
    before = token_of(signed_in_client)

    def after_a_move(key: str) -> Any:
        monkeypatch.setattr(store, "_load_readable", original)
        assert succeeded(reauthenticate(signed_in_client))
        return original(key)

    monkeypatch.setattr(store, "_load_readable", after_a_move)
    found = store.for_user(user.id)
    assert token_of(signed_in_client) != before
    assert [record.key for record in found] == [key_of(token_of(signed_in_client) or "")]


@pytest.mark.requirement("R31")
def test_prune_spares_what_is_touched_in_between(
    store: FileStore, pause: Pause, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = ONE.expires_at + 60
    pause_in(monkeypatch, "write", pause, at=ONE.key)
    touched = while_paused(
        pause,
        lambda: store.touch(ONE.key, NOW + 60, later),
        lambda: store.prune(ONE.expires_at + 1),
    )
    assert touched == (None, 0)
    assert store.load(ONE.key)


def count_to(path: Path, times: int) -> None:
    """Raise the number in a record so many times, as a process of its own."""
    store = FileStore(path)
    for _ in range(times):
        while True:
            record = store.load(ONE.key)
            assert record
            number = json.loads(record.data)["number"] + 1
            data = json.dumps({"number": number})
            if store.update(replace(record, data=data, version=record.version + 1)):
                break


@contextmanager
def counting(path: Path, times: int) -> Iterator[SpawnProcess]:
    """Run `count_to` until the end of the block."""
    process = multiprocessing.get_context("spawn").Process(target=count_to, args=(path, times))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(PATIENCE)


@pytest.mark.requirement("R37")
def test_several_processes_lose_no_write(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.insert(make_record(data='{"number":0}'))
    with counting(tmp_path, 30) as first, counting(tmp_path, 30) as second:
        for process in (first, second):
            process.join(60)
            assert process.exitcode == 0
    record = store.load(ONE.key)
    assert record
    assert (json.loads(record.data), record.version) == ({"number": 60}, 61)


def test_a_process_that_is_killed_leaves_nothing_half_done(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.insert(make_record(data='{"number":0}'))
    with counting(tmp_path, 10**9):
        deadline = time.monotonic() + PATIENCE
        while (record := store.load(ONE.key)) and record.version < 20:
            assert time.monotonic() < deadline
    record = store.load(ONE.key)
    assert record
    assert json.loads(record.data) == {"number": record.version - 1}
    assert store.update(replace(record, version=record.version + 1)) is True


@contextmanager
def hung_process(store: FileStore) -> Iterator[None]:
    """Hold all locks, as a process does that is stopped in the middle."""
    locked = []
    for folder, name in ((store._sessions, ONE.key), (store._users, USER), (store._users, "ping")):
        lock = folder.locked(name)
        lock.__enter__()
        locked.append(lock)
    try:
        yield
    finally:
        for lock in locked:
            lock.__exit__(None, None, None)


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.insert(TWO),
        lambda store: store.update(CHANGED),
        lambda store: store.take(ONE.key, 1),
        lambda store: store.touch(ONE.key, NOW + 60, NOW + 3660),
        lambda store: store.delete(ONE.key),
        lambda store: store.ping(),
    ],
    ids=["insert", "update", "take", "touch", "delete", "ping"],
)
def test_a_process_that_hangs_with_a_lock_is_given_up(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, call: Callable[[FileStore], Any]
) -> None:
    assert files.PATIENCE <= 1
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    with hung_process(store):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            call(store)
        assert time.monotonic() - began < 1
        assert store.load(ONE.key) == ONE
        assert store.for_user(7) == [ONE]
    call(store)


# --- crashes, and disks that fail ---


class Disk:
    """Counts what is done to the disk, and fails once instead of one of these steps."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        fails_at: int | None = None,
        error: BaseException | None = None,
    ) -> None:
        self.steps: list[str] = []
        self.has_failed = False
        self._fails_at = fails_at
        self._error = error or Crash()
        for name in ("open", "fsync", "replace", "unlink"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))
        monkeypatch.setattr(os, "write", self._half_written(os.write))

    def step(self, name: str) -> None:
        """Note a step, or fail."""
        if len(self.steps) == self._fails_at and not self.has_failed:
            self.has_failed = True
            raise self._error
        self.steps.append(name)

    def _watched(self, name: str, original: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            self.step(name)
            return original(*args, **options)

        return call

    def _half_written(self, original: Any) -> Any:
        def write(file: int, content: bytes) -> Any:
            try:
                self.step("write")
            except BaseException:
                original(file, b'{"half')
                raise
            return original(file, content)

        return write


CHANGES: dict[str, Callable[[FileStore], Any]] = {
    "insert": lambda store: store.insert(TWO),
    "update": lambda store: store.update(CHANGED),
    "touch": lambda store: store.touch(ONE.key, NOW + 60, NOW + 3660),
    "take": lambda store: store.take(ONE.key, 1),
    "delete": lambda store: store.delete(ONE.key),
    "prune": lambda store: store.prune(NOW + 10**6),
}


def records_of(path: Path) -> dict[str, Record | None]:
    """Return what another process finds; each record must be whole, and the index complete."""
    store = FileStore(path)
    found = {key: store.load(key) for key in (ONE.key, TWO.key)}
    assert {record.key for record in store.for_user(7)} == {key for key, r in found.items() if r}
    return found


@pytest.mark.requirement("R40", "R72")
@pytest.mark.parametrize("error", [Crash(), OSError(28, "No space left on device")], ids=repr)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_is_half_done_whichever_step_fails(
    tmp_path: Path, change: Callable[[FileStore], Any], error: BaseException
) -> None:
    FileStore(tmp_path / "before").insert(ONE)
    before = records_of(tmp_path / "before")
    shutil.copytree(tmp_path / "before", tmp_path / "after")
    change(FileStore(tmp_path / "after"))
    after = records_of(tmp_path / "after")
    for step in itertools.count():
        path = shutil.copytree(tmp_path / "before", tmp_path / str(step))
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, fails_at=step, error=error)
            with suppress(Crash, StoreUnavailable):
                change(FileStore(path))
        assert records_of(path) in (before, after)
        if isinstance(error, OSError):
            assert not [name for name in paths(FileStore(path)) if name.endswith(".tmp")]
        FileStore(path).insert(make_record("three"))  # no lock is left, nothing is in the way
        FileStore(path).delete(ONE.key)
        if not disk.has_failed:
            break
    assert before != after
    assert step >= 3


def test_what_ends_or_finds_a_session_is_on_the_disk_before_the_answer(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    store.insert(TWO)
    written = [step for step in disk.steps if step != "open"]
    assert written == ["write", "fsync", "replace", "fsync", "write", "replace"]
    for end in (lambda: store.delete(ONE.key), lambda: store.take(TWO.key, 1)):
        disk.steps.clear()
        end()
        assert disk.steps[-2:] == ["open", "fsync"]


@pytest.mark.requirement("R72")
def test_a_disk_that_is_not_mounted_any_more_is_no_empty_store(store: FileStore) -> None:
    away = folder_of(store).rename(folder_of(store).with_name("away"))
    for call in (lambda: store.load(ONE.key), lambda: store.for_user(7), store.ping):
        with pytest.raises(StoreUnavailable):
            call()
    folder_of(store).mkdir()
    with pytest.raises(StoreUnavailable):
        store.load(ONE.key)
    folder_of(store).rmdir()
    away.rename(folder_of(store))
    assert store.load(ONE.key) == ONE


@pytest.mark.requirement("R72", "R36")
def test_a_full_disk_signs_nobody_in_and_lets_everybody_out(
    app: Flask, signed_in_client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    stranger = browser(app)
    with monkeypatch.context() as full:
        full.setattr(os, "write", fail)
        response = log_in(stranger, user.email)
        assert response.status_code == 503
        assert cookies_set(response) == []
        assert is_signed_in(signed_in_client)
        with signed_in_client.session_transaction() as session:
            session.clear()
    assert not is_signed_in(signed_in_client)
    assert succeeded(log_in(stranger, user.email))


# --- what is no record, and no index ---


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_no_record(store: FileStore, content: bytes) -> None:
    store.insert(TWO)
    file_of(store, ONE.key).write_bytes(content)
    with pytest.raises(UnreadableRecord):
        store.load(ONE.key)
    assert store.for_user(7) == [TWO]
    assert store.update(CHANGED) is False
    assert store.take(ONE.key, 1) is False
    store.touch(ONE.key, NOW + 60, NOW + 3660)
    assert file_of(store, ONE.key).read_bytes() == content
    store.delete(ONE.key)
    assert store.load(ONE.key) is None


@pytest.mark.requirement("R23", "R72")
@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": "yesterday"},
        {"expires_at": None},
        {"seen_at": 10**400},
        {"version": "first"},
        {"user_id": "1 or 1=1"},
        {"data": ["x"]},
        {"ip": None},
        {"surprise": True},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_a_field_of_the_wrong_type_makes_it_no_record(
    store: FileStore, fields: dict[str, Any]
) -> None:
    overwrite(store, ONE.key, **fields)
    with pytest.raises(UnreadableRecord):
        store.load(ONE.key)
    assert store.for_user(7) == []


@pytest.mark.requirement("R23", "R72")
def test_a_foreign_file_means_anonymous(
    app: Flask, signed_in_client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    key = key_of(token_of(signed_in_client) or "")
    file_of(store_of(app), key).write_bytes(FOREIGN["a pickle"])
    assert not is_signed_in(signed_in_client)
    assert "session_unreadable" in caplog.messages


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("missing", ["data", "user_id", "created_at", "version"])
def test_a_record_with_a_field_missing_is_none(store: FileStore, missing: str) -> None:
    values = json.loads(file_of(store, ONE.key).read_bytes())
    del values[missing]
    file_of(store, ONE.key).write_text(json.dumps(values))
    with pytest.raises(UnreadableRecord):
        store.load(ONE.key)


@POSIX
def test_a_folder_in_place_of_a_record_is_no_record(store: FileStore) -> None:
    file_of(store, TWO.key).mkdir()
    with pytest.raises(UnreadableRecord):
        store.load(TWO.key)
    assert store.prune(NOW) == 0


@pytest.mark.requirement("R40")
@pytest.mark.parametrize(
    "content", [*FOREIGN.values(), b"null", b'"text"', b"[7]", b'["../sessions/x"]'], ids=repr
)
def test_a_damaged_index_hides_no_session_and_heals(store: FileStore, content: bytes) -> None:
    store.insert(make_record("other", user_id=8))
    index_of(store).write_bytes(content)
    assert store.for_user(7) == [ONE]
    assert store.prune(NOW) == 0
    store.insert(TWO)
    assert json.loads(index_of(store).read_bytes()) == [ONE.key, TWO.key]


@pytest.mark.requirement("R22", "R40")
def test_an_index_leads_to_nobody_elses_session(store: FileStore) -> None:
    other = make_record("other", user_id=8)
    store.insert(other)
    outside = folder_of(store) / "outside.json"
    outside.write_bytes(file_of(store, ONE.key).read_bytes())
    index_of(store).write_text(json.dumps([other.key, "../outside"]))
    assert store.for_user(7) == [ONE]


@pytest.mark.requirement("R40")
def test_an_index_that_is_lost_does_not_keep_a_session_from_ending(
    app: Flask, signed_in_client: FlaskClient, user: User
) -> None:
    for index in (folder_of(store_of(app)) / "users").glob("*.json"):
        index.unlink()
    command = ["sessions", "revoke", user.email]
    assert app.test_cli_runner().invoke(args=command).exit_code == 0
    assert not is_signed_in(signed_in_client)


def test_a_sign_in_forgets_what_is_gone(store: FileStore) -> None:
    store.delete(ONE.key)
    store.insert(TWO)
    assert json.loads(index_of(store).read_bytes()) == [TWO.key]


# --- prune ---


@pytest.mark.requirement("R35")
def test_prune_deletes_what_expired_and_leaves_nothing_of_it(store: FileStore) -> None:
    live = make_record("live", user_id=8, expires_at=NOW + 10**6)
    store.insert(TWO)
    store.insert(live)
    assert store.prune(ONE.expires_at + 1) == 2
    assert paths(store) == {f"sessions/{live.key}.json", f"users/{module._user_name(8)}.json"}
    assert store.prune(ONE.expires_at + 1) == 0
    assert store.load(live.key) == live


def test_prune_clears_up_after_crashes_and_leaves_what_is_not_ours(store: FileStore) -> None:
    sessions = folder_of(store) / "sessions"
    (sessions / f"{TWO.key}.tmp").write_bytes(b'{"half')
    file_of(store, key_of("zero")).write_bytes(b"")
    (sessions / "notes.json").write_text("{}")
    assert store.prune(NOW) == 1
    assert paths(store) == {
        f"sessions/{ONE.key}.json",
        "sessions/notes.json",
        f"users/{USER}.json",
    }
