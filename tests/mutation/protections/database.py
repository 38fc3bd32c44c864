"""Sessions in the application's database."""

from __future__ import annotations

from tests.mutation.protections.protection import DATABASE, DATABASE_MODULE, STORE, Protection

PROTECTIONS = [
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
]
