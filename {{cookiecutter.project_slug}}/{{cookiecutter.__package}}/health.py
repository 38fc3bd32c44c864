"""Whether the application is alive, and whether it is ready to serve."""

import sqlalchemy as sa
from flask import Blueprint

from .database import db
from .security.access import public
from .sessions import session_rules

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> dict[str, str]:
    """Answer while the process runs, whatever its servers do."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@public
def ready() -> dict[str, str]:
    """Answer 200 when the database and the session store do, else 503."""
    with db.engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    session_rules().store.ping()
    return {"status": "ok"}
