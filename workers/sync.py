"""One run of a connection: its due streams, longest-waiting first, each with its own outcome; green as its worst."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zlib import crc32

import structlog
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ingest import clock, store
from ingest.db import transaction
from ingest.grants import client, following, raws, sync
from ingest.grants.client import Grant
from ingest.models import Connection, Run, StreamState
from ingest.runs import LeaseLost
from providers.base import Stream
from providers.errors import Misconfigured, RateLimited
from workers import leases, outcomes, standing
from workers.leases import Outcome, Work

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
TAKES = timedelta(minutes=3)  # without a saved page; each page begins it anew
GIVEN_UP_AFTER = 5  # times that a bug came in a row; a vendor that is away is asked for ever

log = structlog.get_logger(__name__)


def _failed(_session: Session, _key: int, outcome: Outcome, _error: Exception, _reason: str) -> Mapping[str, Any]:
    """A run that broke as a whole, not in one stream: again after a while, whatever it was."""
    return {"next_sync_at": clock.now() + max(outcome.after, FIRST_PAUSE), "attempts": 0}


SYNCS = Work(
    name="sync",
    task="sync.connection",
    key=Connection.id,
    order=Connection.next_sync_at,
    due=lambda now: Connection.next_sync_at <= now,
    takes=TAKES,
    room=200,
    failed=_failed,
)

# Made once, as every page that is saved extends the lease.
LONGER = (
    update(Connection)
    .where(Connection.id == bindparam("key"), Connection.lease_token == bindparam("token"))
    .values(lease_until=bindparam("until"))
    .returning(Connection.id)
)


@dataclass(slots=True)
class Tally:
    """What became of the streams of a run."""

    written: int = 0
    points: int = 0
    rejected: int = 0
    succeeded: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    denied_until: datetime | None = None
    lost: Exception | None = None

    @property
    def state(self) -> str:
        """The run's state: as green as its worst stream."""
        if self.denied_until:
            return "snoozed"
        if self.failed or self.lost:
            return "partial" if self.succeeded else "retrying"
        return "succeeded"


def sync_connection(connection_id: int, token: str) -> bool:
    """Follow the due streams of a connection, then say when it is next; whether nights are to be judged.

    Raises LeaseLost.
    """
    started = clock.now()
    with transaction() as session:
        grant = client.grant_of(session, connection_id)
        stands = following.standing(session, connection_id, grant.provider, grant.scopes)
    known = {stream.name: stream for stream in grant.provider.streams}
    tally = Tally()
    for state in stands:  # those not granted or given up have a time too, at which they are probed
        due = state.stream in known and state.next_at <= started
        if due and not _goes_on(grant, known[state.stream], state, token, tally):
            break
    return _end(grant, token, started, tally)


def extend(connection_id: int, token: str, session: Session) -> None:
    """Extend the lease of a run. Raises LeaseLost."""
    lease = {"key": connection_id, "token": token, "until": clock.now() + TAKES}
    if session.scalar(LONGER, lease, execution_options=leases.UNTRACKED) is None:
        raise LeaseLost(f"connection {connection_id} belongs to another worker, or was disconnected")


def _goes_on(grant: Grant, stream: Stream, stood: StreamState, token: str, tally: Tally) -> bool:
    """Follow one stream and settle when it is next; whether the run may go on with others."""
    hold, started = partial(extend, grant.connection, token), clock.now()
    done: list[sync.Followed] = []
    error = outcomes.tried(lambda: done.append(sync.follow(grant, stream, stood, hold)))
    with transaction() as session:
        hold(session)
        state = session.get_one(StreamState, (grant.connection, stream.name), with_for_update=True)
        if error is None:
            sync.conclude(session, state, stream, done[0])
            _went_well(session, state, grant, stream, started)
            tally.succeeded += 1
            tally.written += done[0].saved.written
            tally.points += done[0].saved.points
            tally.rejected += done[0].saved.rejected
            return True
        return _went_wrong(session, state, grant, error, tally)


def _went_well(session: Session, state: StreamState, grant: Grant, stream: Stream, started: datetime) -> None:
    now = clock.now()
    hinted = state.hinted_at is not None and state.hinted_at > started
    rests = grant.provider.poll_every + _spread(grant.connection, stream.name, grant.provider.poll_every)
    if state.state == "forbidden":
        following.take_up(session, state.connection, state.stream)
    state.state, state.fail_count, state.last_error, state.failing_since = "following", 0, None, None
    state.next_at = now if hinted else now + rests


def _went_wrong(session: Session, state: StreamState, grant: Grant, error: Exception, tally: Tally) -> bool:
    now = clock.now()
    reason = outcomes.said(error)
    failures = _failures(state, error, reason)
    outcome = outcomes.judge(error, min(failures, GIVEN_UP_AFTER))
    if outcome.name in {"reconnect", "ask"}:
        tally.lost = error
        return False
    if isinstance(error, RateLimited):
        tally.denied_until = now + outcome.after  # it keeps its turn: its next time stays what it was
        return False
    tally.failed[state.stream] = reason
    state.last_error, state.failing_since = reason, state.failing_since or now
    if isinstance(error, Misconfigured):  # ours to mend, and the same for every stream: no try is counted
        state.next_at = now + outcome.after
        return False
    state.fail_count = failures
    if outcome.name == "skip":
        state.state, state.next_at = "forbidden", now + outcome.after
        following.skip(session, state.connection, state.stream)
        store.request_score(session, grant.person, "past nights")  # these may have been the last that were waited for
    elif outcome.name == "bury":
        state.state, state.next_at = "buried", now + outcomes.PROBE
        log.error("stream_buried", stream=state.stream, connection=state.connection, reason=reason)
    else:
        state.next_at = now + max(outcome.after, pause(state.fail_count))
    return True


def _failures(state: StreamState, error: Exception, reason: str) -> int:
    """How many failures in a row this one is; a bug is counted from its own first, whatever failed before it."""
    new_bug = not isinstance(error, outcomes.FORESEEN) and reason != state.last_error
    return 1 if new_bug else state.fail_count + 1


def pause(fail_count: int) -> timedelta:
    """How long a stream rests after so many failures in a row: a minute, two, four, at most six hours."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(fail_count - 1, 10)))


def _spread(connection: int, stream: str, every: timedelta) -> timedelta:
    """A steady offset of up to a tenth, so that those who connected together are not asked for together for ever."""
    return timedelta(seconds=every.total_seconds() * (crc32(f"{connection} {stream}".encode()) % 1000) / 10_000)


def _end(grant: Grant, token: str, started: datetime, tally: Tally) -> bool:
    """Say when the connection is next, and how the run was; whether nights are to be judged.

    The row is locked first, so that no hint falls between.
    """
    with transaction() as session:
        connection = session.scalar(
            select(Connection).where(*leases.held(SYNCS, grant.connection, token)).with_for_update()
        )
        if connection is None:
            raise LeaseLost(f"connection {grant.connection} belongs to another worker, or was disconnected")
        next_at = following.earliest(session, grant.connection)
        if tally.denied_until:
            next_at = tally.denied_until
        if tally.lost and not standing.renewed(connection, started):
            next_at = standing.lose(session, connection, grant, tally.lost)
        elif standing.lost_since(connection, started):
            next_at = connection.next_sync_at
        elif tally.succeeded:
            standing.regain(connection)
        _write_run(session, grant, started, tally)
        raws.hold_to_cap(session, grant.connection)
        session.flush()
        to_judge = store.hurry_score(session, grant.person)
        free = {"next_sync_at": next_at, "attempts": 0}
        leases.give_back(session, SYNCS, grant.connection, token, free)
    log.info("synced", connection=grant.connection, state=tally.state, written=tally.written, points=tally.points)
    return to_judge


def _write_run(session: Session, grant: Grant, started: datetime, tally: Tally) -> None:
    """Keep the latest run of a connection, in one row: what came before it stands in the log."""
    of_connection = select(Run).where(Run.connection == grant.connection, Run.kind == "sync")
    run = session.scalar(of_connection.limit(1))
    if run is None:
        run = Run(person=grant.person, connection=grant.connection, kind="sync", created_at=started)
        session.add(run)
    run.state, run.created_at, run.ended_at = tally.state, started, clock.now()
    run.done, run.total = tally.succeeded, tally.succeeded + len(tally.failed)
    run.rejected, run.error = tally.rejected, next(iter(tally.failed.values()), None)
    run.summary = {"written": tally.written, "points": tally.points, "failed": tally.failed}
