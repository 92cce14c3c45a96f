"""What every table shares: names by rule, aware instants, bigint keys, leases, versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, LargeBinary, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    """Base of every table: aware instants, JSON documents, names by rule."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads a plain class attribute)
        datetime: DateTime(timezone=True),
        int: BigInteger,
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        str: Text,
        bytes: LargeBinary,
    }


def one_of(column: str, *values: str) -> CheckConstraint:
    """A check that a text column holds one of these words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def identity() -> Mapped[int]:
    """A key that the database numbers."""
    return mapped_column(Identity(always=True), primary_key=True)


def owned_by(target: str, *, primary_key: bool = False, index: bool = False) -> Mapped[int]:
    """A reference to the row that this one goes with when it is deleted."""
    return mapped_column(ForeignKey(target, ondelete="CASCADE"), primary_key=primary_key, index=index)


class Leased:
    """Columns of a row that a worker claims: without a valid lease the row is free again."""

    lease_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")


class Versioned:
    """What decides between two versions of one record: final over pending, then rank, `as_of`, and `content`."""

    state: Mapped[str]
    source_rank: Mapped[int]
    as_of: Mapped[datetime]
    content: Mapped[str]
