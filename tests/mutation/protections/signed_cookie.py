"""Sessions in signed cookies."""

from __future__ import annotations

from tests.mutation.protections.protection import COOKIE, INTERFACE, SIGNING, Protection

SIGNED_COOKIE = ("signed-cookie-password",)

PROTECTIONS = [
    Protection(
        "signed cookie: the signature is checked",
        SIGNING,
        "        signed = _signer(app).unsign(value)\n",
        '        signed = value.rpartition(".")[0].encode()\n',
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: SHA-256",
        SIGNING,
        ", digest_method=hashlib.sha256)",
        ")",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: a salt of its own",
        SIGNING,
        "Signer(keys, salt=SALT, ",
        "Signer(keys, ",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: former keys are good",
        SIGNING,
        'keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]',
        'keys = [app.config["SECRET_KEY"]]',
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: the present key signs",
        SIGNING,
        'keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]',
        'keys = [app.config["SECRET_KEY"], *app.config["SECRET_KEY_FALLBACKS"]]',
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: a signature is written in one way",
        SIGNING,
        "        if base64_encode(base64_decode(signature)).decode() != signature:\n",
        "        if base64_decode(signature) == signature:\n",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: its length is checked first",
        SIGNING,
        "    if len(value) > LARGEST:\n",
        "    if not value:\n",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: none that browsers drop",
        COOKIE,
        "        if size > LARGEST:\n",
        "        if size > 100 * LARGEST:\n",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: its size is not known better than the browser does",
        COOKIE,
        "        size = len(name) + OVERHEAD + len(as_payload(text))\n",
        "        size = len(as_payload(text))\n",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: what is too large is refused before a row is written",
        COOKIE,
        """        text = self._text_of(record)
        is_done = record.key in self._without_row or self._rows.update(_row(record))
""",
        """        is_done = record.key in self._without_row or self._rows.update(_row(record))
        text = self._text_of(record)
""",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: an error page does not save again",
        INTERFACE,
        "            session.refused = True\n",
        "",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: a user's session has a row",
        COOKIE,
        """        row = self._rows.load(key)
        if row is None or is_signpost(row):
            return row
""",
        """        row = self._rows.load(key) or _anonymous(key, f"9e12 9e12 9e12 {text}")
        if is_signpost(row):
            return row
""",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: the row says who and of which epoch",
        COOKIE,
        "        if any(known.get(name) != carried.get(name) for name in IN_THE_ROW):\n",
        "        if known is carried:\n",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: a signpost opens nothing",
        COOKIE,
        "        if row is None or is_signpost(row):\n            return row\n",
        """        if row is None:
            return row
        if is_signpost(row):
            row = replace(row, user_id=int(row.data), data=text)
""",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: a row has none of the data",
        COOKIE,
        "encode({name: values.get(name) for name in IN_THE_ROW})",
        "encode(values)",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: a save that finds no row sends nothing",
        COOKIE,
        "        if is_done:\n            self.text = text\n",
        "        self.text = text\n",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: what lost sends nothing",
        COOKIE,
        "    if outcome not in (Outcome.SEND, Outcome.KEEP) or not",
        "    if not",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: changed data is sent",
        COOKIE,
        "    if outcome not in (Outcome.SEND, Outcome.KEEP) or not",
        "    if outcome is not Outcome.SEND or not",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: nobody's session costs no query",
        COOKIE,
        "        if key not in self._without_row:\n            self._rows.touch",
        "        if True:\n            self._rows.touch",
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: nobody's hour is signed",
        COOKIE,
        '            "created_at": float(created_at),\n',
        '            "created_at": float(seen_at),\n',
        SIGNED_COOKIE,
    ),
    Protection(
        "signed cookie: nobody's end is signed",
        COOKIE,
        '            "expires_at": float(expires_at),\n',
        '            "expires_at": float(expires_at) + 1e6,\n',
        SIGNED_COOKIE,
    ),
]
