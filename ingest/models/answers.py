"""What a person says and does of their own accord: check-ins, answers to the quiet question, one-minute tests."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from ingest.models.base import Table, identity, one_of, owned_by


class CheckIn(Table):
    """What a person noted on one morning; the tags that follow from it are their own word."""

    __tablename__ = "check_in"
    person: Mapped[int] = owned_by("person.id", primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    answers: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]


class Question(Table):
    """One quiet question about unusual nights; `answers` is None until it is answered, empty for "none of these"."""

    __tablename__ = "question"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id")
    first_day: Mapped[date]
    last_day: Mapped[date]
    asked_at: Mapped[datetime]
    answers: Mapped[list[str] | None]
    answered_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_question_asked", "person", "asked_at"),)


class DriveTest(Table):
    """One test of a minute in the browser: median reaction in ms, or taps a second; `spread` is its own scatter."""

    __tablename__ = "drive_test"
    id: Mapped[int] = identity()
    person: Mapped[int] = owned_by("person.id")
    day: Mapped[date]
    at: Mapped[datetime]
    kind: Mapped[str]
    value: Mapped[float]
    spread: Mapped[float]
    trials: Mapped[int]
    __table_args__ = (one_of("kind", "reaction", "tapping"), Index("ix_drive_test_day", "person", "kind", "day"))
