"""Whether a person wants their nights compared knowing the phase of their cycle."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column of this step."""
    op.add_column("person", sa.Column("cycle", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """Undo this step."""
    op.drop_column("person", "cycle")
