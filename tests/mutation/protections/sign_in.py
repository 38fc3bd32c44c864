"""Who is signed in, passwords, and the list of devices."""

from __future__ import annotations

from tests.mutation.protections.protection import (
    ACCOUNTS,
    DEVICES,
    IDENTITY,
    PASSWORDS,
    REDIS,
    SCHEMAS,
    STYLE,
    Protection,
)

PROTECTIONS = [
    Protection(
        "who was signed out does not come along into a new epoch",
        IDENTITY,
        "    unchanged = (User.id == user.id) & (User.session_epoch == mine)\n",
        "    unchanged = User.id == user.id\n",
    ),
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
        "a user that the database's session has let go is read anew",
        IDENTITY,
        "user is None or user not in db.session or user.id != user_id",
        "user is None or user.id != user_id",
    ),
]
