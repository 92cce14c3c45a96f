"""Vendors, a person's accounts there, and the work that brings data in."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ingest.models.base import Leased, Table, identity, one_of, owned_by


class VendorApp(Table):
    """Our registration at a vendor; connections, budgets and pauses refer to it.

    While its calls mostly fail it is paused until an instant; `held_at` is an operator's hold, until it is let go.
    """

    __tablename__ = "vendor_app"
    id: Mapped[int] = identity()
    vendor: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[bytes | None]
    token_url: Mapped[str | None]  # what the person who set it up named, or the alternative that was accepted last
    origin: Mapped[str | None]  # a simulator stands there instead of the vendor; on this machine only
    paused_until: Mapped[datetime | None]
    pause_reason: Mapped[str | None]
    backoff: Mapped[int] = mapped_column(server_default="0")
    held_at: Mapped[datetime | None]
    held_by: Mapped[str | None]
    held_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("vendor", "client_id"),)


class VendorAccount(Table):
    """A person's account at a vendor; `external_id` is None until a grant tells it."""

    __tablename__ = "vendor_account"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id", index=True)
    vendor: Mapped[str]
    external_id: Mapped[str | None]
    disconnected_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        Index(
            "uq_vendor_account_connected",
            "vendor",
            "external_id",
            unique=True,
            postgresql_where=text("disconnected_at IS NULL AND external_id IS NOT NULL"),
        ),
    )


class Connection(Leased, Table):
    """A person's grant at a vendor, or a source of files or pushes; `next_sync_at` is its streams' earliest."""

    __tablename__ = "connection"
    id: Mapped[int] = identity()
    vendor_account: Mapped[int] = owned_by("vendor_account.id")
    vendor_app: Mapped[int | None] = mapped_column(ForeignKey("vendor_app.id"), index=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="active")
    state_reason: Mapped[str | None]
    state_since: Mapped[datetime]
    next_sync_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("vendor_account", "kind"),
        one_of("kind", "grant", "file", "push"),
        one_of("state", "active", "reconnect", "needs_you", "paused", "disconnected"),
        Index("ix_connection_due", "vendor_app", "next_sync_at", postgresql_where=text("next_sync_at IS NOT NULL")),
    )


class Fence(Table):
    """The lock that every save takes first; `erased` turns each later save away."""

    __tablename__ = "fence"
    connection: Mapped[int] = owned_by("connection.id", primary_key=True)
    state: Mapped[str] = mapped_column(server_default="open")
    __table_args__ = (one_of("state", "open", "erased"),)


class Run(Leased, Table):
    """The latest sync of a connection, or an import, whose progress is written in short transactions of its own."""

    __tablename__ = "run"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id", index=True)
    connection: Mapped[int | None] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    state: Mapped[str]
    due_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    rejected: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    summary: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("kind", "sync", "import", "replay"),
        one_of("state", "due", "running", "succeeded", "partial", "snoozed", "retrying", "cancelled", "buried"),
        Index("ix_run_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )


class RunFile(Table):
    """An upload waiting for its run, sealed; deleted when the run ends."""

    __tablename__ = "run_file"
    run: Mapped[int] = owned_by("run.id", primary_key=True)
    name: Mapped[str]
    body: Mapped[bytes]


class Raw(Table):
    """What a vendor or a file sent, compressed and sealed; of a file one copy an account and content."""

    __tablename__ = "raw"
    id: Mapped[int] = identity()
    connection: Mapped[int] = owned_by("connection.id", index=True)
    stream: Mapped[str]
    window_start: Mapped[datetime | None]
    content: Mapped[str]
    mapping: Mapped[str]
    size: Mapped[int]
    body: Mapped[bytes]
    at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    __table_args__ = (
        Index(
            "uq_raw_window",
            "connection",
            "stream",
            "window_start",
            unique=True,
            postgresql_where=text("window_start IS NOT NULL"),
        ),
        Index(
            "uq_raw_file",
            "connection",
            "stream",
            "content",
            unique=True,
            postgresql_where=text("window_start IS NULL"),
        ),
    )


class Rejected(Table):
    """A record or one field of it, set aside with its reason; a later good version removes it."""

    __tablename__ = "rejected"
    id: Mapped[int] = identity()
    connection: Mapped[int] = owned_by("connection.id")
    stream: Mapped[str]
    fingerprint: Mapped[str]
    field: Mapped[str | None]
    record: Mapped[str | None]
    line: Mapped[int | None]
    reason: Mapped[str]
    body: Mapped[bytes]
    run: Mapped[int | None] = mapped_column(ForeignKey("run.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("connection", "stream", "fingerprint", "field", postgresql_nulls_not_distinct=True),
    )
