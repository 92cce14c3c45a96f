"""A connected ring's sync and its past, killed in mid-write or robbed of the broker: equal rows, and one message."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

import psycopg
import pytest
import redis
from sqlalchemy import text, update

from ingest import clock as the_clock
from ingest import db, privacy, settings
from ingest.models import VendorApp
from providers.simulator.people import Story
from tests.faults.test_stack_killed import Stack, result, stack
from tests.ground import wait_for
from tests.workers.sync_stage import Stage, rows, staged

__all__ = ["stack"]

pytestmark = pytest.mark.slow

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
ADDRESS = "mira@example.org"
PHONE = (time(7, 30),)  # what the vendor has stays the same all morning, however far the clock is moved on
# What extends a lease waits for these rows; what only refers to a connection does not.
LEASE_OF = {
    "worker-sync": "SELECT FROM connection FOR NO KEY UPDATE",
    "worker-backfill": "SELECT FROM backfill_window WHERE lease_token IS NOT NULL FOR NO KEY UPDATE",
}
COMMITTED = {
    "worker-sync": "SELECT count(*) FROM stream_state WHERE last_ok_at IS NOT NULL",
    "worker-backfill": "SELECT count(*) FROM backfill_window WHERE state = 'done'",
}
AT_A_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
HELD_BY = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
UNDONE = (
    "SELECT 1 FROM backfill_window WHERE state = 'waiting'",
    "SELECT 1 FROM stream_state WHERE last_ok_at IS NULL",
    "SELECT 1 FROM connection WHERE lease_token IS NOT NULL",
    "SELECT 1 FROM score_request",
    "SELECT 1 FROM delivery WHERE status IN ('waiting', 'held')",
)

Outcome = tuple[dict[str, Any], tuple[list, list, list], list[tuple[str, int]]]


class Ring:
    """One and the same ring, connected to a running Vagus at one and the same instant."""

    def __init__(self, stack: Stack, stage: Stage) -> None:
        self.stack, self.stage, self.person = stack, stage, 0

    def begin(self) -> None:
        """Set the clock, and let nothing be left of the run before."""
        the_clock.set_clock(self.stack.clock, MORNING)
        for mail in (self.stack.home / "mailbox").glob("*.eml"):
            mail.unlink()

    def connect(self) -> None:
        """Connect it, while nobody may ask its vendor yet."""
        self.pause(until=MORNING + timedelta(hours=1))
        life = {"story": Story.OVERREACHING, "nights": 60, "seed": 7, "last_day": MORNING.date(), "phone": PHONE}
        self.person = self.stage.person(**life)
        self.stage.connect(self.person)

    def pause(self, until: datetime | None) -> None:
        with db.transaction() as session:
            session.execute(update(VendorApp).values(paused_until=until))

    def settle(self) -> Outcome:
        """Wait until nothing is left to do; what it came to."""
        the_clock.set_clock(self.stack.clock, the_clock.now(), speed=10)  # what waits a minute to be tried again does
        wait_for(nothing_undone, 120, every=0.2)
        with db.transaction() as session:
            windows = session.execute(text("SELECT state, count(*) FROM backfill_window GROUP BY state"))
            ended = [tuple(row) for row in windows]
        mails = self.stack.mails(ADDRESS)
        assert list(mails.values()) == [1], mails
        return rows(), result(self.person), ended

    def forget(self) -> None:
        """Let the next run find nothing."""
        if self.person:
            privacy.erase(self.person, receipt=False)
            self.person = 0


@pytest.fixture(scope="module")
def stage(stack: Stack) -> Iterator[Stage]:
    with staged() as made:
        yield made


@pytest.fixture(scope="module")
def calm(stack: Stack, stage: Stage) -> Outcome:
    """What the ring comes to where nobody disturbs it."""
    ring = Ring(stack, stage)
    ring.begin()
    ring.connect()
    ring.pause(until=None)
    outcome = ring.settle()
    ring.forget()
    return outcome


@pytest.fixture
def ring(stack: Stack, stage: Stage, calm: Outcome) -> Iterator[Ring]:
    made = Ring(stack, stage)
    made.begin()
    yield made
    made.forget()


def nothing_undone() -> bool:
    with db.transaction() as session:
        return not any(session.execute(text(f"{query} LIMIT 1")).all() for query in UNDONE)


def plain() -> psycopg.Connection:
    """A connection of the test's own, which a dying server may take along."""
    return psycopg.connect(settings.settings().database_url.get_secret_value())


def broker() -> redis.Redis:
    return redis.Redis(unix_socket_path=settings.settings().redis_url.get_secret_value().partition("://")[2])


def counted(query: str, *given: object) -> int:
    with plain() as connection:
        return connection.execute(query, given).fetchone()[0]


@contextmanager
def in_mid_write(ring: Ring, worker: str) -> Iterator[None]:
    """The ring's data written by this worker, the fence in its hand, and nothing committed.

    First nobody passes the fence; then one does, writes, and stops where it would extend its lease.
    """
    ring.connect()
    fence, lease = plain(), plain()
    try:
        fence.execute("SELECT FROM fence FOR UPDATE")
        ring.pause(until=None)
        wait_for(lambda: counted(AT_A_LOCK) >= 2, 60, every=0.2)  # the one sync, and a window of the past at least
        lease.execute(LEASE_OF[worker])
        fence.close()
        wait_for(lambda: counted(HELD_BY, lease.info.backend_pid), 60, every=0.2)
        yield
    finally:
        fence.close()
        lease.close()


def test_a_ring_that_nobody_disturbs_is_filled_judged_and_told_once(calm: Outcome) -> None:
    measured, (readiness, alerts, sent), windows = calm
    assert len(measured["episode"]) > 60
    assert len(measured["sample"]) > 120
    assert len(readiness) >= 60
    assert [(state, told) for *_, state, told in alerts] == [("open", True)]
    assert sent == [("strained", "sent")]
    assert {state for state, _ in windows} == {"done"}


@pytest.mark.parametrize(
    ("victim", "worker"),
    [
        ("worker-sync", "worker-sync"),
        ("worker-backfill", "worker-backfill"),
        ("Valkey", "worker-backfill"),
        ("PostgreSQL", "worker-sync"),
        ("supervisor", "worker-backfill"),
    ],
)
def test_whatever_is_killed_in_mid_write_the_rows_are_equal_and_the_person_is_told_once(
    stack: Stack, ring: Ring, calm: Outcome, victim: str, worker: str
) -> None:
    with in_mid_write(ring, worker):
        assert counted(COMMITTED[worker]) == 0
        stack.kill(victim)
    if victim == "supervisor":
        stack.up()
    stack.move_on(minutes=4)
    assert ring.settle() == calm


def test_a_broker_that_forgets_everything_while_windows_are_fetched_costs_a_lease_and_no_row(
    stack: Stack, ring: Ring, calm: Outcome
) -> None:
    with in_mid_write(ring, "worker-backfill"):
        broker().flushall()
    stack.move_on(minutes=4)
    assert ring.settle() == calm


def test_keys_that_are_lost_after_the_claim_are_claimed_again_once_their_leases_have_run_out(
    stack: Stack, ring: Ring, calm: Outcome
) -> None:
    ring.connect()
    asleep = [child.pid for child in stack.state.children if child.name in LEASE_OF]
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    try:
        ring.pause(until=None)
        wait_for(lambda: broker().llen("backfill") >= 20, 30)
        broker().flushall()
    finally:
        for pid in asleep:
            os.kill(pid, signal.SIGCONT)
    with db.transaction() as session:
        leased = session.scalar(text("SELECT count(*) FROM backfill_window WHERE lease_token IS NOT NULL"))
    assert leased >= 20, "rows know of a claim of which no message is left"
    stack.move_on(minutes=2)
    assert ring.settle() == calm
