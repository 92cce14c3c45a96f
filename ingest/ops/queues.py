"""What is waiting? Depth and age of each queue, from rows; what the broker holds; who listens, and who holds it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, Row, Select, and_, case, false, func, null, or_, select
from sqlalchemy.orm import Session

from ingest.grants.pauses import QUEUES
from ingest.models import (
    BackfillWindow,
    Connection,
    Delivery,
    Heartbeat,
    QueueHold,
    Run,
    ScoreRequest,
    SignInCode,
    StreamState,
)
from ingest.ops import counts
from ingest.ops.calls import Hold

HEARD = timedelta(seconds=60)  # what gave no sign of life for so long is not there
PACE = 5  # minutes over which `done_a_minute` is counted
WEEK = timedelta(days=7)
WORKS = {
    "sync": "sync",
    "window": "backfill",
    "score": "score",
    "delivery": "notify",
    "sign_in_code": "notify",
    "import": "upkeep",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStand:
    """One queue; instants are when, so that now less them is an age.

    `ready` rows could be claimed now, the oldest due since `oldest`; `gated` are due at a vendor that is paused, held
    or used up; `later` wait for another try; `running` are under a lease, `overdue` under one that ran out.
    `oldest_with_retries` is since when the longest-waiting of all these was due, as far as its row knows: a stream from
    when it began to fail, a window that failed from when its connection began, a week ago at most.

    `on_the_way` are messages in the broker (None where it does not answer), `done_a_minute` what ended well a minute
    over the last five (None likewise), `seen_at` when a worker last took this queue's pulse.
    """

    queue: str
    ready: int
    oldest: datetime | None
    oldest_with_retries: datetime | None
    gated: int
    later: int
    running: int
    overdue: int
    on_the_way: int | None
    done_a_minute: float | None
    seen_at: datetime | None
    hold: Hold | None

    def listened(self, now: datetime) -> bool:
        """Whether some worker takes this queue."""
        return self.seen_at is not None and now - self.seen_at < HEARD


def queues(session: Session, now: datetime, shut: Collection[int] = ()) -> Sequence[QueueStand]:
    """The five queues, worst first. `shut` are the registrations that are not asked at the moment."""
    rows = {
        "sync": _added(session, _syncs(now, shut), _failing(now)),
        "backfill": _added(session, _windows(now, shut)),
        "score": _added(session, _scores(now)),
        "notify": _added(session, _messages(now), _codes(now)),
        "upkeep": _added(session, _imports(now)),
    }
    seen = dict(session.execute(select(Heartbeat.name, Heartbeat.at)).all())
    holds = {row.queue: Hold(row.by, row.reason, row.at) for row in session.scalars(select(QueueHold))}
    lengths, pace = _on_the_way(), _pace()
    found = [
        QueueStand(
            queue=name,
            **rows[name],
            on_the_way=lengths.get(name) if lengths else None,
            done_a_minute=pace.get(name, 0.0) if pace is not None else None,
            seen_at=seen.get(name),
            hold=holds.get(name),
        )
        for name in QUEUES
    ]
    return sorted(found, key=lambda each: (each.listened(now) and each.hold is None, each.oldest or now))


def _added(session: Session, *queries: Select[*tuple[Any, ...]]) -> dict[str, Any]:
    """What several kinds of rows of one queue come to."""
    rows = [session.execute(query).one() for query in queries]
    total = {name: sum(getattr(row, name) for row in rows) for name in ("ready", "gated", "later", "running")}
    return {
        **total,
        "overdue": sum(row.overdue for row in rows),
        "oldest": _earliest(rows, "oldest"),
        "oldest_with_retries": _earliest(rows, "oldest_with_retries"),
    }


def _earliest(rows: Sequence[Row[Any]], name: str) -> datetime | None:
    return min((getattr(row, name) for row in rows if getattr(row, name) is not None), default=None)


def _counting(  # noqa: PLR0913  one a column
    table: Any,
    now: datetime,
    due_at: Any,
    *,
    first: Any = None,
    shut: ColumnElement[bool] | None = None,
    later: ColumnElement[bool] | None = None,
) -> Select[*tuple[Any, ...]]:
    """The numbers of one kind of row: due at `due_at`, first wanted at `first`, not asked for where `shut`."""
    closed = false() if shut is None else shut
    due = due_at <= now
    free = or_(table.lease_until.is_(None), table.lease_until <= now)
    ready = and_(due, free, ~closed)
    first = due_at if first is None else first
    waits = due_at > now if later is None else later
    return select(
        func.count().filter(ready).label("ready"),
        func.min(due_at).filter(ready).label("oldest"),
        func.min(first).filter(or_(due, waits)).label("oldest_with_retries"),
        func.count().filter(due, free, closed).label("gated"),
        func.count().filter(waits, free).label("later"),
        func.count().filter(table.lease_until > now, table.lease_token.is_not(None)).label("running"),
        func.count().filter(table.lease_until <= now, table.lease_token.is_not(None)).label("overdue"),
    ).select_from(table)


def _syncs(now: datetime, shut: Collection[int]) -> Select[*tuple[Any, ...]]:
    closed = Connection.vendor_app.in_(shut) if shut else None
    numbers = _counting(Connection, now, Connection.next_sync_at, shut=closed)
    return numbers.where(Connection.next_sync_at <= now)


def _failing(now: datetime) -> Select[*tuple[Any, ...]]:
    """Connections with a stream that failed and is not due before later."""
    failing = (StreamState.failing_since.is_not(None), StreamState.next_at > now)
    later = func.count(StreamState.connection.distinct())
    none = func.count().filter(false())
    return select(
        none.label("ready"),
        null().label("oldest"),
        func.min(StreamState.failing_since).label("oldest_with_retries"),
        none.label("gated"),
        later.label("later"),
        none.label("running"),
        none.label("overdue"),
    ).where(*failing, StreamState.state == "following")


def _windows(now: datetime, shut: Collection[int]) -> Select[*tuple[Any, ...]]:
    closed = Connection.vendor_app.in_(shut) if shut else None
    began = func.greatest(Connection.state_since, BackfillWindow.due_at - WEEK)
    first = case((BackfillWindow.error.is_not(None), began), else_=BackfillWindow.due_at)
    numbers = _counting(BackfillWindow, now, BackfillWindow.due_at, first=first, shut=closed)
    of_active = numbers.join(Connection, Connection.id == BackfillWindow.connection)
    return of_active.where(BackfillWindow.state == "waiting", Connection.state == "active")


def _scores(now: datetime) -> Select[*tuple[Any, ...]]:
    first = func.least(ScoreRequest.due_at, now)  # when it was first wanted is not kept
    failed = and_(ScoreRequest.due_at > now, ScoreRequest.error.is_not(None))
    numbers = _counting(ScoreRequest, now, ScoreRequest.due_at, first=first, later=failed)
    return numbers.where(ScoreRequest.buried_at.is_(None))


def _messages(now: datetime) -> Select[*tuple[Any, ...]]:
    failed = and_(Delivery.status == "waiting", Delivery.error.is_not(None))
    first = func.coalesce(Delivery.failing_since, Delivery.not_before)
    numbers = _counting(Delivery, now, Delivery.not_before, first=first, later=and_(failed, Delivery.not_before > now))
    return numbers.where(Delivery.status.in_(("waiting", "held")))


def _codes(now: datetime) -> Select[*tuple[Any, ...]]:
    numbers = _counting(SignInCode, now, SignInCode.created_at)
    return numbers.where(SignInCode.sent_at.is_(None), SignInCode.code.is_not(None), SignInCode.expires_at > now)


def _imports(now: datetime) -> Select[*tuple[Any, ...]]:
    first = case((Run.error.is_not(None), Run.created_at), else_=Run.due_at)
    return _counting(Run, now, Run.due_at, first=first).where(Run.kind == "import", Run.due_at.is_not(None))


def _on_the_way() -> Mapping[str, int] | None:
    """The messages that the broker holds for each queue; None where it does not answer."""
    try:
        with counts.client().pipeline(transaction=False) as pipe:
            for name in QUEUES:
                pipe.llen(name)
            return dict(zip(QUEUES, pipe.execute(), strict=True))
    except RedisError:
        return None


def _pace() -> Mapping[str, float] | None:
    """What ended well a minute, by queue; None where the broker does not answer."""
    try:
        lately = counts.lately(PACE)
    except RedisError:
        return None
    found: dict[str, float] = {}
    for (name, *labels), number in lately.items():
        if name == "vagus_work" and labels[1] == "succeeded" and labels[0] in WORKS:
            queue = WORKS[labels[0]]
            found[queue] = found.get(queue, 0.0) + number / PACE
    return found
