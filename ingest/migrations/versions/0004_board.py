"""What the operators' board counts, found without reading tables that grow for ever."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_backfill_window_done", "backfill_window", "done_at", "done_at IS NOT NULL"),
    ("ix_backfill_window_buried", "backfill_window", "connection", "state = 'buried'"),
    ("ix_stream_state_failing", "stream_state", "failing_since", "failing_since IS NOT NULL"),
    ("ix_stream_state_buried", "stream_state", "connection", "state = 'buried'"),
    ("ix_delivery_sent", "delivery", "sent_at", "sent_at IS NOT NULL"),
    ("ix_delivery_failed", "delivery", "channel", "status = 'failed'"),
)


def upgrade() -> None:
    """Make the indexes of this step."""
    for name, table, column, where in INDEXES:
        op.create_index(name, table, [column], unique=False, postgresql_where=sa.text(where))


def downgrade() -> None:
    """Undo this step."""
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table_name=table)
