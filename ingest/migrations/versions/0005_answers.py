"""What a person says of a morning, of unusual nights and of an alert; their language, and when to leave them alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and columns of this step."""
    op.add_column("person", sa.Column("language", sa.Text(), server_default="en", nullable=False))
    op.add_column("person", sa.Column("asks", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("person", sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("person", sa.Column("judged_by", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_person_language"), "person", "language IN ('en', 'de')")
    op.create_index(op.f("ix_person_judged_by"), "person", ["judged_by"], unique=False)
    op.add_column("alert", sa.Column("verdict", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_alert_verdict"), "alert", "verdict IN ('useful', 'not_useful')")
    op.create_table(
        "check_in",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_check_in_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person", "day", name=op.f("pk_check_in")),
    )
    op.create_table(
        "question",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answers", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_question_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index("ix_question_asked", "question", ["person", "asked_at"], unique=False)
    op.create_table(
        "drive_test",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("spread", sa.Double(), nullable=False),
        sa.Column("trials", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('reaction', 'tapping')", name=op.f("ck_drive_test_kind")),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_drive_test_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drive_test")),
    )
    op.create_index("ix_drive_test_day", "drive_test", ["person", "kind", "day"], unique=False)


def downgrade() -> None:
    """Undo this step."""
    op.drop_table("drive_test")
    op.drop_table("question")
    op.drop_table("check_in")
    op.drop_column("alert", "verdict")
    op.drop_index(op.f("ix_person_judged_by"), table_name="person")
    for column in ("judged_by", "snoozed_until", "asks", "language"):
        op.drop_column("person", column)
