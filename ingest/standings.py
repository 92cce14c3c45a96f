"""What the rows say of each connection of a person, read together: one query a table, however many connections."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

import providers
from ingest import clock, people
from ingest.freshness import Followed, Standing
from ingest.models import BackfillWindow, Connection, Episode, Person, Run, StreamState, VendorAccount, VendorApp
from ingest.source import FILE_RANK, GRANT_RANK
from providers import exports
from providers.base import Provider
from providers.errors import FileRefused, Misconfigured

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_person(session: Session, person_id: int) -> list[Standing]:
    """Every connection of a person, oldest first."""
    rows = session.execute(
        select(Connection, VendorAccount, VendorApp)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .outerjoin(VendorApp, VendorApp.id == Connection.vendor_app)
        .where(VendorAccount.person == person_id)
        .order_by(Connection.id)
    ).all()
    keys = [connection.id for connection, _, _ in rows]
    streams, runs, windows = _streams(session, keys), _runs(session, keys), _windows(session, keys)
    nights = _nights(session, person_id)
    found = []
    for connection, account, app in rows:
        run, (whole, waiting) = runs.get(connection.id), windows.get(connection.id, (0, 0))
        rank = FILE_RANK if connection.kind == "file" else GRANT_RANK
        night, night_at = nights.get((account.id, rank), (None, None))
        denied = connection.next_sync_at if run and run.state == "snoozed" else None
        provider = declared(account.vendor)
        found.append(
            replace(
                _standing(connection, account, app),
                streams=_followed(provider, streams[connection.id]) if provider else (),
                denied_until=denied,
                asked_at=run.ended_at if run else None,
                windows=whole,
                windows_waiting=waiting,
                night=night,
                night_at=night_at,
            )
        )
    return found


def here(session: Session, person: Person) -> datetime:
    """Now, in the zone in which times are told to a person: theirs, else the offset of their latest night."""
    return clock.now().astimezone(zone_of(session, person))


def zone_of(session: Session, person: Person) -> tzinfo:
    """The zone of a person, else the offset of their latest night."""
    return ZoneInfo(person.zone) if person.zone else timezone(people.local_time(session, person.id, EPOCH) - EPOCH)


def declared(vendor: str) -> Provider | None:
    """The vendor's declaration, where there is one: of some vendors only files are read."""
    try:
        return providers.get(vendor)
    except Misconfigured:
        return None


def title_of(vendor: str) -> str:
    """What people call a vendor."""
    provider = declared(vendor)
    if provider:
        return provider.title
    try:
        return exports.get(vendor).title
    except FileRefused:
        return vendor


def _standing(connection: Connection, account: VendorAccount, app: VendorApp | None) -> Standing:
    return Standing(
        connection=connection.id,
        vendor=account.vendor,
        title=title_of(account.vendor),
        kind=connection.kind,
        state=connection.state,
        since=connection.state_since,
        reason=connection.state_reason,
        paused_until=app.paused_until if app else None,
        failing_for_all=bool(app and app.backoff),
        held=bool(app and app.held_at),
    )


def _streams(session: Session, connections: Collection[int]) -> Mapping[int, list[StreamState]]:
    found: dict[int, list[StreamState]] = defaultdict(list)
    for row in session.scalars(select(StreamState).where(StreamState.connection.in_(connections))):
        found[row.connection].append(row)
    return found


def _followed(provider: Provider, rows: Sequence[StreamState]) -> tuple[Followed, ...]:
    """The streams in the vendor's order; those that it has no more are left out."""
    stand = {row.stream: row for row in rows}
    return tuple(
        Followed(stream.title, stream.nightly, row.state, row.failing_since, row.next_at)
        for stream in provider.streams
        if (row := stand.get(stream.name))
    )


def _runs(session: Session, connections: Collection[int]) -> Mapping[int, Run]:
    latest = (
        select(Run)
        .where(Run.connection.in_(connections), Run.kind == "sync")
        .ext(distinct_on(Run.connection))
        .order_by(Run.connection, Run.id.desc())
    )
    return {run.connection: run for run in session.scalars(latest) if run.connection is not None}


def _windows(session: Session, connections: Collection[int]) -> Mapping[int, tuple[int, int]]:
    """How many windows of the past there are, and how many of them are still to be fetched."""
    waiting = func.count().filter(BackfillWindow.state == "waiting")
    counted = (
        select(BackfillWindow.connection, func.count(), waiting)
        .where(BackfillWindow.connection.in_(connections), BackfillWindow.state != "cancelled")
        .group_by(BackfillWindow.connection)
    )
    return {connection: (whole, left) for connection, whole, left in session.execute(counted)}


def _nights(session: Session, person_id: int) -> Mapping[tuple[int, int], tuple[Any, datetime]]:
    """The newest night of each account and kind of source, and when it came in or last changed."""
    newest = (
        select(Episode.vendor_account, Episode.source_rank, Episode.day, Episode.as_of)
        .join(VendorAccount, VendorAccount.id == Episode.vendor_account)
        .where(VendorAccount.person == person_id, Episode.kind == "sleep", Episode.main, Episode.state != "unscorable")
        .ext(distinct_on(Episode.vendor_account, Episode.source_rank))
        .order_by(Episode.vendor_account, Episode.source_rank, Episode.day.desc(), Episode.as_of.desc())
    )
    return {(account, rank): (day, as_of) for account, rank, day, as_of in session.execute(newest)}
