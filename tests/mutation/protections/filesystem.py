"""Sessions in files."""

from __future__ import annotations

from tests.mutation.protections.protection import FILES, STORE, Protection

FILESYSTEM = ("filesystem-password",)

PROTECTIONS = [
    Protection(
        "filesystem: update compares the version",
        STORE,
        "if before is None or before.version != record.version - 1:",
        "if before is None:",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: take compares the version",
        STORE,
        "if before is None or before.version != version:",
        "if before is None:",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a touch only moves forwards",
        STORE,
        "if before is not None and before.seen_at < seen_at:",
        "if before is not None:",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: insert does not replace",
        STORE,
        "            if self._sessions.read(record.key) is not None:\n",
        "            if False:\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a change holds a lock",
        FILES,
        "            _lock(file)\n            yield\n",
        "            yield\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a deletion waits for who writes",
        STORE,
        "        with _errors_translated(), self._sessions.locked(key):\n"
        "            self._sessions.delete(key, sync=True)\n",
        "        with _errors_translated():\n            self._sessions.delete(key, sync=True)\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a lock that is kept is given up",
        FILES,
        "PATIENCE = 1.0 ",
        "PATIENCE = 5.0 ",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a file is replaced as a whole",
        FILES,
        """        temporary = f"{self._prefix}{name}.tmp"
        flags""",
        """        temporary = f"{self._prefix}{name}.json"
        flags""",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a write that fails leaves nothing behind",
        FILES,
        "                os.unlink(temporary)\n",
        "                pass\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: only the owner reads the files",
        FILES,
        "os.open(temporary, flags, 0o600)",
        "os.open(temporary, flags)",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: only the owner enters the folders",
        FILES,
        "self._path.mkdir(0o700, exist_ok=True)",
        "self._path.mkdir(exist_ok=True)",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: only the owner enters the folder of the folders",
        FILES,
        "self._path.parent.mkdir(0o700, parents=True, exist_ok=True)",
        "self._path.parent.mkdir(parents=True, exist_ok=True)",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a folder that was there is closed to others",
        FILES,
        "            if self._path.stat().st_mode & 0o077:\n",
        "            if False:\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: nothing is read from a folder that is not ours alone",
        FILES,
        """        self.make()
        try:
            with open""",
        """        try:
            with open""",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a disk that is not mounted is not empty",
        FILES,
        "            self._path.stat()  #",
        "            #",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a folder that is gone is not made again",
        FILES,
        "        if not self._is_made:\n",
        "        if True:\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: the application starts without its disk",
        STORE,
        "    with suppress(StoreUnavailable):  # like",
        "    with suppress(ZeroDivisionError):  # like",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: the folder is made at the start",
        STORE,
        "        store.ping()\n",
        "        pass\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: the folder has to be named",
        STORE,
        "    if not path.strip() or not path.isprintable():\n",
        "    if False:\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: an error is StoreUnavailable",
        STORE,
        "    except OSError as error:\n",
        "    except ZeroDivisionError as error:\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: the index comes first",
        STORE,
        """            self._users.write(user, json.dumps([*keys, record.key]).encode(), sync=True)
            self._add(record)
""",
        """            self._add(record)
            self._users.write(user, json.dumps([*keys, record.key]).encode(), sync=True)
""",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: the index waits for a record that is on its way",
        STORE,
        "        with _errors_translated(), self._users.locked(user):\n",
        "        with _errors_translated():\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: prune waits for a record that is on its way",
        STORE,
        "                with self._users.locked(user):\n",
        "                with suppress():\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: prune asks again",
        STORE,
        "count += self._is_over(key, now) and self._sessions.delete(key)",
        "count += self._sessions.delete(key)",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: prune spares what is live",
        STORE,
        "return record is None or record.expires_at < now",
        "return True",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a sign-in forgets what is gone",
        STORE,
        "keys = [other.key for other in self._records_of(record.user_id)]",
        "keys = self._keys(user)",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: the index is on the disk",
        STORE,
        ".encode(), sync=True)",
        ".encode())",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: what was taken is off the disk",
        STORE,
        "            return self._sessions.delete(key, sync=True)\n",
        "            return self._sessions.delete(key)\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: what was deleted is off the disk",
        STORE,
        "            self._sessions.delete(key, sync=True)\n\n",
        "            self._sessions.delete(key)\n\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a damaged index hides no session",
        STORE,
        "        return list(self._sessions.names())\n",
        "        return []\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: an index leads to records alone",
        STORE,
        "if isinstance(keys, list) and all(re.fullmatch(DIGEST, key) for key in keys):",
        "if isinstance(keys, list):",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: for_user follows a session that moves",
        STORE,
        """            if not new:
                break
            found |= {key: self._load_readable(key) for key in new}
""",
        """            found |= {key: self._load_readable(key) for key in new}
            break
""",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: for_user is one user's",
        STORE,
        "if record and record.user_id == user_id]",
        "if record]",
        FILESYSTEM,
    ),
]
