"""What was given up, by cause: one row for what failed the same way."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from ingest.models import BackfillWindow, Connection, Delivery, ScoreRequest, StreamState, VendorAccount

ADDRESS, NUMBER = r"[^\s<>@]+@[^\s<>@]+", r"[0-9]+"  # the same to PostgreSQL and to Python
MOST = 200  # causes; beyond it somebody has to mend the reasons, not read them


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Jobs that were given up for the same reason; `fingerprint` names it in addresses and commands.

    `kind` is stream, window, score or message; `about` the stream, or the message's kind, "" for scores; `reason` is
    theirs with each number as N and each mail address as …@….
    """

    fingerprint: str
    kind: str
    about: str
    reason: str
    count: int
    people: int
    first: datetime | None
    last: datetime | None


def fingerprint(kind: str, about: str, reason: str) -> str:
    """The name of a cause, eight hexadecimal digits: equal for reasons that differ in numbers and addresses alone."""
    return _named(kind, about, re.sub(NUMBER, "N", re.sub(ADDRESS, "…@…", reason)))


def causes(session: Session) -> Sequence[Cause]:
    """What was given up, by cause, the most people first."""
    jobs = union_all(_streams(), _windows(), _scores(), _messages()).subquery()
    columns: tuple[Any, ...] = (
        jobs.c.kind,
        jobs.c.about,
        jobs.c.reason,
        func.count().label("jobs"),
        func.count(jobs.c.person.distinct()).label("people"),
        func.min(jobs.c.at),
        func.max(jobs.c.at),
    )
    grouped = select(*columns).group_by(jobs.c.kind, jobs.c.about, jobs.c.reason)
    rows = session.execute(grouped.order_by(columns[4].desc(), columns[3].desc(), jobs.c.kind).limit(MOST))
    return [
        Cause(
            fingerprint=_named(kind, about, reason),
            kind=kind,
            about=about,
            reason=reason,
            count=count,
            people=people,
            first=first,
            last=last,
        )
        for kind, about, reason, count, people, first, last in rows
    ]


def given_up(session: Session) -> Mapping[str, int]:
    """How many jobs of each kind were given up, whatever their cause; kinds without any are not in it."""
    jobs = union_all(_streams(), _windows(), _scores(), _messages()).subquery()
    return dict(session.execute(select(jobs.c.kind, func.count()).group_by(jobs.c.kind)).all())


def _named(kind: str, about: str, normal: str) -> str:
    return hashlib.sha256(f"{kind}|{about}|{normal}".encode()).hexdigest()[:8]


def _streams() -> Select[*tuple[Any, ...]]:
    rows = _row("stream", StreamState.stream, StreamState.last_error, StreamState.failing_since)
    return _of_connection(rows.where(StreamState.state == "buried"), StreamState.connection)


def _windows() -> Select[*tuple[Any, ...]]:
    rows = _row("window", BackfillWindow.stream, BackfillWindow.error, BackfillWindow.due_at)
    return _of_connection(rows.where(BackfillWindow.state == "buried"), BackfillWindow.connection)


def _scores() -> Select[*tuple[Any, ...]]:
    rows = _row("score", literal(""), ScoreRequest.error, ScoreRequest.buried_at, ScoreRequest.person)
    return rows.where(ScoreRequest.buried_at.is_not(None))


def _messages() -> Select[*tuple[Any, ...]]:
    rows = _row("message", Delivery.kind, Delivery.error, Delivery.created_at, Delivery.person)
    return rows.where(Delivery.status == "failed")


def _row(
    kind: str, about: Any, reason: Any, at: Any, person: ColumnElement[int] | Any = None
) -> Select[*tuple[Any, ...]]:
    """The columns of one job."""
    without = func.regexp_replace(func.coalesce(reason, ""), ADDRESS, "…@…", "g")
    normal = func.regexp_replace(without, NUMBER, "N", "g")
    owner = VendorAccount.person if person is None else person
    return select(
        literal(kind).label("kind"),
        about.label("about"),
        normal.label("reason"),
        owner.label("person"),
        at.label("at"),
    )


def _of_connection(rows: Select[*tuple[Any, ...]], connection: Any) -> Select[*tuple[Any, ...]]:
    rows = rows.join(Connection, Connection.id == connection)
    return rows.join(VendorAccount, VendorAccount.id == Connection.vendor_account)
