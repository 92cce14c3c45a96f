"""Where each stream of a grant stands: which are due, when they are next, and what of the past is still to fetch."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Absence, BackfillWindow, Connection, Raw, StreamState, VendorAccount
from providers.base import Provider, Stream

CHUNK = timedelta(days=30)  # of the past at a time: progress is seen, and a first reading comes early
DECIDES = timedelta(days=100)  # while nights younger than this are still on their way, nothing is decided
DAY = timedelta(days=1)
PATIENCE = DAY  # how long nights wait for a past that does not come
UNREAD = ""  # the mapping of a kept answer that the next equal one does not stand for


def midnight(at: datetime) -> datetime:
    """The UTC midnight at or before an instant; windows start there, so that they coincide."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def granted(stream: Stream, scopes: Iterable[str] | None) -> bool:
    """Whether the person granted what a stream needs; a vendor that does not say is believed to have granted all."""
    return stream.scope is None or scopes is None or stream.scope in set(scopes)


def begin(session: Session, connection: int, provider: Provider, scopes: frozenset[str] | None) -> None:
    """Follow every stream from now on and plan its past; of a grant that comes back, only the gap."""
    now = clock.now()
    stands = {row.stream: row for row in session.scalars(select(StreamState).filter_by(connection=connection))}
    # What was cut off, and what waits because the grant was lost: the person is here now, and looks.
    undone = (BackfillWindow.connection == connection, BackfillWindow.state.in_(("cancelled", "waiting")))
    session.execute(update(BackfillWindow).where(*undone).values(state="waiting", due_at=now))
    for stream in provider.streams:
        before = stands.get(stream.name)
        known = before is not None and before.last_ok_at is not None
        since = before.cursor if known else now - provider.backfill  # type: ignore[union-attr]
        _begin(session, connection, stream, scopes, since)


def standing(
    session: Session, connection: int, provider: Provider, scopes: frozenset[str] | None
) -> Sequence[StreamState]:
    """Where every stream stands, longest-waiting first; those that a newer release of ours brought begin here."""
    of_connection = select(StreamState).where(StreamState.connection == connection)
    in_turn = of_connection.order_by(StreamState.next_at, StreamState.stream)
    stands = session.scalars(in_turn).all()
    known = {state.stream for state in stands}
    new = [stream for stream in provider.streams if stream.name not in known]
    for stream in new:
        _begin(session, connection, stream, scopes, clock.now() - provider.backfill)
    return session.scalars(in_turn).all() if new else stands


def _begin(session: Session, connection: int, stream: Stream, scopes: frozenset[str] | None, since: datetime) -> None:
    now = clock.now()
    _follow(session, connection, stream, now, following=granted(stream, scopes))
    if granted(stream, scopes) and stream.window is not None:
        plan(session, connection, stream, since - stream.settles, now - stream.settles)


def _follow(session: Session, connection: int, stream: Stream, now: datetime, *, following: bool) -> None:
    state = {"state": "following" if following else "forbidden", "next_at": now, "fail_count": 0, "last_error": None}
    new = insert(StreamState).values(
        connection=connection, stream=stream.name, cursor=midnight(now - stream.settles), **state
    )
    session.execute(
        new.on_conflict_do_update(
            index_elements=[StreamState.connection, StreamState.stream], set_=state | {"failing_since": None}
        )
    )


def plan(session: Session, connection: int, stream: Stream, since: datetime, until: datetime) -> int:
    """Have the windows between two instants fetched, also those that were before; how many there are in the span."""
    rows = [
        {"connection": connection, "stream": stream.name, "start_at": first, "end_at": last, "due_at": clock.now()}
        for first, last in edges(since, until)
    ]
    if rows:
        new = insert(BackfillWindow)
        again = {"state": "waiting", "due_at": new.excluded.due_at, "attempts": 0, "error": None, "done_at": None}
        identity = [
            BackfillWindow.connection,
            BackfillWindow.stream,
            BackfillWindow.start_at,
            BackfillWindow.end_at,
        ]
        session.execute(new.on_conflict_do_update(index_elements=identity, set_=again), rows)
    return len(rows)


def edges(since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The spans in which the days from one instant to another are asked for, newest first; the last day is in it."""
    found, end = [], midnight(until) + DAY
    start = midnight(since)
    while end > start:
        first = max(start, end - CHUNK)
        found.append((first, end))
        end = first
    return found


def resync(session: Session, connection: int, streams: Sequence[Stream], since: datetime, until: datetime) -> int:
    """Have these days asked for again, and read even where the answer is the one that was kept; how many windows."""
    kept = (
        Raw.connection == connection,
        Raw.stream.in_([stream.name for stream in streams]),
        Raw.window_start >= midnight(since),
        Raw.window_start <= until,
    )
    session.execute(update(Raw).where(*kept).values(mapping=UNREAD))
    return sum(plan(session, connection, stream, since, until) for stream in streams)


def end(session: Session, connection: int) -> None:
    """Ask for nothing more: what is still to fetch of the past is cancelled; where streams stand is kept."""
    waiting = (BackfillWindow.connection == connection, BackfillWindow.state == "waiting")
    given_up = {"state": "cancelled", "lease_token": None, "lease_until": None}
    session.execute(update(BackfillWindow).where(*waiting).values(given_up))
    session.execute(delete(Absence).where(Absence.connection == connection))


def skip(session: Session, connection: int, stream: str) -> None:
    """Ask no more for the past of a stream that was not granted; a grant that comes back takes it up again."""
    waiting = (
        BackfillWindow.connection == connection,
        BackfillWindow.stream == stream,
        BackfillWindow.state == "waiting",
        BackfillWindow.lease_token.is_(None),  # one in hand ends by itself
    )
    session.execute(update(BackfillWindow).where(*waiting).values(state="cancelled"))


def take_up(session: Session, connection: int, stream: str) -> None:
    """Ask for the past of a stream after all: it was skipped, and turned out to be granted."""
    skipped = (
        BackfillWindow.connection == connection,
        BackfillWindow.stream == stream,
        BackfillWindow.state == "cancelled",
    )
    session.execute(update(BackfillWindow).where(*skipped).values(state="waiting", due_at=clock.now()))


def earliest(session: Session, connection: int) -> datetime | None:
    """When the next of the streams is due."""
    return session.scalar(select(func.min(StreamState.next_at)).where(StreamState.connection == connection))


def hint(session: Session, connection: int, streams: Iterable[str]) -> bool:
    """Mark streams as due because the vendor said so; whether any is followed."""
    now = clock.now()
    named = (StreamState.connection == connection, StreamState.stream.in_(list(streams)))
    followed = (*named, StreamState.state == "following")
    if session.scalar(select(StreamState.stream).where(*followed).limit(1)) is None:
        return False
    # The connection's row first, as every other writer takes the two.
    sooner = func.least(func.coalesce(Connection.next_sync_at, now), now)
    session.execute(
        update(Connection).where(Connection.id == connection, Connection.state == "active").values(next_sync_at=sooner)
    )
    session.execute(update(StreamState).where(*followed).values(hinted_at=now, next_at=now))
    return True


def filling(session: Session, person: int) -> bool:
    """Whether nights of the last 100 days are still on their way from a vendor.

    A window that keeps failing, or that nobody may ask for, is waited for one day: what holds now is told without it.
    """
    lately = clock.now() - PATIENCE
    untried = BackfillWindow.error.is_(None) & (BackfillWindow.due_at > lately)
    waiting = (
        select(BackfillWindow.id)
        .join(Connection, Connection.id == BackfillWindow.connection)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .where(
            VendorAccount.person == person,
            Connection.state == "active",
            BackfillWindow.state == "waiting",
            BackfillWindow.end_at > clock.now() - DECIDES,
            or_(untried, Connection.state_since > lately),
        )
    )
    return session.scalar(waiting.limit(1)) is not None
