"""People, their signed-in browsers, the ways to reach them, and what was sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ingest.models.base import Leased, Table, identity, one_of, owned_by


class Person(Table):
    """Somebody whose nights we read. `address` is lower case; None while an erasure runs.

    `judged_by` is the version of the algorithm that judged all their nights last; until `snoozed_until` nothing about
    nights is sent; `asks` allows the quiet question, `cycle` the use of noted first days of periods.
    """

    __tablename__ = "person"
    id: Mapped[int] = identity()
    address: Mapped[str | None] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(server_default="active")
    zone: Mapped[str | None]
    sensitivity: Mapped[str] = mapped_column(server_default="balanced")
    quiet_from: Mapped[int | None] = mapped_column(server_default="1320")
    quiet_until: Mapped[int | None] = mapped_column(server_default="420")
    language: Mapped[str] = mapped_column(server_default="en")
    asks: Mapped[bool] = mapped_column(server_default="true")
    cycle: Mapped[bool] = mapped_column(server_default="false")
    snoozed_until: Mapped[datetime | None]
    judged_by: Mapped[str | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    __table_args__ = (
        one_of("state", "active", "erasing"),
        one_of("language", "en", "de"),
        one_of("sensitivity", "calm", "balanced", "early"),
        CheckConstraint("quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439", name="quiet"),
    )


class SignInCode(Leased, Table):
    """A six-digit code on its way to an address, bound to the browser that asked; used once.

    The sealed `code` is there until the mail is sent; what is entered is compared with `code_hash`.
    """

    __tablename__ = "sign_in_code"
    id: Mapped[int] = identity()
    address: Mapped[str] = mapped_column(index=True)
    code: Mapped[bytes | None]
    code_hash: Mapped[str]
    browser_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries_left: Mapped[int] = mapped_column(server_default="5")
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]


class WebSession(Table):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "web_session"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[int] = owned_by("person.id", index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Channel(Table):
    """A way to reach a person. Mail to an unconfirmed address carries no numbers."""

    __tablename__ = "channel"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id")
    kind: Mapped[str]
    address: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="on")
    reason: Mapped[str | None]
    wants: Mapped[list[str]] = mapped_column(server_default="{strained}")
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("person", "kind", "address"),
        one_of("state", "on", "off"),
        Index("ix_channel_push", "address", postgresql_where=text("kind = 'push'")),
    )


class Delivery(Leased, Table):
    """One message on one channel, one for ever by (channel, key); `thread` lets a later one replace it on a phone.

    `failing_since` is when the first of the tries failed that were made in vain until now.
    """

    __tablename__ = "delivery"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id", index=True)
    channel: Mapped[int] = owned_by("channel.id")
    kind: Mapped[str]
    subject: Mapped[int | None]
    key: Mapped[str]
    thread: Mapped[str]
    not_before: Mapped[datetime]
    status: Mapped[str]
    error: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    shown_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("channel", "key"),
        one_of("status", "waiting", "held", "sent", "failed", "cancelled"),
        Index("ix_delivery_due", "not_before", postgresql_where=text("status IN ('waiting', 'held')")),
        Index("ix_delivery_sent", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
        Index("ix_delivery_failed", "channel", postgresql_where=text("status = 'failed'")),
    )


class Erasure(Table):
    """All that remains of somebody who left: when, and how many rows went."""

    __tablename__ = "erasure"
    id: Mapped[int] = identity()
    at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]


class Heartbeat(Table):
    """When a tick or a worker was last seen doing its work; `/readyz` reads it."""

    __tablename__ = "heartbeat"
    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
