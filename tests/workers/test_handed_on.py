"""Work that makes other work due hands it on at once; a tick finds what was not handed on."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError
from sqlalchemy import select

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.models import QueueHold, ScoreRequest
from tests.workers.peers import live_nights, make_person, story
from tests.workers.sync_stage import Stage, make_due, stage
from workers import claims, leases, outcomes, score, sync, tasks

__all__ = ["stage"]

NOW = "2026-03-01T09:00"


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """What was sent to the queues: task, key and lease."""
    sent: list[tuple[str, int, str]] = []
    monkeypatch.setattr(claims, "_send", sent.extend)
    return sent


@pytest.fixture
def ring(stage: Stage, clock: Callable, home: Path) -> int:
    """Somebody whose ring was just connected, at a moment that lasts: no pause ends by itself."""
    clock(NOW)
    the_clock.set_clock(home / "clock.json", the_clock.now(), speed=0.0)
    person = stage.person("mira", nights=8)
    stage.connect(person, "mira")
    return person


def follow() -> None:
    """One run of every connection, as the task does it."""
    with transaction() as session:
        claimed = leases.claim(session, sync.SYNCS)
    for key, token in claimed:
        outcomes.run(sync.SYNCS, key, token, tasks._follow_then_judge)


def request() -> ScoreRequest | None:
    with transaction() as session:
        return session.scalar(select(ScoreRequest))


def test_a_run_that_brought_nights_has_them_judged_without_a_pause_or_a_tick(ring: int, handed_on: list) -> None:
    follow()
    standing = request()
    assert standing is not None
    assert handed_on == [("score.person", ring, standing.lease_token)]


def test_nobody_is_judged_while_the_run_that_brings_their_nights_goes_on(
    ring: int, handed_on: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed, due = sync.sync.follow, []

    def look(*given: object) -> object:
        done = followed(*given)
        with transaction() as session:
            due.append(session.scalar(select(ScoreRequest.due_at)))
        return done

    with transaction() as session:
        session.delete(request())  # the one of the connecting itself
    monkeypatch.setattr(sync.sync, "follow", look)
    follow()
    waiting = [at for at in due if at is not None]
    assert len(waiting) > 2
    assert min(waiting) > the_clock.now() + timedelta(seconds=5)
    assert request().due_at == the_clock.now()


def test_a_run_that_brought_nothing_has_nobody_judged(ring: int, handed_on: list) -> None:
    follow()
    with transaction() as session:
        session.delete(request())
    handed_on.clear()
    make_due()
    follow()
    assert (handed_on, request()) == ([], None)


def test_a_judgement_that_is_to_be_told_is_handed_to_who_sends_it(
    database: str, home: object, clock: Callable, handed_on: list
) -> None:
    clock(NOW)
    with transaction() as session:
        person = make_person(session)
        live_nights(session, person, date(2026, 3, 1), story())
        store.request_score(session, person, "test", timedelta(0))
    claims.hand_on(score.SCORES)
    ((_, key, token),) = handed_on
    handed_on.clear()
    outcomes.run(score.SCORES, key, token, tasks._score_then_tell)
    assert [task for task, *_ in handed_on] == ["notify.deliver"]


def test_what_a_broker_that_is_away_did_not_take_is_due_again_when_its_lease_has_run_out(
    database: str, home: object, clock: Callable, monkeypatch: pytest.MonkeyPatch, handed_on: list
) -> None:
    def away(_: object) -> None:
        raise OperationalError("the broker is away")

    clock(NOW)
    with transaction() as session:
        person = make_person(session)
        store.request_score(session, person, "test", timedelta(0))
    with monkeypatch.context() as patch:
        patch.setattr(claims, "_send", away)
        claims.hand_on(score.SCORES)
    claims.hand_on(score.SCORES)
    assert handed_on == [], "the lease still holds"
    clock(the_clock.now() + 2 * leases.QUEUED)
    claims.hand_on(score.SCORES)
    assert [key for _, key, _ in handed_on] == [person]


def test_a_queue_that_is_held_is_handed_nothing(database: str, home: object, clock: Callable, handed_on: list) -> None:
    clock(NOW)
    with transaction() as session:
        store.request_score(session, make_person(session), "test", timedelta(0))
        session.add(QueueHold(queue="score", by="an operator", reason="a test", at=the_clock.now()))
    claims.hand_on(score.SCORES)
    assert handed_on == []
