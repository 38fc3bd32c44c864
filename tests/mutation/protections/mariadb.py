"""MariaDB as the application's database."""

from __future__ import annotations

from tests.mutation.protections.protection import CONFIG, DATABASE, DATABASE_MODULE, Protection

PROTECTIONS = [
    Protection(
        "database mariadb: texts are compared byte by byte",
        DATABASE_MODULE,
        " CHARACTER SET utf8mb4 COLLATE {collation}",
        " CHARACTER SET utf8mb4",
        database="mariadb",
    ),
    Protection(
        "database mariadb: spaces at the end are compared, too",
        DATABASE_MODULE,
        '"utf8mb4_nopad_bin"',
        '"utf8mb4_bin"',
        database="mariadb",
    ),
    Protection(
        "database mariadb: a text is not cut",
        DATABASE_MODULE,
        '    "sql_mode": "TRADITIONAL",  # a text that is too long is an error, and not cut\n',
        "",
        database="mariadb",
    ),
    Protection(
        "database mariadb: a long session fits",
        "migrations/versions/0002_sessions.py",
        '.with_variant(MEDIUMTEXT(), "mariadb", "mysql")',
        "",
        DATABASE,
        database="mariadb",
    ),
    Protection(
        "database mariadb: a transaction sees what others have committed",
        DATABASE_MODULE,
        '        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")\n',
        "",
        database="mariadb",
    ),
    Protection(
        "database mariadb: the server gives up waiting for a lock",
        DATABASE_MODULE,
        '        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {int(TIMEOUT)}")\n',
        "",
        DATABASE,
        database="mariadb",
    ),
    Protection(
        "database mariadb: nobody waits for a server that hangs",
        DATABASE_MODULE,
        '    "read_timeout": TIMEOUT,\n',
        "",
    ),
    Protection(
        "database mariadb: the URL does not choose the character set",
        DATABASE_MODULE,
        '    "charset": "utf8mb4",\n',
        "",
    ),
    Protection(
        "database mariadb: the URL does not end transactions",
        DATABASE_MODULE,
        '    "autocommit": False,\n',
        "",
    ),
    Protection(
        "database: the URL does not change a connection to PostgreSQL",
        DATABASE_MODULE,
        "**parameters | POSTGRESQL)",
        "**POSTGRESQL | parameters)",
    ),
    Protection(
        "database: an UPDATE that finds nothing is noticed",
        DATABASE_MODULE,
        "    return result.rowcount == 1\n",
        "    return True\n",
    ),
    Protection(
        "config: a driver that is missing stops the start",
        CONFIG,
        '    if parsed.drivername.endswith("+pymysql") and find_spec("pymysql") is None:\n',
        "    if False:\n",
    ),
]
