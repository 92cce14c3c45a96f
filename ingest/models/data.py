"""What was measured, at rest."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, REAL, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ingest.models.base import Table, Versioned, identity, one_of, owned_by


class Series(Table):
    """One meaning: whose, from where, what, obtained how. Baselines never mix two of them."""

    __tablename__ = "series"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id")
    vendor_account: Mapped[int | None] = mapped_column(ForeignKey("vendor_account.id", ondelete="CASCADE"), index=True)
    device: Mapped[str | None]
    measure: Mapped[str]
    definition: Mapped[str]
    context: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint(
            "person",
            "vendor_account",
            "device",
            "measure",
            "definition",
            "context",
            name="uq_series_identity",
            postgresql_nulls_not_distinct=True,
        ),
    )


class SeriesChoice(Table):
    """From which account a person wants a signal read, where they wear more than one device; else the rule chooses."""

    __tablename__ = "series_choice"
    person: Mapped[int] = owned_by("person.id", primary_key=True)
    signal: Mapped[str] = mapped_column(primary_key=True)
    vendor_account: Mapped[int] = owned_by("vendor_account.id", index=True)
    chosen_at: Mapped[datetime]


class DayValue(Versioned, Table):
    """One number for one civil day; `day` is None until the linked episode arrives, `gone` a tombstone's mark."""

    __tablename__ = "day_value"
    series: Mapped[int] = owned_by("series.id", primary_key=True)
    record: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    day: Mapped[date | None]
    utc_offset_minutes: Mapped[int | None]
    flags: Mapped[list[str]] = mapped_column(server_default="{}")
    link_stream: Mapped[str | None]
    link_record: Mapped[str | None]
    gone: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        one_of("state", "pending", "final", "unscorable"),
        Index("ix_day_value_link", "link_stream", "link_record", postgresql_where=text("link_record IS NOT NULL")),
    )


class Episode(Versioned, Table):
    """A sleep or a workout, by the vendor's own record."""

    __tablename__ = "episode"
    vendor_account: Mapped[int] = owned_by("vendor_account.id", primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    day: Mapped[date]
    utc_offset_minutes: Mapped[int | None]
    main: Mapped[bool]
    edited: Mapped[bool]
    detail: Mapped[dict[str, Any]]
    __table_args__ = (one_of("kind", "sleep", "workout"), one_of("state", "pending", "final", "unscorable"))


class Tombstone(Table):
    """A record the vendor says is gone; an older version that arrives later stays out."""

    __tablename__ = "tombstone"
    vendor_account: Mapped[int] = owned_by("vendor_account.id", primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[datetime]


class Block(Table):
    """One UTC day of a dense series: seconds within the day, ascending, and the value at each."""

    __tablename__ = "block"
    series: Mapped[int] = owned_by("series.id", primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    value: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    count: Mapped[int] = mapped_column(Integer)
    hash: Mapped[int]


class Tag(Table):
    """Something that may explain a night; a person's own word (`source` person) stands above a vendor's."""

    __tablename__ = "tag"
    person: Mapped[int] = owned_by("person.id", primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    vendor_account: Mapped[int | None] = mapped_column(ForeignKey("vendor_account.id", ondelete="CASCADE"), index=True)
    present: Mapped[bool]
    last_day: Mapped[date | None]
    link_stream: Mapped[str | None]
    link_record: Mapped[str | None]
    as_of: Mapped[datetime]
    content: Mapped[str]
    __table_args__ = (
        Index("ix_tag_link", "link_stream", "link_record", postgresql_where=text("link_record IS NOT NULL")),
    )
