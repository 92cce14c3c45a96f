"""Is data fresh? For each vendor how old the newest nights are, and how its grants stand.

The lists that these numbers lead to share their conditions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, or_, select
from sqlalchemy.orm import Session

import providers
from ingest.models import Connection, StreamState, VendorApp
from ingest.standings import title_of
from providers.base import Provider

PROMISED = timedelta(hours=30)  # a night a day, and the hours until a phone has met its device; twice that is behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The grants of one vendor.

    `followed` ones are active and have a first night, or should have one by now; who did not grant nights owes none.
    The newest night of these is `on_time`, `late` beyond what is promised, or `behind` beyond twice that; `p50` and
    `p95` are seconds from it until now. `due` connections wait for a worker, the oldest since `due_since`. `reconnect`
    and `needs_you` wait for their person, `failing` have a stream that fails or was given up.
    """

    vendor: str
    title: str
    followed: int
    on_time: int
    late: int
    behind: int
    p50: float | None
    p95: float | None
    active: int
    due: int
    due_since: datetime | None
    reconnect: int
    needs_you: int
    paused: int
    failing: int


def freshness(session: Session, now: datetime) -> Sequence[Freshness]:
    """Each vendor that has a registration, worst first."""
    vendors = session.scalars(select(VendorApp.vendor).distinct().order_by(VendorApp.vendor)).all()
    nights, stands, troubled = _nights(session, now), _stands(session, now), _failing(session)
    found = [
        Freshness(
            vendor=vendor,
            title=title_of(vendor),
            **nights.get(vendor, NO_NIGHTS),
            **stands.get(vendor, NOBODY),
            failing=troubled.get(vendor, 0),
        )
        for vendor in vendors
    ]
    return sorted(found, key=lambda each: (-each.behind / max(1, each.followed), -each.late, each.vendor))


NO_NIGHTS: Mapping[str, Any] = {"followed": 0, "on_time": 0, "late": 0, "behind": 0, "p50": None, "p95": None}
NOBODY: Mapping[str, Any] = dict.fromkeys(("active", "due", "reconnect", "needs_you", "paused"), 0) | {
    "due_since": None
}


def due(now: datetime) -> ColumnElement[bool]:
    """Connections that wait to be asked: what a worker holds does not."""
    return and_(Connection.next_sync_at <= now, or_(Connection.lease_until.is_(None), Connection.lease_until <= now))


def failing() -> ColumnElement[bool]:
    """Active connections with a stream that fails or was given up; one that was not granted does neither."""
    streams = (StreamState.failing_since.is_not(None), StreamState.state != "forbidden")
    return and_(Connection.state == "active", Connection.id.in_(select(StreamState.connection).where(*streams)))


def by_night(word: str, now: datetime) -> ColumnElement[bool]:
    """Active connections whose newest night is so: a word of NIGHTS."""
    streams = select(StreamState.connection).join(Connection, Connection.id == StreamState.connection)
    return Connection.id.in_(streams.where(*_owing(_nightly().values()), _ages(now)[word]))


NIGHTS = ("followed", "on_time", "late", "behind")


def _ages(now: datetime) -> Mapping[str, ColumnElement[bool]]:
    # Who was connected just now and has no night yet owes none.
    at = func.coalesce(StreamState.newest_at, Connection.state_since)
    late, behind = at < now - PROMISED, at < now - 2 * PROMISED
    followed = StreamState.newest_at.is_not(None) | late
    return {"followed": followed, "on_time": followed & ~late, "late": late & ~behind, "behind": behind}


def _owing(streams: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    """The streams that nights are counted by: granted, and of active connections."""
    return (
        StreamState.stream.in_(filter(None, streams)),
        StreamState.state != "forbidden",
        Connection.state == "active",
    )


def _nightly() -> Mapping[str, str]:
    """The stream that a vendor's nights are counted by, its first nightly one."""
    return {provider.name: _first_nightly(provider) for provider in providers.PROVIDERS}


def _nights(session: Session, now: datetime) -> Mapping[str, Mapping[str, Any]]:
    """How old the newest night of each active connection is, by vendor: as its first nightly stream has it."""
    nightly, ages, newest = _nightly(), _ages(now), StreamState.newest_at
    columns: tuple[Any, ...] = (
        StreamState.stream,
        *(func.count().filter(ages[word]).label(word) for word in NIGHTS),
        func.percentile_disc(0.5).within_group(newest).label("p50"),  # of instants: their ages would be sorted slower
        func.percentile_disc(0.05).within_group(newest).label("p95"),
    )
    active = select(*columns).join(Connection, Connection.id == StreamState.connection)
    rows = session.execute(active.where(*_owing(nightly.values())).group_by(StreamState.stream)).mappings()
    by_stream = {row["stream"]: _aged(row, now) for row in rows}
    return {vendor: by_stream.get(stream, NO_NIGHTS) for vendor, stream in nightly.items()}


def _aged(row: RowMapping, now: datetime) -> Mapping[str, Any]:
    ages = {name: (now - row[name]).total_seconds() if row[name] else None for name in ("p50", "p95")}
    return {name: row[name] for name in NO_NIGHTS} | ages


def _first_nightly(provider: Provider) -> str:
    return next((stream.name for stream in provider.streams if stream.nightly), "")


def _stands(session: Session, now: datetime) -> Mapping[str, Mapping[str, Any]]:
    """The connections of each vendor by how they stand, and those that are due."""
    waits = due(now)
    columns: tuple[Any, ...] = (
        VendorApp.vendor,
        *(func.count().filter(Connection.state == state).label(state) for state in STATES),
        func.count().filter(waits).label("due"),
        func.min(Connection.next_sync_at).filter(waits).label("due_since"),
    )
    rows = session.execute(
        select(*columns).join(VendorApp, VendorApp.id == Connection.vendor_app).group_by(VendorApp.vendor)
    ).mappings()
    return {row["vendor"]: {name: row[name] for name in NOBODY} for row in rows}


STATES = ("active", "reconnect", "needs_you", "paused")


def _failing(session: Session) -> Mapping[str, int]:
    """How many connections of each vendor are failing."""
    rows = session.execute(
        select(VendorApp.vendor, func.count(Connection.id))
        .join(Connection, Connection.vendor_app == VendorApp.id)
        .where(failing())
        .group_by(VendorApp.vendor)
    )
    return dict(rows.all())
