"""A connected ring's sync and its past, killed in mid-write or robbed of the broker: equal rows, and one message."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import Any

import psycopg
import pytest
import redis
from sqlalchemy import select, text

from ingest import clock as the_clock
from ingest import db, privacy, settings
from ingest.models import Connection, ScoreRequest
from providers.simulator.people import Story
from tests.faults.test_stack_killed import Stack, result, stack
from tests.ground import wait_for
from tests.workers.sync_stage import Stage, rows, staged

__all__ = ["stack"]

pytestmark = pytest.mark.slow

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
ADDRESS = "mira@example.org"
NIGHTS = 60
PHONE = (time(7, 30),)  # what the vendor has stays the same all morning, however far the clock is moved on
SYNC = "SELECT FROM connection FOR UPDATE"
PAST = "SELECT FROM backfill_window WHERE lease_token IS NOT NULL FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND cardinality(pg_blocking_pids(pid)) > 0"

Told = tuple[dict[str, Any], tuple[list, list, list], list[tuple[str, int]]]


@pytest.fixture(scope="module")
def stage(stack: Stack) -> Iterator[Stage]:
    with staged() as made:
        yield made


@pytest.fixture
def ring(stack: Stack, stage: Stage) -> Iterator[Callable[[], int]]:
    """A function that connects the same ring at the same instant as every other test here; it is erased afterwards."""
    the_clock.set_clock(stack.clock, MORNING)
    for mail in (stack.home / "mailbox").glob("*.eml"):
        mail.unlink()
    connected: list[int] = []

    def connect() -> int:
        person = stage.person(story=Story.OVERREACHING, nights=NIGHTS, seed=7, last_day=MORNING.date(), phone=PHONE)
        connected.append(person)
        stage.connect(person)
        return person

    yield connect
    for person in connected:
        privacy.erase(person, receipt=False)


def settled() -> bool:
    """Whether nothing of the ring is still to be done."""
    with db.transaction() as session:
        open_ends = (
            "SELECT 1 FROM backfill_window WHERE state = 'waiting'",
            "SELECT 1 FROM stream_state WHERE last_ok_at IS NULL",
            "SELECT 1 FROM connection WHERE lease_token IS NOT NULL",
            "SELECT 1 FROM score_request",
            "SELECT 1 FROM delivery WHERE status IN ('waiting', 'held')",
        )
        return not any(session.execute(text(f"{query} LIMIT 1")).all() for query in open_ends)


def told(stack: Stack, person: int) -> Told:
    """Everything measured, what it came to, and the windows of the past by their end."""
    with db.transaction() as session:
        windows = session.execute(text("SELECT state, count(*) FROM backfill_window GROUP BY state ORDER BY state"))
        ended = [tuple(row) for row in windows]
    mails = stack.mails(ADDRESS)
    assert len(mails) == 1, mails
    assert set(mails.values()) == {1}, mails
    return rows(), result(person), ended


@pytest.fixture(scope="module")
def calm() -> list[Told]:
    """What the run that nobody disturbs comes to, once it was made."""
    return []


@pytest.fixture
def undisturbed(stack: Stack, stage: Stage, ring: Callable[[], int], calm: list[Told]) -> Told:
    """What this ring comes to where nobody disturbs it."""
    if not calm:
        person = ring()
        wait_for(settled, 90)
        calm.append(told(stack, person))
        privacy.erase(person, receipt=False)
        the_clock.set_clock(stack.clock, MORNING)
        for mail in (stack.home / "mailbox").glob("*.eml"):
            mail.unlink()
    return calm[0]


def plain() -> psycopg.Connection:
    """A connection of the test's own, which a dying server may take along."""
    return psycopg.connect(settings.settings().database_url.get_secret_value())


def waiting(least: int = 1) -> bool:
    with plain() as connection:
        return connection.execute(WAITING).fetchone()[0] >= least


@contextmanager
def in_mid_write(connect: Callable[[], int], held_back: str) -> Iterator[int]:
    """A ring whose workers stand with rows written, the fence in their hand, and nothing committed.

    First nobody passes the fence; then one does, writes, and stops where it would extend its lease.
    """
    fence, lease = plain(), plain()
    try:
        fence.execute("LOCK TABLE fence IN EXCLUSIVE MODE")  # a fence can be made and read, and not be taken
        person = None
        person = connect_behind(fence, connect)
        wait_for(waiting, 60)
        lease.execute(held_back)
        fence.close()
        wait_for(lambda: held_up_by(lease), 60)
        yield person
    finally:
        fence.close()
        lease.close()
