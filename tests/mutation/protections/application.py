"""Settings, logs, the database's connections and the rest."""

from __future__ import annotations

from tests.mutation.protections.protection import CONFIG, DATABASE_MODULE, LOGS, Protection

PROTECTIONS = [
    Protection(
        "a database that takes no writes is 503",
        "{package}/outages.py",
        "InternalError, InterfaceError, PoolTimeout)",
        "InterfaceError, PoolTimeout)",
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
]
