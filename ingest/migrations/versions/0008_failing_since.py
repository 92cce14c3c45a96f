"""Since when a message is tried in vain: one decided in the evening, for the morning, is not late all night."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column; what is tried in vain now is so since it was decided, as far as anybody knows."""
    op.add_column("delivery", sa.Column("failing_since", sa.DateTime(timezone=True)))
    op.execute("UPDATE delivery SET failing_since = created_at WHERE status = 'waiting' AND error IS NOT NULL")


def downgrade() -> None:
    """Undo this step."""
    op.drop_column("delivery", "failing_since")
