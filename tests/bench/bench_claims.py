"""How fast due connections are claimed out of a million, and whether the past of others holds up what is fresh.

The second is measured with real workers on a real broker, the simulated vendor on this machine: from the moment a
connection is due to the end of its sync, while ten thousand windows of the past wait and are fetched, and while none.
"""

import statistics
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text, update

from ingest import broker, clock, db
from ingest.grants import budget
from ingest.grants.following import midnight
from ingest.models import BackfillWindow, Connection, StreamState, VendorApp
from providers.oura import OURA
from tests.bench.servers import servers
from tests.ground import wait_for
from tests.workers.peers import processes
from tests.workers.sync_stage import Stage, staged
from workers import claims, leases, sync

DUE, BATCH, BATCHES = 1_000_000, 2_000, 20
PEOPLE, WINDOWS, NIGHTS, TRIES = 20, 10_000, 120, 9
MONTH = timedelta(days=30)
CROWD = """
WITH app AS (
    INSERT INTO vendor_app (vendor, client_id, created_at) VALUES ('oura', 'crowd', :now) RETURNING id
), made AS (
    INSERT INTO person (address, created_at) SELECT 'p' || n || '@example.org', :now FROM generate_series(1, :count) n
    RETURNING id
), account AS (
    INSERT INTO vendor_account (person, vendor, created_at) SELECT id, 'oura', :now FROM made RETURNING id
)
INSERT INTO connection (vendor_account, vendor_app, kind, state_since, next_sync_at, created_at)
SELECT account.id, app.id, 'grant', :now, CAST(:now AS timestamptz) - random() * interval '1 hour', :now
FROM account, app
"""


def rows() -> dict[str, dict[str, Any]]:
    """`claims_per_s`: keys a second in one process; `fresh_sync_slowdown_behind_backfill`: a ratio of medians."""
    with servers():
        per_second = _claims_per_second()
    with servers(), staged() as stage:
        slowdown = _slowdown(stage)
    return {
        "claims_per_s": {"value": per_second, "unit": "keys/s", "bar": 20_000, "ok": per_second >= 20_000},
        "fresh_sync_slowdown_behind_backfill": {"value": slowdown, "unit": "×", "bar": 2, "ok": slowdown <= 2},
    }


def _claims_per_second() -> float:
    """Claim batch after batch of a large room; between two, not timed, the runs of the first come to their end."""
    with db.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))  # a million checks of what cannot be
        session.execute(text(CROWD), {"now": clock.now(), "count": DUE})
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.execute(text("VACUUM ANALYZE connection"))
    with db.transaction() as session:
        app = session.scalars(select(VendorApp.id)).one()
    wide = replace(sync.SYNCS, room=BATCH)
    seconds = []
    for _ in range(BATCHES):
        begun = time.perf_counter()
        with db.transaction() as session:
            claimed = leases.claim(session, wide, Connection.vendor_app == app)
        seconds.append(time.perf_counter() - begun)
        assert len(claimed) == BATCH
        _give_back()
    return BATCH / statistics.median(seconds)


def _give_back() -> None:
    """What the runs of a batch do in the end: the lease goes, and the connection is due in an hour."""
    later = {"lease_token": None, "lease_until": None, "next_sync_at": clock.now() + timedelta(hours=1)}
    with db.transaction() as session:
        session.execute(update(Connection).where(Connection.lease_token.is_not(None)).values(later))


def _slowdown(stage: Stage) -> float:
    """Take turns: nobody's past waits, ten thousand windows of it do."""
    stage.sim.oura.limits.app = stage.sim.oura.limits.token = 10**9
    fresh = stage.connect(stage.person("fresh", nights=NIGHTS), "fresh")
    crowd = [stage.connect(stage.person(f"p{n}", nights=NIGHTS, seed=n), f"p{n}") for n in range(PEOPLE)]
    _let_wait(crowd)
    alone, behind = [], []
    with tempfile.TemporaryDirectory() as folder, processes(Path(folder)) as start:
        start("worker-sync")
        start("worker-backfill")
        _seconds_to_sync(fresh, stage)  # the first brings in a fortnight, the others what is new
        for _ in range(TRIES):
            _let_fill(crowd, stage, go=False)
            alone.append(_seconds_to_sync(fresh, stage))
            _let_fill(crowd, stage, go=True)
            behind.append(_seconds_to_sync(fresh, stage))
    return statistics.median(behind) / statistics.median(alone)


def _let_wait(crowd: list[int]) -> None:
    """Give each of the crowd its part of the windows: months that end on one day after another."""
    today, streams = midnight(clock.now()), [stream.name for stream in OURA.streams if stream.window]
    each = WINDOWS // len(crowd)
    windows = [(streams[n % len(streams)], today - timedelta(days=n // len(streams))) for n in range(each)]
    waiting = [
        {"connection": key, "stream": stream, "start_at": end - MONTH, "end_at": end, "due_at": clock.now()}
        for key in crowd
        for stream, end in windows
    ]
    with db.transaction() as session:
        session.execute(text("DELETE FROM backfill_window"))
        session.execute(insert(BackfillWindow), waiting)
        session.execute(update(Connection).values(next_sync_at=None))


def _let_fill(crowd: list[int], stage: Stage, *, go: bool) -> None:
    """Let the past of the crowd be fetched, and wait until it is well under way; or wait until it is not."""
    with db.transaction() as session:
        state = {"state": "active" if go else "paused"}
        session.execute(update(Connection).where(Connection.id.in_(crowd)).values(state))
        counters = broker.client(budget.SOCKET_SECONDS)
        counters.delete(*(counters.keys("vagus:calls:*") or ["none"]))  # its share is not the question
    done = _filled()

    def as_wanted() -> bool:
        claims.follow()
        return _filled() >= done + 20 if go else not _in_hand()

    wait_for(as_wanted, 60)


def _filled() -> int:
    with db.transaction() as session:
        return session.scalar(text("SELECT count(*) FROM backfill_window WHERE state = 'done'")) or 0


def _in_hand() -> int:
    with db.transaction() as session:
        return session.scalar(text("SELECT count(*) FROM backfill_window WHERE lease_token IS NOT NULL")) or 0


def _seconds_to_sync(connection: int, stage: Stage) -> float:
    """From the moment that a connection is due, with all its streams, to the end of its run."""
    with db.transaction() as session:
        due = clock.now()
        session.execute(update(StreamState).where(StreamState.connection == connection).values(next_at=due))
        session.execute(update(Connection).where(Connection.id == connection).values(next_sync_at=due))
    begun = time.perf_counter()

    def ended() -> bool:
        claims.follow()
        with db.transaction() as session:
            return session.get_one(Connection, connection).next_sync_at > clock.now()

    wait_for(ended, 120)
    return time.perf_counter() - begun


if __name__ == "__main__":
    for name, row in rows().items():
        print(name, row)  # noqa: T201
