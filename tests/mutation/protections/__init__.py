"""The protections of a rendered project, and how each is taken away.

`find` stands exactly once in `file` ({package} is the project's package). Keep each change as small
as a careless commit would be: a line dropped, a comparison turned.
"""

from __future__ import annotations

from tests.mutation.protections import (
    application,
    database,
    dynamodb,
    filesystem,
    mariadb,
    memcached,
    mongodb,
    redis,
    requests,
    sessions,
    sign_in,
    signed_cookie,
)
from tests.mutation.protections.protection import Protection

PROTECTIONS: list[Protection] = [
    *sessions.PROTECTIONS,
    *database.PROTECTIONS,
    *mariadb.PROTECTIONS,
    *redis.PROTECTIONS,
    *mongodb.PROTECTIONS,
    *filesystem.PROTECTIONS,
    *memcached.PROTECTIONS,
    *dynamodb.PROTECTIONS,
    *signed_cookie.PROTECTIONS,
    *sign_in.PROTECTIONS,
    *requests.PROTECTIONS,
    *application.PROTECTIONS,
]
