"""Having a vendor asked: a connection at once, its past once more, and what a vanished worker still holds."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ingest import clock
from ingest.grants import following
from ingest.models import (
    BackfillWindow,
    Connection,
    Delivery,
    Run,
    ScoreRequest,
    SignInCode,
    StreamState,
    VendorAccount,
)
from ingest.ops.act import Act, Plan
from ingest.ops.saying import many
from ingest.standings import declared
from providers.base import Stream
from providers.errors import VagusError

LONGEST = timedelta(days=180)
TOO_LARGE = 2**63
LEASED: Sequence[Any] = (Connection, BackfillWindow, ScoreRequest, Delivery, Run, SignInCode)
WAY_BACK = {
    "reconnect": "The person has to connect again first; what is missing is fetched by itself then.",
    "needs_you": "Only the person can go on here; what is missing is fetched by itself then.",
    "disconnected": "The person disconnected it: nothing is asked any more.",
    "paused": "It is paused.",
}


def resync(*, connection: int, since: date, until: date, stream: str = "") -> Act:
    """Have days of the past fetched again, both ends in it, of one stream or all. Raises VagusError for no such span.

    Days that have not been yet are left out. Stored rows stay until an answer replaces them.
    """
    if not timedelta(0) <= until - since < LONGEST:
        raise VagusError("give the first and the last day, at most 180 days together")
    until = max(since, min(until, clock.now().date()))
    first, last = _midnight(since), _midnight(until)
    span = f"{since.isoformat()} to {until.isoformat()}"

    def plan(session: Session) -> Plan:
        row, streams = _followed(session, connection, stream)
        if row.state != "active":
            return Plan(0, WAY_BACK[row.state])
        if since > clock.now().date():
            return Plan(0, "Those days have not been yet.")
        if not streams:
            return Plan(0, "None of its streams has a past that can be asked for.")
        windows = many(len(streams) * len(following.edges(first, last)), "window", "windows")
        names = ", ".join(each.title for each in streams)
        provisional = (
            "New alerts of this person wait until they are in, a day at most. Nobody is alerted for past nights."
        )
        return Plan(
            len(streams) * len(following.edges(first, last)),
            f"Fetch {names} from {span} again: {windows}, as backfill. {provisional}",
        )

    return Act(
        action="resync",
        title=f"Fetch past days of connection {connection} again",
        about=f"connection {connection}, {stream or 'all streams'}, {span}",
        plan=plan,
        do=lambda session, _: following.resync(
            session, connection, _followed(session, connection, stream)[1], first, last
        ),
        done=lambda count: f"{many(count, 'window is', 'windows are')} due.",
        back=f"/ops/connections/{connection}",
    )


def sync(*, connection: int) -> Act:
    """Have a vendor asked for what is new of one connection, at once."""
    own = (StreamState.connection == connection, StreamState.state == "following")
    later = select(StreamState.stream).where(*own)

    def plan(session: Session) -> Plan:
        row, _ = _followed(session, connection, "")
        if row.state != "active":
            return Plan(0, WAY_BACK[row.state])
        count = len(session.scalars(later.where(StreamState.next_at > clock.now())).all())
        if not count:
            return Plan(0, "It is due already.")
        return Plan(count, f"{many(count, 'stream is', 'streams are')} asked at the next tick, ahead of their turn.")

    def do(session: Session) -> int:
        names = session.scalars(later.where(StreamState.next_at > clock.now())).all()
        return len(names) if following.hint(session, connection, names) else 0

    return Act(
        action="sync",
        title=f"Ask for connection {connection} now",
        about=f"connection {connection}",
        plan=plan,
        do=lambda session, _: do(session),
        done=lambda count: f"{many(count, 'stream is', 'streams are')} due.",
        back=f"/ops/connections/{connection}",
    )


def release(*, connection: int | None = None) -> Act:
    """Take leases back: of one connection and its windows whoever holds them, else all that ran out.

    A worker that lost its lease writes nothing further. Raises VagusError for a number that no connection can have.
    """
    if connection is not None and not 0 < connection < TOO_LARGE:
        raise VagusError(f"there is no connection {connection}")
    scope = "leases that ran out" if connection is None else f"leases of connection {connection}"

    def plan(session: Session) -> Plan:
        count = _leases(session, connection, free=False)
        if not count:
            return Plan(0, "No lease is meant by this: nothing is held.")
        if connection is None:
            after = "Workers that still hold them write nothing further; the rows are claimed again at the next tick."
            return Plan(count, f"Release {many(count, 'lease', 'leases')} that ran out. {after}")
        after = "A worker that is still at it writes nothing further, and another begins anew."
        return Plan(count, f"Release {many(count, 'lease', 'leases')} of this connection. {after}")

    return Act(
        action="release",
        title="Release " + scope,
        about=scope,
        plan=plan,
        do=lambda session, _: _leases(session, connection, free=True),
        done=lambda count: f"{many(count, 'lease is', 'leases are')} released.",
        back="/ops" if connection is None else f"/ops/connections/{connection}",
    )


def _leases(session: Session, connection: int | None, *, free: bool) -> int:
    """How many leases are meant; `free` takes them back."""
    now, count = clock.now(), 0
    for table in LEASED if connection is None else LEASED[:2]:  # the connection's own, and its windows'
        key = table.__mapper__.primary_key[0]
        meant = [table.lease_token.is_not(None)]
        if connection is None:
            meant.append(table.lease_until < now)
        else:
            meant.append((table.id if table is Connection else table.connection) == connection)
        if not free:
            count += session.scalar(select(func.count()).select_from(table).where(*meant)) or 0
            continue
        taken = update(table).where(*meant).values(lease_token=None, lease_until=None).returning(key)
        count += len(session.scalars(taken, execution_options={"synchronize_session": False}).all())
    return count


def _followed(session: Session, connection: int, name: str) -> tuple[Connection, list[Stream]]:
    """A grant, and its streams whose past can be asked for. Raises VagusError for no such connection or stream."""
    row = session.get(Connection, connection) if 0 < connection < TOO_LARGE else None
    if row is None or row.kind != "grant":
        raise VagusError(f"there is no connection {connection} that a vendor could be asked for")
    provider = declared(session.get_one(VendorAccount, row.vendor_account).vendor)
    every = provider.streams if provider else ()
    if name and name not in {stream.name for stream in every}:
        raise VagusError(f"it has no stream {name}: {', '.join(stream.name for stream in every)}")
    skipped = set(
        session.scalars(
            select(StreamState.stream).where(StreamState.connection == connection, StreamState.state == "forbidden")
        )
    )
    return row, [
        stream for stream in every if stream.window and stream.name not in skipped and name in {"", stream.name}
    ]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
