"""Those who run the service, what they hold and did; from which account a person wants a signal."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of this step."""
    op.create_table(
        "operator",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('view', 'operate')", name=op.f("ck_operator_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator")),
        sa.UniqueConstraint("address", name=op.f("uq_operator_address")),
    )
    op.create_table(
        "operator_action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_action")),
    )
    op.create_index(op.f("ix_operator_action_at"), "operator_action", ["at"], unique=False)
    op.create_table(
        "queue_hold",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("queue", name=op.f("pk_queue_hold")),
    )
    op.create_table(
        "operator_session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("operator", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator"], ["operator.id"], name=op.f("fk_operator_session_operator"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_operator_session")),
    )
    op.create_index(op.f("ix_operator_session_operator"), "operator_session", ["operator"], unique=False)
    op.create_table(
        "series_choice",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("vendor_account", sa.BigInteger(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_series_choice_person"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["vendor_account"], ["vendor_account.id"], name=op.f("fk_series_choice_vendor_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person", "signal", name=op.f("pk_series_choice")),
    )
    op.create_index(op.f("ix_series_choice_vendor_account"), "series_choice", ["vendor_account"], unique=False)
    op.add_column("vendor_app", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("vendor_app", sa.Column("held_by", sa.Text(), nullable=True))
    op.add_column("vendor_app", sa.Column("held_reason", sa.Text(), nullable=True))


def downgrade() -> None:
    """Undo this step."""
    op.drop_column("vendor_app", "held_reason")
    op.drop_column("vendor_app", "held_by")
    op.drop_column("vendor_app", "held_at")
    op.drop_index(op.f("ix_series_choice_vendor_account"), table_name="series_choice")
    op.drop_table("series_choice")
    op.drop_index(op.f("ix_operator_session_operator"), table_name="operator_session")
    op.drop_table("operator_session")
    op.drop_table("queue_hold")
    op.drop_index(op.f("ix_operator_action_at"), table_name="operator_action")
    op.drop_table("operator_action")
    op.drop_table("operator")
