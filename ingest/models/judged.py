"""What was made of it: requests to score, readiness, alerts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ingest.models.base import Leased, Table, identity, one_of, owned_by


class ScoreRequest(Leased, Table):
    """A person's readiness is out of date; many reasons make one request, by its growing `version`."""

    __tablename__ = "score_request"
    person: Mapped[int] = owned_by("person.id", primary_key=True)
    version: Mapped[int] = mapped_column(server_default="1")
    due_at: Mapped[datetime]
    reason: Mapped[str]
    error: Mapped[str | None]
    buried_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_score_request_due", "due_at", postgresql_where=text("buried_at IS NULL")),)


class Readiness(Table):
    """The assessment of one night; `assessment` is the whole of it, the columns are what queries ask for."""

    __tablename__ = "readiness"
    person: Mapped[int] = owned_by("person.id", primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    score: Mapped[float | None]
    state: Mapped[str]
    alert: Mapped[str | None]
    algorithm_version: Mapped[str]
    policy: Mapped[str]
    assessment: Mapped[dict[str, Any]]
    computed_at: Mapped[datetime]


class Alert(Table):
    """A strained run that was decided on. History: it may be moved or withdrawn, never told twice.

    `verdict` is what the person said of it: useful or not.
    """

    __tablename__ = "alert"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id", index=True)
    kind: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    state: Mapped[str]
    told: Mapped[bool]
    threshold: Mapped[float]
    verdict: Mapped[str | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("state", "open", "closed", "withdrawn", "lapsed"),
        one_of("verdict", "useful", "not_useful"),
        Index("uq_alert_open", "person", "kind", unique=True, postgresql_where=text("state = 'open'")),
    )
