"""Sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "sessions",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("data", sa.Text().with_variant(MEDIUMTEXT(), "mariadb", "mysql"), nullable=False),
        sa.Column("user_id", sa.Integer, index=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False, index=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("user_agent", sa.String(200), nullable=False),
        sa.Column("ip", sa.String(45), nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("sessions")
