"""Connections and people as operators see them: by number, with times and counts, without what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from ingest import filling
from ingest.grants.replay import without_addresses
from ingest.models import BackfillWindow, Channel, Connection, Person, Run, ScoreRequest, StreamState, VendorAccount
from ingest.ops import fresh
from ingest.ops.calls import calls, shut
from ingest.standings import declared, title_of

LARGEST = 2**63 - 1
STATES = ("active", "reconnect", "needs_you", "disconnected", "due", "failing")
WAITING = ("due", "ready", "gated")
LISTED = frozenset({*STATES, *WAITING, *fresh.NIGHTS})
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One connection in a list. `next_at` is when it is asked next, `held` whether a worker is at it."""

    id: int
    person: int
    vendor: str
    title: str
    kind: str
    state: str
    since: datetime
    reason: str
    next_at: datetime | None
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream of a connection: the time of its newest datum, of its last good answer, and when it is next."""

    name: str
    title: str
    state: str
    cursor: datetime
    next_at: datetime
    last_ok_at: datetime | None
    newest_at: datetime | None
    failures: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One connection whole: its streams, its past by stream and by state of its windows, and its latest run."""

    line: Line
    streams: Sequence[Stream]
    past: Sequence[filling.Part]
    windows: Mapping[str, int]
    run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """A person by number: their connections, the ways to reach them by kind, and a score that is asked for."""

    id: int
    state: str
    since: datetime
    connections: Sequence[Line]
    channels: Sequence[tuple[int, str, str, str]]  # number, kind, state, why it is off
    score: ScoreRequest | None


def connections(session: Session, now: datetime, state: str = "", vendor: str = "") -> tuple[list[Line], int]:
    """The first connections in a state, longest in it first, and how many there are; the board's words are states too.

    Of those that are due, `ready` could be claimed now; `gated` are of a vendor that is not asked at the moment.
    """
    conditions = [*_in_state(session, state, now), *([VendorAccount.vendor == vendor] if vendor else [])]
    first = Connection.next_sync_at if state in WAITING else Connection.state_since
    rows = session.execute(_lines().where(*conditions).order_by(first, Connection.id).limit(MOST))
    counted = select(func.count(Connection.id)).join(VendorAccount, VendorAccount.id == Connection.vendor_account)
    return [_line(row, now) for row in rows], session.scalar(counted.where(*conditions)) or 0


def connection(session: Session, connection_id: int, now: datetime) -> Shown | None:
    """One connection, or None."""
    found = session.execute(_lines().where(Connection.id == _bounded(connection_id))).one_or_none()
    if found is None:
        return None
    line = _line(found, now)
    provider = declared(line.vendor)
    row = session.get_one(Connection, line.id)
    past = filling.of_connection(session, row, provider).parts if provider and line.kind == "grant" else []
    states = select(BackfillWindow.state, func.count().label("windows")).where(BackfillWindow.connection == line.id)
    windows = {row.state: row.windows for row in session.execute(states.group_by(BackfillWindow.state))}
    runs = select(Run).where(Run.connection == line.id).order_by(Run.id.desc()).limit(1)
    return Shown(line=line, streams=_streams(session, line), past=past, windows=windows, run=session.scalar(runs))


def person(session: Session, person_id: int, now: datetime) -> Someone | None:
    """A person by number, or None."""
    row = session.get(Person, _bounded(person_id))
    if row is None:
        return None
    lines = session.execute(_lines().where(VendorAccount.person == row.id).order_by(Connection.id))
    channels = session.scalars(select(Channel).where(Channel.person == row.id).order_by(Channel.id))
    return Someone(
        id=row.id,
        state=row.state,
        since=row.created_at,
        connections=[_line(line, now) for line in lines],
        channels=[(each.id, each.kind, each.state, without_addresses(each.reason or "")) for each in channels],
        score=session.get(ScoreRequest, row.id),
    )


def _lines() -> Select[Connection, str, int]:
    rows = select(Connection, VendorAccount.vendor, VendorAccount.person)
    return rows.join(VendorAccount, VendorAccount.id == Connection.vendor_account)


def _line(row: Row[Connection, str, int], now: datetime) -> Line:
    found, vendor, owner = row
    return Line(
        id=found.id,
        person=owner,
        vendor=vendor,
        title=title_of(vendor),
        kind=found.kind,
        state=found.state,
        since=found.state_since,
        reason=without_addresses(found.state_reason or ""),
        next_at=found.next_sync_at,
        held=found.lease_until is not None and found.lease_until > now,
    )


def _in_state(session: Session, state: str, now: datetime) -> list[ColumnElement[bool]]:
    match state:
        case "":
            return []
        case "due":
            return [fresh.due(now)]
        case "ready" | "gated":
            closed = Connection.vendor_app.in_(shut(calls(session, now)))
            return [fresh.due(now), closed if state == "gated" else ~closed]
        case "failing":
            return [fresh.failing()]
        case word if word in fresh.NIGHTS:
            return [fresh.by_night(word, now)]
        case _:
            return [Connection.state == state]


def _streams(session: Session, line: Line) -> list[Stream]:
    provider = declared(line.vendor)
    titles = {stream.name: stream.title for stream in provider.streams} if provider else {}
    rows = session.scalars(select(StreamState).where(StreamState.connection == line.id).order_by(StreamState.stream))
    return [
        Stream(
            name=row.stream,
            title=titles.get(row.stream, row.stream),
            state=row.state,
            cursor=row.cursor,
            next_at=row.next_at,
            last_ok_at=row.last_ok_at,
            newest_at=row.newest_at,
            failures=row.fail_count,
            error=without_addresses(row.last_error or ""),
        )
        for row in rows
    ]


def _bounded(number: int) -> int:
    """A number that the database can hold; 0, which nobody has, for one it cannot."""
    return number if 0 < number <= LARGEST else 0
