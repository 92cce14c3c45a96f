"""What erasing a person, and a browser that renews itself, look for: without these they read whole tables."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes of this step."""
    op.create_index("ix_raw_connection", "raw", ["connection"])
    op.create_index("ix_channel_push", "channel", ["address"], postgresql_where=sa.text("kind = 'push'"))


def downgrade() -> None:
    """Undo this step."""
    op.drop_index("ix_channel_push", table_name="channel")
    op.drop_index("ix_raw_connection", table_name="raw")
