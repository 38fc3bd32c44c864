"""The session layer, whatever its store."""

from __future__ import annotations

from tests.mutation.protections.protection import (
    AS_JSON,
    DATABASE,
    ENDING,
    INTERFACE,
    JSON_RECORDS,
    LIFETIME,
    RECORD,
    SAVING,
    SESSION,
    TOKENS,
    Protection,
)

PROTECTIONS = [
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
        TOKENS,
    ),
    Protection(
        "rotation takes the old record",
        SAVING,
        "        return session.store.take(old.key, old.version)\n",
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
        "return newest.key in {record.key for record in dropped}",
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
        "return session.store.update(signpost(old, session.rules.clock()))",
        "return session.store.take(old.key, old.version)",
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
        TOKENS,
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
        "if not isinstance(values, dict) or not is_well_formed(record):",
        "if not isinstance(values, dict):",
        DATABASE,
    ),
    Protection(
        "a record has no time of which no date can be made",
        RECORD,
        "        and max(record.created_at, record.seen_at) < FAR\n",
        "",
    ),
    Protection(
        "a record has no user whom no database can have",
        RECORD,
        "        and (record.user_id is None or 0 < record.user_id <= LARGEST_ID)\n",
        "",
    ),
    Protection(
        "a damaged signpost is none",
        RECORD,
        "        and is_well_formed(record)\n        and SIGNPOST",
        "        and SIGNPOST",
    ),
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
        TOKENS,
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
        """        if session.failed or session.refused:
            response.headers["Cache-Control"] = "no-store"
            return
""",
        """        if session.failed:
            self._delete(app, response)
            return
""",
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
        '        response.headers.add("Vary", "Cookie")\n',
        "",
    ),
    Protection(
        "no-store for signed-in pages",
        INTERFACE,
        'if was_signed_in or "user_id" in session or value or outcome is Outcome.DELETE:',
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
    Protection(
        "a damaged record of JSON is unreadable",
        AS_JSON,
        "    except UNREADABLE as error:\n",
        "    except ZeroDivisionError as error:\n",
        JSON_RECORDS,
    ),
    Protection(
        "a record of JSON has fields of the right types",
        AS_JSON,
        "    if not all(isinstance(getattr(record, name), TYPES[name]) for name in FIELDS):\n",
        "    if False:\n",
        JSON_RECORDS,
    ),
]
