"""Moments that meet while a ring is followed: a lease that runs out, a reconnect, an erasure, another vendor's limit."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import func, select

from ingest import clock as the_clock
from ingest import connections, db, oauth, privacy
from ingest.models import BackfillWindow, Connection, Delivery, Raw, Run, ScoreRequest, VendorApp
from tests.simulated import simulated
from tests.workers.sync_stage import (
    BACK,
    Stage,
    connection_of,
    do_one,
    fill,
    judge,
    left_to_fill,
    make_due,
    missing,
    rows,
    stage,
    state_of,
    sync_now,
    wait_out,
    waits_to_be_judged,
)
from workers import backfill, claims, leases, outcomes, sync

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
SLEEP, HEART = "oura.sleep", "oura.heartrate"
PHONE = (time(7, 30),)


@pytest.fixture(autouse=True)
def in_the_morning(stage: Stage, clock: Callable) -> Callable:
    clock(MORNING)
    return clock


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Let something happen once, between the answer to a stream's call and what is made of it."""

    def arrange(stream_name: str, happen: Callable[[], object]) -> None:
        fetch_page, happened = sync.sync.client.fetch_page, []

        def fetched(grant: object, stream: object, *asked: object) -> bytes:
            body = fetch_page(grant, stream, *asked)
            if stream.name == stream_name and not happened:
                happened.append(True)
                happen()
            return body

        monkeypatch.setattr(sync.sync.client, "fetch_page", fetched)

    return arrange


def ring(stage: Stage, nights: int = 20) -> tuple[int, int]:
    person = stage.person(nights=nights, seed=3, last_day=MORNING.date(), phone=PHONE)
    return person, stage.connect(person)


def test_a_run_that_outlives_its_lease_on_one_page_leaves_everything_to_the_run_that_took_over(
    stage: Stage, in_the_morning: Callable, meanwhile: Callable
) -> None:
    _, connection = ring(stage)
    taken_over: list[datetime] = []

    def another_worker_takes_over() -> None:
        wait_out(in_the_morning, minutes=4)
        assert sync_now() == 1
        taken_over.append(run_ended(connection))

    meanwhile(SLEEP, another_worker_takes_over)
    wait_out(in_the_morning, minutes=1)
    sync_now()
    assert run_ended(connection) == taken_over[0], "the first run said nothing of itself"
    told = connection_of(connection)
    assert (told.lease_token, told.attempts) == (None, 0)
    assert told.next_sync_at > the_clock.now()
    assert missing(stage, "mira", MORNING - timedelta(days=2), MORNING) == {}


def run_ended(connection: int) -> datetime:
    with db.transaction() as session:
        return session.scalars(select(Run.ended_at).where(Run.connection == connection)).one()


def test_a_window_that_outlives_its_lease_is_done_once_by_whoever_took_it_over(
    stage: Stage, in_the_morning: Callable, meanwhile: Callable
) -> None:
    ring(stage)
    sync_now()

    def another_worker_takes_over() -> None:
        wait_out(in_the_morning, minutes=4)
        fill()

    meanwhile(SLEEP, another_worker_takes_over)
    fill()
    assert left_to_fill() == 0
    with db.transaction() as session:
        ends = session.execute(select(BackfillWindow.state, BackfillWindow.attempts, BackfillWindow.lease_token))
        assert {tuple(row) for row in ends} == {("done", 0, None)}
    assert missing(stage, "mira", MORNING - timedelta(days=19), MORNING) == {}


@pytest.mark.parametrize("work", ["sync", "backfill"])
def test_a_refusal_that_arrives_after_the_person_connected_again_does_not_undo_that(
    stage: Stage, in_the_morning: Callable, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    person, connection = ring(stage)
    sync_now()
    stage.sim.deauthorise("mira")
    for _ in range(2):
        wait_out(in_the_morning, minutes=11)
        make_due(SLEEP)
        sync_now()
    wait_out(in_the_morning, minutes=11)
    tried = outcomes.judge

    def connect_again(error: Exception, attempt: int) -> leases.Outcome:
        outcome = tried(error, attempt)
        if outcome.name == "reconnect" and connection_of(connection).state_since < the_clock.now():
            monkeypatch.setattr(outcomes, "judge", tried)
            assert stage.connect(person) == connection
        return outcome

    monkeypatch.setattr(outcomes, "judge", connect_again)
    if work == "sync":
        make_due(SLEEP)
        release_window_locks_first(connect_again)
        sync_now()
    else:
        do_one(backfill.WINDOWS, backfill.fill_window)
    assert outcomes.judge is tried, "the refusal and the reconnect did meet"
    assert connection_of(connection).state == "active"
    with db.transaction() as session:
        assert session.scalars(select(Delivery.kind)).all() == []
    make_due()
    sync_now()
    fill()
    assert left_to_fill() == 0
