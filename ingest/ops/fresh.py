"""Is data fresh? For each vendor how old the newest nights are, and how its grants stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.orm import Session

import providers
from ingest.models import Connection, StreamState, VendorApp
from ingest.standings import title_of
from providers.base import Provider

PROMISED = timedelta(hours=30)  # a night a day, and the hours until a phone has met its device; twice that is behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The grants of one vendor.

    `followed` ones are active and have a first night, or should have one by now. The newest night of these is
    `on_time`, `late` beyond what is promised, or `behind` beyond twice that; `p50` and `p95` are seconds from it until
    now. `due` connections could be asked and were not yet, the oldest since `due_since`. `reconnect` and `needs_you`
    wait for their person, `failing` have a stream that fails or was given up.
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
    nights, stands, failing = _nights(session, now), _stands(session, now), _failing(session)
    found = [
        Freshness(
            vendor=vendor,
            title=title_of(vendor),
            **nights.get(vendor, NO_NIGHTS),
            **stands.get(vendor, NOBODY),
            failing=failing.get(vendor, 0),
        )
        for vendor in vendors
    ]
    return sorted(found, key=lambda each: (-each.behind / max(1, each.followed), -each.late, each.vendor))


NO_NIGHTS: Mapping[str, Any] = {"followed": 0, "on_time": 0, "late": 0, "behind": 0, "p50": None, "p95": None}
NOBODY: Mapping[str, Any] = dict.fromkeys(("active", "due", "reconnect", "needs_you", "paused"), 0) | {
    "due_since": None
}


def _nights(session: Session, now: datetime) -> Mapping[str, Mapping[str, Any]]:
    """How old the newest night of each active connection is, by vendor: as its first nightly stream has it."""
    nightly = {provider.name: _first_nightly(provider) for provider in providers.PROVIDERS}
    newest, since = StreamState.newest_at, Connection.state_since
    # Who was connected just now and has no night yet owes none.
    at = func.coalesce(newest, since)
    late, behind = at < now - PROMISED, at < now - 2 * PROMISED
    followed = newest.is_not(None) | late
    columns: tuple[Any, ...] = (
        StreamState.stream,
        func.count().filter(followed).label("followed"),
        func.count().filter(followed, ~late).label("on_time"),
        func.count().filter(late, ~behind).label("late"),
        func.count().filter(behind).label("behind"),
        func.percentile_disc(0.5).within_group(newest).label("p50"),  # of instants: their ages would be sorted slower
        func.percentile_disc(0.05).within_group(newest).label("p95"),
    )
    active = select(*columns).join(Connection, Connection.id == StreamState.connection)
    wanted = (StreamState.stream.in_(filter(None, nightly.values())), Connection.state == "active")
    rows = session.execute(active.where(*wanted).group_by(StreamState.stream)).mappings()
    by_stream = {row["stream"]: _aged(row, now) for row in rows}
    return {vendor: by_stream.get(stream, NO_NIGHTS) for vendor, stream in nightly.items()}


def _aged(row: RowMapping, now: datetime) -> Mapping[str, Any]:
    ages = {name: (now - row[name]).total_seconds() if row[name] else None for name in ("p50", "p95")}
    return {name: row[name] for name in NO_NIGHTS} | ages


def _first_nightly(provider: Provider) -> str:
    return next((stream.name for stream in provider.streams if stream.nightly), "")


def _stands(session: Session, now: datetime) -> Mapping[str, Mapping[str, Any]]:
    """The connections of each vendor by how they stand, and those that are due."""
    due = (Connection.next_sync_at <= now, Connection.state == "active")
    columns: tuple[Any, ...] = (
        VendorApp.vendor,
        *(func.count().filter(Connection.state == state).label(state) for state in STATES),
        func.count().filter(*due).label("due"),
        func.min(Connection.next_sync_at).filter(*due).label("due_since"),
    )
    rows = session.execute(
        select(*columns).join(VendorApp, VendorApp.id == Connection.vendor_app).group_by(VendorApp.vendor)
    ).mappings()
    return {row["vendor"]: {name: row[name] for name in NOBODY} for row in rows}


STATES = ("active", "reconnect", "needs_you", "paused")


def _failing(session: Session) -> Mapping[str, int]:
    """How many connections of each vendor have a stream that fails or was given up."""
    rows = session.execute(
        select(VendorApp.vendor, func.count(Connection.id.distinct()))
        .join(Connection, Connection.vendor_app == VendorApp.id)
        .join(StreamState, StreamState.connection == Connection.id)
        .where(StreamState.failing_since.is_not(None), StreamState.state != "forbidden", Connection.state == "active")
        .group_by(VendorApp.vendor)
    )
    return dict(rows.all())
