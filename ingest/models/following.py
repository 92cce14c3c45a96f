"""Following a grant: its tokens, where each stream stands, what is still to be fetched, and what a vendor told us."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ingest.models.base import Leased, Table, identity, one_of, owned_by


class Credential(Table):
    """The tokens of a grant, sealed; locked alone while they are refreshed, and counted by `version`.

    `scopes` is what was granted, None where the vendor does not say. `refusals` counts spaced refusals in a row.
    """

    __tablename__ = "credential"
    connection: Mapped[int] = owned_by("connection.id", primary_key=True)
    access: Mapped[bytes]
    refresh: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    scopes: Mapped[list[str] | None]
    version: Mapped[int] = mapped_column(server_default="1")
    refusals: Mapped[int] = mapped_column(server_default="0")
    refused_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime]


class OAuthState(Table):
    """A person on the way to a vendor and back: bound to the browser that left, used once."""

    __tablename__ = "oauth_state"
    state_hash: Mapped[str] = mapped_column(primary_key=True)
    browser_hash: Mapped[str]
    person: Mapped[int] = owned_by("person.id", index=True)
    vendor_app: Mapped[int] = owned_by("vendor_app.id", index=True)
    verifier: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class StreamState(Table):
    """Where one stream of a connection stands. `cursor` is the time of the data that is in, never a clock's.

    `hinted_at` is when the vendor said that something is new; `looked_back_at` when the long look back last ended well.
    """

    __tablename__ = "stream_state"
    connection: Mapped[int] = owned_by("connection.id", primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default="following")
    cursor: Mapped[datetime]
    next_at: Mapped[datetime]
    hinted_at: Mapped[datetime | None]
    looked_back_at: Mapped[datetime | None]
    last_ok_at: Mapped[datetime | None]
    newest_at: Mapped[datetime | None]
    fail_count: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    __table_args__ = (
        one_of("state", "following", "forbidden", "buried"),
        Index("ix_stream_state_failing", "failing_since", postgresql_where=text("failing_since IS NOT NULL")),
        Index("ix_stream_state_buried", "connection", postgresql_where=text("state = 'buried'")),
    )


class BackfillWindow(Leased, Table):
    """A span of the past still to be fetched, or done; newest first, so that a first reading comes early."""

    __tablename__ = "backfill_window"
    id: Mapped[int] = identity()
    connection: Mapped[int] = owned_by("connection.id")
    stream: Mapped[str]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="waiting")
    due_at: Mapped[datetime]
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("connection", "stream", "start_at", "end_at"),
        one_of("state", "waiting", "done", "cancelled", "buried"),
        Index("ix_backfill_window_due", "end_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_backfill_window_done", "done_at", postgresql_where=text("done_at IS NOT NULL")),
        Index("ix_backfill_window_buried", "connection", postgresql_where=text("state = 'buried'")),
    )


class Absence(Table):
    """Something stored that an answer no longer had: a record, or points of a UTC day (`record` is its date).

    A second answer an hour later must agree before anything is deleted.
    """

    __tablename__ = "absence"
    connection: Mapped[int] = owned_by("connection.id", primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]


class HintReceived(Table):
    """A vendor's notice as it came, sealed; the same one again changes nothing. Kept for known people only."""

    __tablename__ = "hint"
    id: Mapped[int] = identity()
    connection: Mapped[int] = owned_by("connection.id")
    key: Mapped[str]
    streams: Mapped[list[str]]
    signed: Mapped[bool]
    body: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(index=True)
    __table_args__ = (UniqueConstraint("connection", "key"),)


class HookSubscription(Table):
    """A notification ordered from a vendor for one topic, and until when it is sent."""

    __tablename__ = "hook_subscription"
    vendor_app: Mapped[int] = owned_by("vendor_app.id", primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str]
    callback_url: Mapped[str]
    expires_at: Mapped[datetime | None]
    checked_at: Mapped[datetime]
