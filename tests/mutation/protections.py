"""The protections of a rendered project, and how each is taken away.

`find` stands exactly once in `file` ({package} is the project's package). Keep each change as small
as a careless commit would be: a line dropped, a comparison turned.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protection:
    id: str
    file: str
    find: str
    replace: str
    combinations: tuple[str, ...] = ()  # all of the sample, unless named


SESSION = "{package}/sessions/session.py"
SAVING = "{package}/sessions/saving.py"
ENDING = "{package}/sessions/ending.py"
INTERFACE = "{package}/sessions/interface.py"
RECORD = "{package}/sessions/record.py"
LIFETIME = "{package}/sessions/lifetime.py"
STORE = "{package}/sessions/store.py"
FILES = "{package}/sessions/files.py"
IDENTITY = "{package}/auth/identity.py"
ACCOUNTS = "{package}/auth/accounts.py"
PASSWORDS = "{package}/auth/passwords.py"
STYLE = "{package}/auth/style.py"
ACCESS = "{package}/security/access.py"
CSRF = "{package}/security/csrf.py"
HEADERS = "{package}/security/headers.py"
HOSTS = "{package}/security/hosts.py"
REDIRECTS = "{package}/security/redirects.py"
THROTTLE = "{package}/security/throttle.py"
CONFIG = "{package}/config.py"
BODIES = "{package}/bodies.py"
SCHEMAS = "{package}/auth/schemas.py"
DEVICES = "{package}/account/devices.py"
DATABASE_MODULE = "{package}/database.py"
LOGS = "{package}/logs.py"

DATABASE = ("database-password",)
REDIS = ("redis-api",)
MONGODB = ("mongodb-password",)
FILESYSTEM = ("filesystem-password",)

PROTECTIONS = [
    # --- the session's life ---
    Protection(
        "assigning user_id rotates",
        SESSION,
        """                raise TypeError("session['user_id'] must be the user's id, an int")
            self._change_identity()
""",
        """                raise TypeError("session['user_id'] must be the user's id, an int")
""",
    ),
    Protection(
        "removing user_id rotates",
        SESSION,
        """        if name == "user_id":
            self._change_identity()
        self._note(name)
""",
        """        self._note(name)
""",
    ),
    Protection(
        "a new identity drops what was loaded",
        SESSION,
        "return not self.identity_changed or name in self._written",
        "return True or name in self._written",
    ),
    Protection(
        "a new identity drops the old epoch",
        SESSION,
        '        self._written -= {"session_epoch", "reauthenticated_at"}\n',
        "",
    ),
    Protection(
        "an expired session is nobody's",
        SESSION,
        "if not self.rules.lifetime.is_live(record, self.rules.clock()):",
        "if False:",
    ),
    Protection(
        "a corrupt record is anonymous",
        SESSION,
        "        except UnreadableRecord:\n",
        "        except ZeroDivisionError:\n",
    ),
    Protection(
        "a failed store is not asked twice",
        SESSION,
        "        if self.failed:\n            raise StoreUnavailable\n",
        "",
    ),
    Protection(
        "a conflicting write is put on top of the other one",
        SESSION,
        "        self.record, values = found\n        self._values = {",
        "        self.record, values = found[0], self._values\n        self._values = {",
    ),
    Protection(
        "rotation takes the old record",
        SAVING,
        "        return session.rules.store.take(old.key, old.version)\n",
        "        return True\n",
    ),
    Protection(
        "rotation of a session that is gone stops",
        SAVING,
        """        store.delete(record.key)
        if is_gone:
            return Outcome.LOST
""",
        """        if is_gone:
            return _moved_to(session, token, record)
""",
    ),
    Protection(
        "a rotation that stops leaves nothing behind",
        SAVING,
        "        store.delete(record.key)\n        if is_gone:\n",
        "        if is_gone:\n",
    ),
    Protection(
        "a sign-out ends what was moved meanwhile",
        ENDING,
        "        for record in moved:\n            store.delete(record.key)\n",
        "        break\n",
    ),
    Protection(
        "a write to a session that is gone stops",
        SAVING,
        """        if not session.reload():
            return Outcome.LOST
""",
        """        if not session.reload():
            return _insert(session)
""",
    ),
    Protection(
        "an emptied session is deleted",
        SAVING,
        "        end_session(store, session.record)\n",
        "",
    ),
    Protection(
        "re-authentication rotates",
        SAVING,
        "if session.identity_changed or session.rotation_wanted:",
        "if session.identity_changed:",
    ),
    Protection(
        "a session without a user's epoch is not stored",
        SAVING,
        "if not session or not _stamp_epoch(session):",
        "if not session:",
    ),
    Protection(
        "at most so many sessions a user",
        SAVING,
        "dropped = live[rules.max_per_user :]",
        "dropped: list[Record] = []",
    ),
    Protection(
        "the oldest session goes",
        SAVING,
        "record.key == newest.key), reverse=True)",
        "record.key == newest.key))",
    ),
    Protection(
        "of two sign-ins at once the later stays",
        SAVING,
        "return newest in dropped",
        "return False",
    ),
    Protection(
        "a sign-out follows a session that was just moved",
        SAVING,
        "    if session.moved_from is None or not session.ended:\n",
        "    if True:\n",
    ),
    Protection(
        "a move leaves a signpost",
        SAVING,
        "return session.rules.store.update(signpost(old, session.rules.clock()))",
        "return session.rules.store.take(old.key, old.version)",
    ),
    Protection(
        "a signpost points for a minute",
        SESSION,
        "record if self.rules.clock() < record.expires_at else None",
        "record",
    ),
    Protection(
        "a late request does not overwrite the cookie of a move",
        SAVING,
        "        return Outcome.LOST  # a new cookie would",
        "        pass  # a new cookie would",
    ),
    Protection(
        "who was signed out does not come along into a new epoch",
        IDENTITY,
        "    unchanged = (User.id == user.id) & (User.session_epoch == mine)\n",
        "    unchanged = User.id == user.id\n",
    ),
    Protection(
        "the values that are handed out are a copy",
        SESSION,
        "return dict(self._values)",
        "return self._values",
    ),
    Protection(
        "a session is not changed after it was saved",
        SESSION,
        "        if self._saved:\n",
        "        if False:\n",
    ),
    Protection(
        "redis: the index is read until it names nothing new",
        STORE,
        "            records += self._load_all(new)\n",
        "            records += self._load_all(new)\n            break\n",
        REDIS,
    ),
    Protection(
        "redis: a refused read is not a session that is gone",
        STORE,
        "        raise StoreUnavailable(type(values).__name__) from values\n",
        "        return None\n",
        REDIS,
    ),
    Protection(
        "a read writes nothing before its time",
        SAVING,
        "if record is None or now - record.seen_at < lifetime.touch_interval:",
        "if record is None:",
    ),
    Protection(
        "a failed touch does not fail the page",
        SAVING,
        """    except StoreUnavailable:
        session.rules.report("session_store_unavailable")
""",
        "    except ZeroDivisionError:\n        pass\n",
    ),
    Protection(
        "the idle limit",
        LIFETIME,
        "return min(seen_at + self.idle, created_at + absolute)",
        "return created_at + absolute",
    ),
    Protection(
        "the absolute limit",
        LIFETIME,
        "return min(seen_at + self.idle, created_at + absolute)",
        "return seen_at + self.idle",
    ),
    Protection(
        "an anonymous session lives an hour",
        LIFETIME,
        "self.absolute if user_id is not None else min(self.absolute, ANONYMOUS_LIFETIME)",
        "self.absolute",
    ),
    # --- tokens and records ---
    Protection(
        "the store holds a digest of the token",
        RECORD,
        "return hashlib.sha256(token.encode()).hexdigest()",
        "return token",
    ),
    Protection(
        "a token is well-formed before the store sees it",
        RECORD,
        "return TOKEN.fullmatch(value) is not None",
        "return bool(value)",
    ),
    Protection(
        "data and user_id of a record agree",
        RECORD,
        "if type(user_id) is not type(record.user_id) or user_id != record.user_id:",
        "if False:",
    ),
    Protection(
        "a record has the right types",
        RECORD,
        "if not isinstance(values, dict) or not _is_well_formed(record):",
        "if not isinstance(values, dict):",
        DATABASE,
    ),
    # --- compare-and-swap, in each store ---
    Protection(
        "database: update compares the version",
        STORE,
        "unchanged = _has_version(record.key, record.version - 1)",
        "unchanged = sessions.c.key == record.key",
        DATABASE,
    ),
    Protection(
        "database: take compares the version",
        STORE,
        "sa.delete(sessions).where(_has_version(key, version))",
        "sa.delete(sessions).where(sessions.c.key == key)",
        DATABASE,
    ),
    Protection(
        "database: a touch only moves forwards",
        STORE,
        "older = (sessions.c.key == key) & (sessions.c.seen_at < seen_at)",
        "older = sessions.c.key == key",
        DATABASE,
    ),
    Protection(
        "database: an error is StoreUnavailable",
        STORE,
        "except (DBAPIError, PoolTimeout) as error:",
        "except ZeroDivisionError as error:",
        DATABASE,
    ),
    Protection(
        "what a view left open is rolled back before the save",
        DATABASE_MODULE,
        "    app.after_request(_end_transaction)\n",
        "",
        DATABASE,
    ),
    Protection(
        "redis: update compares the version",
        STORE,
        "if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: take compares the version",
        STORE,
        "if ARGV[1] and redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return nil end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: a touch never creates",
        STORE,
        "if not seen_at or tonumber(seen_at) >= tonumber(ARGV[2]) then return 0 end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: a session has a time to live",
        STORE,
        """redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
""",
        "redis.call('HSET', KEYS[1], unpack(ARGV, 2))\n",
        REDIS,
    ),
    Protection(
        "redis: an error is StoreUnavailable",
        STORE,
        "    except RedisError as error:\n",
        "    except ZeroDivisionError as error:\n",
        REDIS,
    ),
    Protection(
        "redis: no retries",
        STORE,
        "        retry=Retry(NoBackoff(), 0),\n",
        "",
        REDIS,
    ),
    # --- the session layer, more closely ---
    Protection(
        "damage that only tags can do is unreadable",
        RECORD,
        "    StopIteration,\n",
        "",
    ),
    Protection(
        "a far date is unreadable",
        RECORD,
        "    ArithmeticError,\n",
        "",
    ),
    Protection(
        "a user_id is a number",
        SESSION,
        "            if type(value) is not int:\n",
        "            if False:\n",
    ),
    Protection(
        "a page that does not use the session does not load it",
        INTERFACE,
        "if not isinstance(session, Session) or not (session.loaded or session.failed):",
        "if not isinstance(session, Session):",
    ),
    Protection(
        "a removed key stays removed when the record is read again",
        SESSION,
        "            if value is _MISSING:\n",
        "            if False:\n",
    ),
    Protection(
        "rotation does not restart the absolute limit",
        SESSION,
        "        if self.record is None or self.identity_changed:\n",
        "        if True:\n",
    ),
    Protection(
        "a sign-in restarts the absolute limit",
        SESSION,
        "        if self.record is None or self.identity_changed:\n",
        "        if self.record is None:\n",
    ),
    Protection(
        "a moved session is the same device",
        SAVING,
        "public_id=moved.public_id if moved else secrets.token_urlsafe(12)",
        "public_id=secrets.token_urlsafe(12)",
    ),
    Protection(
        "a sign-out by hand ends what was moved meanwhile",
        SAVING,
        "        if is_gone and session.identity_changed:\n",
        "        if False:\n",
    ),
    Protection(
        "a rotation that meets a write leaves no copy",
        SAVING,
        "        store.delete(record.key)\n        if is_gone:\n",
        "        if is_gone:\n            store.delete(record.key)\n",
    ),
    Protection("three tries", SAVING, "TRIES = 3\n", "TRIES = 1\n"),
    Protection("no more than three tries", SAVING, "TRIES = 3\n", "TRIES = 100\n"),
    Protection(
        "sessions that ended do not count",
        SAVING,
        'for_user(session["user_id"]) if rules.lifetime.is_live(r, now)]',
        'for_user(session["user_id"])]',
    ),
    Protection(
        "the limits of today hold for records of yesterday",
        LIFETIME,
        "return now < min(limit, record.expires_at)",
        "return now < record.expires_at",
    ),
    Protection(
        "a record ends on its own day",
        LIFETIME,
        "return now < min(limit, record.expires_at)",
        "return now < limit",
    ),
    Protection(
        "a read writes at most once a minute",
        LIFETIME,
        "return min(TOUCH_INTERVAL, self.idle / 10)",
        "return self.idle / 2",
    ),
    Protection(
        "an error says nothing of the file it replaces",
        INTERFACE,
        '    "Content-Disposition",\n',
        "",
    ),
    Protection(
        "an error closes the file it replaces",
        INTERFACE,
        "        response.call_on_close(body.close)\n",
        "        pass\n",
    ),
    Protection(
        "an error goes nowhere",
        INTERFACE,
        '    "Location",\n',
        "",
    ),
    Protection(
        "an error clears nothing",
        INTERFACE,
        '    "Clear-Site-Data",\n',
        "",
    ),
    Protection(
        "database: insert does not wait for a commit",
        STORE,
        'self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")',
        "self._engine = engine",
        DATABASE,
    ),
    Protection(
        "database: for_user is one user's",
        STORE,
        "sa.select(sessions).where(sessions.c.user_id == user_id)",
        "sa.select(sessions)",
        DATABASE,
    ),
    Protection(
        "database: prune spares what is live",
        STORE,
        "        expired = sessions.c.expires_at < now\n",
        "        expired = sessions.c.expires_at > 0\n",
        DATABASE,
    ),
    Protection(
        "redis: insert does not replace",
        STORE,
        "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: an update renews the time to live",
        STORE,
        """redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
""",
        "redis.call('HSET', KEYS[1], unpack(ARGV, 3))\n",
        REDIS,
    ),
    Protection(
        "redis: a touch renews the time to live",
        STORE,
        """'expires_at', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
""",
        "'expires_at', ARGV[3])\n",
        REDIS,
    ),
    Protection(
        "redis: the index has a time to live",
        STORE,
        "                pipe.expire(index, INDEX_LIFETIME)\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: the index waits for a record that is on its way",
        STORE,
        "if scores[key] < self._clock() - INDEX_GRACE",
        "if True",
        REDIS,
    ),
    Protection(
        "redis: the index forgets what is gone",
        STORE,
        "                self._client.zrem(self._index(user_id), *stale)\n",
        "                pass\n",
        REDIS,
    ),
    Protection(
        "redis: a foreign entry is anonymous",
        STORE,
        '                if str(error).startswith("WRONGTYPE"):\n',
        "                if False:\n",
        REDIS,
    ),
    Protection(
        "redis: a server that says nothing is given up",
        STORE,
        "        socket_timeout=TIMEOUT,\n",
        "",
        REDIS,
    ),
    Protection(
        "redis: applications have keys of their own",
        STORE,
        'return f"{self._prefix}:session:{key}"',
        'return f"session:{key}"',
        REDIS,
    ),
    # --- sessions in MongoDB ---
    Protection(
        "mongodb: update compares the version",
        STORE,
        'before = {"_id": record.key, "version": record.version - 1}',
        'before = {"_id": record.key}',
        MONGODB,
    ),
    Protection(
        "mongodb: update never creates",
        STORE,
        "self._collection.replace_one(before, _document(record))",
        "self._collection.replace_one(before, _document(record), upsert=True)",
        MONGODB,
    ),
    Protection(
        "mongodb: take compares the version",
        STORE,
        'self._collection.delete_one({"_id": key, "version": version})',
        'self._collection.delete_one({"_id": key})',
        MONGODB,
    ),
    Protection(
        "mongodb: a touch only moves forwards",
        STORE,
        'older = {"_id": key, "seen_at": {"$lt": seen_at}}',
        'older = {"_id": key}',
        MONGODB,
    ),
    Protection(
        "mongodb: a touch never creates",
        STORE,
        'self._collection.update_one(older, {"$set": times})',
        'self._collection.update_one(older, {"$set": times}, upsert=True)',
        MONGODB,
    ),
    Protection(
        "mongodb: a touch puts off the date to forget",
        STORE,
        '"expires_at": expires_at, "forget_at": _date(expires_at)}',
        '"expires_at": expires_at}',
        MONGODB,
    ),
    Protection(
        "mongodb: a session is not forgotten before its end",
        STORE,
        "math.ceil(seconds)",
        "math.floor(seconds)",
        MONGODB,
    ),
    Protection(
        "mongodb: expired sessions are forgotten",
        STORE,
        'IndexModel("forget_at", expireAfterSeconds=self._grace)',
        'IndexModel("forget_at")',
        MONGODB,
    ),
    Protection(
        "mongodb: no session is forgotten by another clock",
        STORE,
        "grace: int = GRACE",
        "grace: int = 0",
        MONGODB,
    ),
    Protection(
        "mongodb: a user's sessions have an index",
        STORE,
        '[IndexModel("user_id"), ended]',
        "[ended]",
        MONGODB,
    ),
    Protection(
        "mongodb: indexes that could not be made are made later",
        STORE,
        """            self._collection.create_indexes([IndexModel("user_id"), ended])
            self._has_indexes = True
""",
        """            self._has_indexes = True
            self._collection.create_indexes([IndexModel("user_id"), ended])
""",
        MONGODB,
    ),
    Protection(
        "mongodb: for_user is one user's",
        STORE,
        'self._collection.find({"user_id": user_id})',
        "self._collection.find({})",
        MONGODB,
    ),
    Protection(
        "mongodb: a damaged record does not hide the others",
        STORE,
        "            with suppress(UnreadableRecord):\n",
        "            with suppress(ZeroDivisionError):\n",
        MONGODB,
    ),
    Protection(
        "mongodb: a value of the wrong type is unreadable",
        STORE,
        "        if not isinstance(value, kind):\n",
        "        if value is ...:\n",
        MONGODB,
    ),
    Protection(
        "mongodb: a missing value is unreadable",
        STORE,
        "found.get(name, ...)",
        "found.get(name)",
        MONGODB,
    ),
    Protection(
        "mongodb: a number of 64 bits is an int",
        STORE,
        "int(value) if isinstance(value, Int64) else value",
        "value",
        MONGODB,
    ),
    Protection(
        "mongodb: prune spares what is live",
        STORE,
        '{"forget_at": {"$lte": _date(now)}, "expires_at": {"$lt": now}}',
        '{"forget_at": {"$lte": _date(now)}}',
        MONGODB,
    ),
    Protection(
        "mongodb: prune spares what was touched meanwhile",
        STORE,
        'chosen = {"_id": {"$in": keys}, **expired}',
        'chosen = {"_id": {"$in": keys}}',
        MONGODB,
    ),
    Protection(
        "mongodb: prune goes on to the end",
        STORE,
        "            if len(keys) < PRUNE_BATCH:\n                return total\n",
        "            return total\n",
        MONGODB,
    ),
    Protection(
        "mongodb: readiness needs the collection",
        STORE,
        '            self._collection.find_one({"_id": ""})\n',
        "            pass\n",
        MONGODB,
    ),
    Protection(
        "mongodb: an error is StoreUnavailable",
        STORE,
        "except (PyMongoError, BSONError) as error:",
        "except BSONError as error:",
        MONGODB,
    ),
    Protection(
        "mongodb: a session that is too large is StoreUnavailable",
        STORE,
        "except (PyMongoError, BSONError) as error:",
        "except PyMongoError as error:",
        MONGODB,
    ),
    Protection(
        "mongodb: a call has a deadline",
        STORE,
        '    "timeoutMS": TIMEOUT,\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: a server that is back is seen in time",
        STORE,
        '    "connectTimeoutMS": TIMEOUT,\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: reads are not retried",
        STORE,
        '    "retryReads": False,\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: writes are not retried",
        STORE,
        '    "retryWrites": False,\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: a sign-out outlives a failover",
        STORE,
        '    "w": "majority",\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: a sign-out outlives a crash",
        STORE,
        '    "journal": True,\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: no replica is asked for a session",
        STORE,
        '    "readPreference": "primary",\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: a session is read as it is now",
        STORE,
        '    "readConcernLevel": "local",\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: documents are decoded one by one",
        STORE,
        '    "document_class": RawBSONDocument,\n',
        "",
        MONGODB,
    ),
    Protection(
        "mongodb: a document that cannot be decoded is unreadable",
        STORE,
        "    except InvalidBSON as error:\n        raise UnreadableRecord from error\n",
        "    except InvalidBSON as error:\n        raise StoreUnavailable from error\n",
        MONGODB,
    ),
    Protection(
        "mongodb: a collection is one application's",
        STORE,
        '[f"{app.import_name}_sessions"]',
        '["sessions"]',
        MONGODB,
    ),
    Protection(
        "mongodb: the client is not connected before the fork",
        STORE,
        '    "connect": False,',
        '    "connect": True,',
        MONGODB,
    ),
    Protection(
        "mongodb: an option that cannot be read stops the start",
        STORE,
        '            warnings.simplefilter("error")\n',
        '            warnings.simplefilter("ignore")\n',
        MONGODB,
    ),
    # --- sessions in files ---
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
        """        temporary = self._path / f"{name}.tmp"
        flags""",
        """        temporary = self._path / f"{name}.json"
        flags""",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a write that fails leaves nothing behind",
        FILES,
        "                temporary.unlink()\n",
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
            return Path""",
        """        try:
            return Path""",
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
        "        return [*self._sessions.names()]\n",
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
    Protection(
        "filesystem: a foreign file is no record",
        STORE,
        "    except UNREADABLE as error:\n",
        "    except ZeroDivisionError as error:\n",
        FILESYSTEM,
    ),
    Protection(
        "filesystem: a field has its type",
        STORE,
        "    if not all(isinstance(getattr(record, name), TYPES[name]) for name in FIELDS):\n",
        "    if False:\n",
        FILESYSTEM,
    ),
    # --- the cookie and its headers ---
    Protection(
        "cookie: HttpOnly",
        INTERFACE,
        """            httponly=True,
            samesite=self.get_cookie_samesite(app),
        )

    def _delete""",
        """            samesite=self.get_cookie_samesite(app),
        )

    def _delete""",
    ),
    Protection(
        "cookie: deleted with its attributes",
        INTERFACE,
        """        response.delete_cookie(
            self.get_cookie_name(app),
            path="/",
            secure=self.get_cookie_secure(app),
""",
        """        response.delete_cookie(
            self.get_cookie_name(app),
            path="/",
""",
    ),
    Protection(
        "a 503 leaves the cookie alone",
        INTERFACE,
        """        if session.failed:
            response.headers["Cache-Control"] = "no-store"
            return
""",
        """        if session.failed:
            self._delete(app, response)
            return
""",
    ),
    Protection(
        "cookie: __Host- in production",
        CONFIG,
        'r"[\\w-]+\\Z" if development else r"__Host-[\\w-]+\\Z"',
        'r"[\\w-]+\\Z"',
    ),
    Protection(
        "cookie: Secure",
        CONFIG,
        '"SESSION_COOKIE_SECURE": not development',
        '"SESSION_COOKIE_SECURE": False',
    ),
    Protection(
        "cookie: SameSite",
        CONFIG,
        'validate=validate.OneOf(["Lax", "Strict"])',
        'validate=validate.OneOf(["Lax", "Strict", "None"])',
    ),
    Protection(
        "cookie: Expires for remember me only",
        INTERFACE,
        "        if session.permanent:\n",
        "        if True:\n",
    ),
    Protection(
        "Vary: Cookie",
        INTERFACE,
        '        response.vary.add("Cookie")\n',
        "",
    ),
    Protection(
        "no-store for signed-in pages",
        INTERFACE,
        'if was_signed_in or "user_id" in session or outcome in (Outcome.SEND, Outcome.DELETE):',
        "if False:",
    ),
    Protection(
        "a store that fails at the save is 503",
        INTERFACE,
        "            _replace_by_error(app, response)\n",
        "",
    ),
    Protection(
        "nothing counts before the save",
        INTERFACE,
        "        if outcome is not Outcome.LOST:\n            for call",
        "        if True:\n            for call",
    ),
    Protection(
        "a 503 sends no cookie",
        INTERFACE,
        '    "Set-Cookie",\n',
        "",
    ),
    # --- who is signed in ---
    Protection(
        "the epoch is compared",
        IDENTITY,
        ' or user.session_epoch != session.get("session_epoch")',
        "",
    ),
    Protection(
        "a disabled user is nobody",
        IDENTITY,
        "if user is None or user.disabled or ",
        "if user is None or ",
    ),
    Protection(
        "a change of password raises the epoch",
        IDENTITY,
        "    user.session_epoch = User.session_epoch + 1\n",
        "",
    ),
    Protection(
        "sign-out clears the session",
        IDENTITY,
        "    current_session().end()\n",
        '    session["signed_out"] = True\n',
    ),
    Protection(
        "a sign-in is fresh for ten minutes",
        IDENTITY,
        "return session_rules().clock() - proved_at < FRESH_FOR",
        "return True",
    ),
    Protection(
        "routes need a signed-in user",
        ACCESS,
        "            raise SignInRequired\n",
        "            pass\n",
    ),
    Protection(
        "sensitive changes need a fresh sign-in",
        ACCESS,
        "            raise ReauthenticationRequired\n",
        "            pass\n",
    ),
    # --- passwords ---
    Protection(
        "an unknown user takes as long as a wrong password",
        PASSWORDS,
        "    target = password_hash if known and password_hash else _dummy_hash()\n",
        """    if not known or not password_hash:
        return False
    target = password_hash
""",
    ),
    Protection(
        "the OWASP profile of argon2id",
        PASSWORDS,
        '"memory_cost": 19_456, "time_cost": 2',
        '"memory_cost": 1_024, "time_cost": 1',
    ),
    Protection("15 characters", PASSWORDS, "SHORTEST = 15", "SHORTEST = 8"),
    Protection(
        "at most 128 characters",
        PASSWORDS,
        "    if len(password) > LONGEST:\n",
        "    if False:\n",
    ),
    Protection(
        "NFC",
        PASSWORDS,
        'return unicodedata.normalize("NFC", password)',
        "return password",
    ),
    Protection(
        "no guessable password",
        PASSWORDS,
        'if judged["score"] < GOOD_SCORE:',
        "if False:",
    ),
    Protection(
        "the user's own words are guessable",
        PASSWORDS,
        "zxcvbn(rest.translate(ALIKE)[:ZXCVBN_LONGEST])",
        "zxcvbn(password.translate(ALIKE)[:ZXCVBN_LONGEST])",
    ),
    Protection(
        "a limit on hashing at once",
        PASSWORDS,
        "        if not _places.acquire(timeout=LONGEST_WAIT):\n",
        "        if False:\n",
    ),
    Protection(
        "rehash at sign-in",
        ACCOUNTS,
        "    if needs_rehash(user.password_hash):\n",
        "    if False:\n",
    ),
    Protection(
        "a disabled user does not sign in",
        ACCOUNTS,
        "attempt) or user is None or user.disabled:",
        "attempt) or user is None:",
    ),
    Protection(
        "a change of password needs the current one",
        ACCOUNTS,
        "    _prove_again(user, password)\n    check_strength",
        "    check_strength",
    ),
    Protection(
        "a change of password checks the new one",
        ACCOUNTS,
        "    check_strength(new_password, email=user.email)\n",
        "",
    ),
    Protection(
        "a change of password ends the other sessions",
        ACCOUNTS,
        "    begin_new_epoch(user)\n",
        "    db.session.commit()\n",
    ),
    Protection(
        "addresses are one form",
        ACCOUNTS,
        'unicodedata.normalize("NFKC", text).strip().lower()',
        "text.strip()",
    ),
    # --- requests ---
    Protection("CSRF guard", CSRF, "            raise CrossOriginRequest\n", "            pass\n"),
    Protection(
        "Sec-Fetch-Site: same-site is another site",
        CSRF,
        'return site in ("same-origin", "none")',
        'return site in ("same-origin", "same-site", "none")',
    ),
    Protection(
        "Origin is compared",
        CSRF,
        "return origin == _own_origin()",
        "return True",
    ),
    Protection(
        "neither header, but a cookie",
        CSRF,
        'return current_app.config["SESSION_COOKIE_NAME"] not in request.cookies',
        "return True",
    ),
    Protection(
        "next: control characters and backslashes",
        REDIRECTS,
        'if not target or any(char <= " " or char in "\\\\\\x7f" for char in target):',
        "if not target:",
    ),
    Protection(
        "next: no //host",
        REDIRECTS,
        'address.startswith("/") and not address.startswith("//")',
        'address.startswith("/")',
    ),
    Protection(
        "a clock that is behind blocks nobody",
        THROTTLE,
        "now + wait if wait else 0.0",
        "now + wait",
    ),
    Protection(
        "throttle",
        THROTTLE,
        "        raise TooManyAttempts(retry_after=int(blocked_until - now) + 1)\n",
        "        return\n",
    ),
    Protection(
        "throttle: IPv6 by network",
        THROTTLE,
        "return str(ipaddress.ip_network((int(parsed), 64), strict=False))",
        "return address",
    ),
    Protection(
        "the Host header is checked",
        HOSTS,
        '            raise BadRequest("The Host header is not valid.")\n',
        "            pass\n",
    ),
    Protection(
        "https only",
        HOSTS,
        '        raise Forbidden("This site answers over https only.")\n',
        "        return None\n",
    ),
    Protection(
        "no proxy is believed by default",
        HOSTS,
        "    if hops:\n",
        "    hops = hops or 1\n    if hops:\n",
    ),
    Protection(
        "the host of a proxy's header is not believed",
        HOSTS,
        "x_host=0",
        "x_host=hops",
    ),
    *(
        Protection(f"header {name}", HEADERS, f'    "{name}": "{value}",\n', "")
        for name, value in {
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }.items()
    ),
    Protection(
        "CSP: no framing",
        HEADERS,
        "frame-ancestors 'none'",
        "frame-ancestors *",
    ),
    Protection(
        "HSTS",
        HEADERS,
        '    if app.config["EXTERNAL_URL"].startswith("https://"):\n',
        "    if False:\n",
    ),
    Protection(
        "a body is JSON by its type",
        BODIES,
        '        raise UnsupportedMediaType("Send application/json.")\n',
        "        pass\n",
        REDIS,
    ),
    # --- configuration ---
    Protection(
        "production is the default",
        CONFIG,
        'stage = env.str("APP_ENV", "production"',
        'stage = env.str("APP_ENV", "development"',
    ),
    Protection(
        "short keys",
        CONFIG,
        "len(key.encode()) < SHORTEST_KEY",
        "False",
    ),
    Protection(
        "known keys",
        CONFIG,
        "any(word in lowered for word in PLACEHOLDERS)",
        "False",
    ),
    Protection(
        "fallback keys are held to the same rule",
        CONFIG,
        '_list(env, "SECRET_KEY_FALLBACKS", _check_secret_key)',
        '_list(env, "SECRET_KEY_FALLBACKS")',
    ),
    Protection(
        "no debugging in production",
        CONFIG,
        '    if debug and stage == "production":\n',
        "    if False:\n",
    ),
    Protection(
        "https in production",
        CONFIG,
        '    if parts.scheme == "http" and stage == "production" and not',
        '    if parts.scheme == "http" and stage == "never" and not',
    ),
    Protection(
        "a limit on bodies",
        CONFIG,
        '        "MAX_CONTENT_LENGTH": 256 * 1024,\n',
        "",
    ),
    # --- sign-in, settings and logs, continued ---
    Protection(
        "a rehash does not overwrite a changed password",
        ACCOUNTS,
        "unchanged = (User.id == user.id) & (User.password_hash == user.password_hash)",
        "unchanged = User.id == user.id",
    ),
    Protection(
        "a sign-in takes the epoch of the row it has verified",
        ACCOUNTS,
        """    sign_in(user, remember=remember, attempt=attempt)
    if needs_rehash(user.password_hash):
        with suppress(ServiceUnavailable):  # the next sign-in will do
            _replace_hash(user, hash_password(password))
            db.session.commit()
""",
        """    if needs_rehash(user.password_hash):
        _replace_hash(user, hash_password(password))
        db.session.commit()
    sign_in(user, remember=remember, attempt=attempt)
""",
    ),
    Protection(
        "addresses are plain ASCII",
        ACCOUNTS,
        '"@[a-z0-9](?:',
        '"@[\\w](?:',
    ),
    Protection(
        "users hear of a changed password",
        ACCOUNTS,
        '        user.email,\n        "Your password was changed"',
        '        "nobody",\n        "Your password was changed"',
    ),
    Protection(
        "a path keeps its line breaks encoded",
        HOSTS,
        "quote(request.path)",
        "request.path",
    ),
    Protection(
        "programs are not redirected to https",
        HOSTS,
        ' and "text/html" in request.headers.get("Accept", "")',
        "",
    ),
    Protection(
        "throttle: IPv4 in IPv6 is IPv4",
        THROTTLE,
        "    if parsed.ipv4_mapped:",
        "    if False:",
    ),
    Protection(
        "throttle: each failure waits longer",
        THROTTLE,
        "return min(2.0 ** min(failures_above_limit, 20), LONGEST_WAIT)",
        "return 1.0",
    ),
    Protection(
        "throttle: compare-and-swap",
        THROTTLE,
        "unchanged = (counters.c.key == key) & (counters.c.failures == row.failures)",
        "unchanged = counters.c.key == key",
    ),
    Protection(
        "throttle: success gives back one attempt only",
        THROTTLE,
        '    back = {"failures": counters.c.failures - 1}\n',
        '    back = {"failures": 0}\n',
    ),
    Protection(
        "throttle: by account from everywhere",
        THROTTLE,
        '"account": 25',
        '"account": 1000',
    ),
    Protection(
        "CSP: forms go nowhere else",
        HEADERS,
        "form-action 'self'",
        "form-action *",
    ),
    Protection(
        "only views that say so are public",
        ACCESS,
        'getattr(view, "is_public", False) is True',
        'getattr(view, "is_public", True) is True',
    ),
    Protection(
        "keys are text",
        CONFIG,
        "not key.isprintable()",
        "False",
    ),
    Protection(
        "keys that are counted",
        CONFIG,
        '    *("0123456789", "abcdefgh", "qwerty", "192b9bdd22ab9ed4"),',
        '    *("192b9bdd22ab9ed4",),',
    ),
    Protection(
        "no cookie for four hundred days",
        CONFIG,
        "    if lifetime > LONGEST_LIFETIME:\n",
        "    if False:\n",
    ),
    Protection(
        "only EXTERNAL_URL's host is trusted",
        CONFIG,
        '    own = [] if stage == "development" else [parts.hostname or ""]\n',
        "    own = []\n",
    ),
    Protection(
        "files of settings are read strictly",
        CONFIG,
        '            self.fault(f"{env_key}_FILE", "must be the path of a readable text file")\n',
        "            pass\n",
    ),
    Protection(
        "a log line is one line",
        LOGS,
        "        return json.dumps(self.fields(record), default=str)\n",
        '        return str(self.fields(record)["message"])\n',
    ),
    Protection(
        "queries are logged without their values",
        DATABASE_MODULE,
        '"hide_parameters": True, ',
        "",
    ),
    Protection(
        "sign-in pages are not stored",
        STYLE,
        '    response.headers["Cache-Control"] = "no-store"\n',
        "",
    ),
    Protection(
        "signing out clears what pages have stored",
        IDENTITY,
        "    after_this_request(_clear_storage)\n",
        "",
    ),
    Protection(
        "audit: a sign-in",
        IDENTITY,
        '        audit("sign_in", user_id=user_id, session=_session_key())\n',
        "        pass\n",
    ),
    Protection(
        "only one's own devices",
        DEVICES,
        "    for record in store.for_user(user.id):\n        if record.public_id == public_id:",
        "    for record in store.for_user(user.id):\n        if True:",
    ),
    Protection(
        "JSON: text is text",
        SCHEMAS,
        '    if "\\0" in text or any',
        "    if any",
        REDIS,
    ),
    # --- what a hostile reviewer found ---
    Protection(
        "a known address is not held up by strangers",
        THROTTLE,
        'kinds = tuple(kind for kind in LIMITS if not (is_known and kind == "account"))',
        "kinds = tuple(LIMITS)",
    ),
    Protection(
        "an address is known for a month",
        THROTTLE,
        "KNOWN_FOR = 30 * 86_400.0",
        "KNOWN_FOR = 300 * 86_400.0",
    ),
    Protection(
        "fewer than a hundred guesses a day",
        THROTTLE,
        "LONGEST_WAIT = 1800.0",
        "LONGEST_WAIT = 900.0",
    ),
    Protection(
        "a port does not make an address another",
        THROTTLE,
        'bare = address.partition(":")[0] if address.count(":") == 1 else address',
        "bare = address",
    ),
    Protection(
        "what is no address shares a counter",
        THROTTLE,
        '        return "unknown"',
        "        return address",
    ),
    Protection(
        "registration is throttled",
        ACCOUNTS,
        "    begin_registration()\n",
        "",
    ),
    Protection(
        "who proves again who they are is counted by session",
        ACCOUNTS,
        'begin_attempt(f"session {current_session().public_id}")',
        "begin_attempt(user.email)",
    ),
    Protection(
        "what nobody looked at is no guess",
        ACCOUNTS,
        "        attempt.withdraw()  # nobody has looked at the password\n",
        "",
    ),
    Protection(
        "the hash for unknown users is made at the start",
        STYLE,
        "blueprint.record(prepare)\n",
        "",
    ),
    Protection(
        "mail: the server's certificate is checked",
        "{package}/mail.py",
        "        context = ssl.create_default_context()\n",
        "        context = None\n",
    ),
    Protection(
        "mail: the server's certificate is checked with STARTTLS, too",
        "{package}/mail.py",
        "server.starttls(context=ssl.create_default_context())",
        "server.starttls()",
    ),
    Protection(
        "mail: an address that cannot be sent to is no error of the request",
        "{package}/mail.py",
        "except (OSError, UnicodeError, smtplib.SMTPException)",
        "except (OSError, smtplib.SMTPException)",
    ),
    Protection(
        "a sign-in of the owner gives strangers no new guesses",
        THROTTLE,
        'mine = [self.key("account and source"), self.key("known")]',
        'mine = [self.key("account"), self.key("account and source"), self.key("known")]',
    ),
    Protection(
        "only what was counted is taken back",
        THROTTLE,
        "attempt = replace(attempt, kinds=kinds)",
        "attempt = replace(attempt)",
    ),
    Protection(
        "the right password is no guess",
        ACCOUNTS,
        "    attempt.note_success()\n",
        "",
    ),
    Protection(
        "a failed rehash does not stop a sign-in",
        ACCOUNTS,
        "with suppress(ServiceUnavailable):  # the next sign-in will do",
        "with suppress():",
    ),
    Protection(
        "zxcvbn is given one sign for each letter",
        PASSWORDS,
        "rest.translate(ALIKE)[",
        "rest[",
    ),
    Protection(
        "SECRET_KEY: no words",
        CONFIG,
        '        or not re.search(r"[0-9A-Z]", key)  # words, an alphabet\n',
        "",
    ),
    Protection(
        "SECRET_KEY: no sentences",
        CONFIG,
        '        or " " in key  # a sentence\n',
        "",
    ),
    Protection(
        "DATABASE_URL: no memory",
        CONFIG,
        're.search(":memory:|mode=memory", unquote(url))',
        'url.endswith(":memory:")',
    ),
    Protection(
        "names of hosts have no case",
        HOSTS,
        'environ["HTTP_HOST"] = environ["HTTP_HOST"].lower()',
        "pass",
    ),
]
