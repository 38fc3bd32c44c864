"""Rows of the application's database."""

from __future__ import annotations

from tests.mutation.protections.protection import DATABASE, DATABASE_MODULE, ROWS, Protection

PROTECTIONS = [
    Protection(
        "database: update compares the version",
        ROWS,
        "UPDATE = sa.update(sessions).where(_is_unchanged)",
        "UPDATE = sa.update(sessions).where(_has_key)",
        DATABASE,
    ),
    Protection(
        "database: take compares the version",
        ROWS,
        "TAKE = sa.delete(sessions).where(_is_unchanged)",
        "TAKE = sa.delete(sessions).where(_has_key)",
        DATABASE,
    ),
    Protection(
        "database: a touch only moves forwards",
        ROWS,
        '.where(_has_key & (sessions.c.seen_at < sa.bindparam("now")))',
        ".where(_has_key)",
        DATABASE,
    ),
    Protection(
        "database: an error is StoreUnavailable",
        ROWS,
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
        "database: insert does not wait for a commit",
        DATABASE_MODULE,
        '"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True, ',
        "",
        DATABASE,
    ),
    Protection(
        "database: for_user is one user's",
        ROWS,
        'OF_USER = sa.select(*columns).where(sessions.c.user_id == sa.bindparam("user"))',
        "OF_USER = sa.select(*columns)",
        DATABASE,
    ),
    Protection(
        "database: prune spares what is live",
        ROWS,
        "        expired = sessions.c.expires_at < now\n",
        "        expired = sessions.c.expires_at > 0\n",
        DATABASE,
    ),
]
