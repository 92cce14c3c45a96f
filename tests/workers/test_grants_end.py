"""How a grant ends: lost, disconnected, erased. Who is told, what is decided, what is left behind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from ingest import db, privacy
from ingest.grants import client, connections
from ingest.models import Alert, BackfillWindow, Connection, Credential, Person
from providers.errors import AuthorizationLost, NeedsPerson, VagusError
from providers.simulator.people import Story
from tests.workers.sync_stage import (
    Stage,
    connection_of,
    do_one,
    fill,
    judge,
    left_to_fill,
    make_due,
    stage,
    sync_now,
    wait_out,
    waits_to_be_judged,
)
from workers import messages, standing, sync

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_the_morning(stage: Stage, clock: Callable) -> Callable:
    clock(MORNING)
    return clock


def states() -> list[str]:
    with db.transaction() as session:
        return list(session.scalars(select(Alert.state)))


@pytest.fixture
def strained(stage: Stage) -> tuple[int, int]:
    """A strained person of whom every night is in; of one other stream the past still waits, so nothing is decided."""
    person = stage.person(story=Story.OVERREACHING, nights=120, seed=7)
    connection = stage.connect(person)
    sync_now()
    with db.transaction() as session:
        late = update(BackfillWindow).where(BackfillWindow.stream == "oura.daily_spo2")
        session.execute(late.values(due_at=MORNING + timedelta(days=3), error="Oura answered 500"))
    fill()
    judge()
    assert states() == []
    return person, connection


def test_a_past_that_never_comes_keeps_back_for_a_day_what_holds_now_and_no_longer(
    stage: Stage, strained: tuple[int, int], in_the_morning: Callable
) -> None:
    later = wait_out(in_the_morning, hours=25)
    stage.sim.add_person("mira", Story.OVERREACHING, nights=121, seed=7, last_day=later.date())
    make_due()
    sync_now()
    judge()
    assert states() == ["open"]


def test_whoever_disconnects_before_the_past_is_in_is_judged_by_what_came(strained: tuple[int, int]) -> None:
    connections.disconnect(*strained, keep=True)
    assert waits_to_be_judged()
    judge()
    assert states() == ["open"]


def test_a_grant_lost_before_the_past_is_in_keeps_nothing_back_that_holds_now(
    stage: Stage, strained: tuple[int, int]
) -> None:
    stage.sim.lapse("mira")
    make_due()
    sync_now()
    assert connection_of(strained[1]).state == "needs_you"
    assert waits_to_be_judged()
    judge()
    assert states() == ["open"]


@pytest.mark.parametrize(
    ("error", "state"), [(NeedsPerson("lapsed"), "needs_you"), (AuthorizationLost("refused"), "reconnect")]
)
def test_what_went_well_before_a_window_found_the_grant_lost_does_not_undo_that(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: VagusError, state: str
) -> None:
    connection = stage.connect(stage.person(nights=5))
    follow = sync.sync.follow

    def lose_meanwhile(grant: Any, stream: Any, state: Any, extend: Any) -> Any:
        done = follow(grant, stream, state, extend)
        if stream.name == "oura.workout":
            with db.transaction() as session:
                row = session.get_one(Connection, connection, with_for_update=True)
                row.next_sync_at = standing.lose(session, row, grant, error)
        return done

    monkeypatch.setattr(sync.sync, "follow", lose_meanwhile)
    sync_now()
    told = connection_of(connection)
    assert told.state == state
    if state == "reconnect":
        assert told.next_sync_at is None
    else:
        assert told.next_sync_at > MORNING + timedelta(hours=23)


def test_a_grant_lost_twice_in_one_night_is_told_of_once_in_the_morning(
    stage: Stage, in_the_morning: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = stage.person(nights=5)
    connection = stage.connect(person)
    with db.transaction() as session:
        sleeper = session.get_one(Person, person)
        sleeper.quiet_from, sleeper.quiet_until, sleeper.zone = 22 * 60, 7 * 60, "UTC"
    for hour, lost in ((22, True), (23, False), (26, True)):
        in_the_morning(MORNING.replace(hour=0) + timedelta(hours=hour))
        with db.transaction() as session:
            row = session.get_one(Connection, connection)
            if lost:
                standing.lose(session, row, client.grant_of(session, connection), NeedsPerson("lapsed"))
            else:
                standing.regain(row)
    in_the_morning(MORNING + timedelta(days=1))
    sent: list[Any] = []
    monkeypatch.setitem(messages.CHANNELS, "mail", sent.append)
    do_one(messages.DELIVERIES, messages.deliver)
    assert len(sent) == 1


def test_a_grant_made_at_the_last_moment_before_an_erasure_is_revoked_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = stage.person(nights=5)
    close = privacy._close

    def connect_first(key: int) -> None:
        stage.connect(person)
        close(key)

    monkeypatch.setattr(privacy, "_close", connect_first)
    privacy.erase(person, receipt=False)
    assert stage.sim.calls("/oauth/revoke") == 1


@pytest.mark.parametrize("leave", ["erase", "disconnect"])
def test_tokens_that_nobody_can_open_keep_nobody_from_leaving(stage: Stage, leave: str) -> None:
    person = stage.person(nights=5)
    connection = stage.connect(person)
    with db.transaction() as session:
        session.execute(update(Credential).values(access=b"sealed with a key that was lost"))
    if leave == "erase":
        privacy.erase(person, receipt=False)
    else:
        assert "did not confirm the end" in connections.disconnect(person, connection, keep=False)
    with db.transaction() as session:
        assert session.get(Connection, connection) is None


def test_after_forty_days_without_an_answer_the_gap_is_planned_once_by_the_run_that_goes_well(
    stage: Stage, clock: Callable
) -> None:
    connection = stage.connect(stage.person(nights=5, last_day=(MORNING + timedelta(days=45)).date()))
    sync_now()
    with db.transaction() as session:
        session.execute(update(BackfillWindow).values(state="done"))
    clock(MORNING + timedelta(days=40))
    stage.sim.faults.some("500", share=1, path="/v2/usercollection")
    for minutes in (0, 5, 20):
        clock(MORNING + timedelta(days=40, minutes=minutes))
        make_due()
        sync_now()
    assert left_to_fill() == 0
    stage.sim.faults.clear()
    for hours in (1, 2):
        clock(MORNING + timedelta(days=40, hours=hours))
        make_due()
        sync_now()
    waiting = (BackfillWindow.connection == connection, BackfillWindow.state == "waiting")
    with db.transaction() as session:
        gaps = session.scalars(select(BackfillWindow).where(*waiting, BackfillWindow.stream == "oura.sleep")).all()
        assert len(gaps) == 1
        assert gaps[0].start_at <= MORNING
        assert gaps[0].end_at >= MORNING + timedelta(days=10)
