"""How Alembic reaches the database: `flask db` brings the application."""

import sqlalchemy as sa
from alembic import context
from flask import current_app

db = current_app.extensions["migrate"].db


def run() -> None:
    """Run the migrations on a connection of their own, without the limits of a request."""
    engine = sa.create_engine(db.engine.url, hide_parameters=True)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,  # SQLite alters a table by making it anew
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    context.configure(url=str(db.engine.url), target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run()
