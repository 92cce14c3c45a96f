"""A worker that is killed at its work: equal rows after recovery, and what was told is told once."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.models import Alert, Delivery, Person, Readiness, ScoreRequest
from tests.ground import wait_for
from tests.workers.peers import live_nights, make_person, make_told, open_relay, processes, story

pytestmark = pytest.mark.slow


@pytest.fixture
def world(database, valkey, home, clock):
    """A database, a broker and a clock."""
    return clock


def count(table, *conditions):
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions))


def readiness(person):
    with transaction() as session:
        rows = session.execute(
            select(Readiness.day, Readiness.assessment).where(Readiness.person == person).order_by(Readiness.day)
        )
        return [tuple(row) for row in rows]


def pass_the_leases(clock):
    clock(the_clock.now() + timedelta(minutes=4))


def test_a_worker_killed_while_scoring_leaves_a_request_that_the_next_one_answers_with_equal_rows(
    database, valkey, home, clock, tmp_path
):
    clock("2026-03-01T09:00")
    with transaction() as session:
        mira, twin = make_person(session, "mira@example.org"), make_person(session, "twin@example.org")
        for person in (mira, twin):
            live_nights(session, person, the_clock.now().date(), story())
        store.request_score(session, mira, "test")
    with processes(tmp_path) as start:
        start("beat")
        with transaction() as blocking:
            blocking.execute(select(Person.id).where(Person.id == mira).with_for_update())
            worker = start("worker-score")
            wait_for(lambda: count(ScoreRequest, ScoreRequest.attempts == 1), every=0.1)
            worker.kill()  # it has begun, and stands before the person's row
        assert readiness(mira) == []
        start("worker-score")
        with transaction() as session:
            store.request_score(session, twin, "test")
        wait_for(lambda: count(ScoreRequest, ScoreRequest.person == twin) == 0, every=0.1)
        assert count(ScoreRequest) == 1, "the lease still holds"
        pass_the_leases(clock)
        wait_for(lambda: count(ScoreRequest) == 0, every=0.1)
    assert len(readiness(mira)) == 78
    assert readiness(mira) == readiness(twin)
    assert count(Alert, Alert.person == mira) == count(Delivery, Delivery.person == mira) == 1


@pytest.mark.parametrize("case", [("RCPT", 1), ("DATA", 2)])
def test_a_worker_killed_while_sending_repeats_a_mail_only_where_the_relay_had_taken_it(
    world, tmp_path, monkeypatch, case
):
    clock, (step, most) = world, case
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_told(session, "mira@example.org")
        make_told(session, "noor@example.org")
    with open_relay(dawdle={step: 60}) as (relay, url), processes(tmp_path) as start:
        monkeypatch.setenv("VAGUS_SMTP_URL", url)
        start("beat")
        worker = start("worker-notify")
        for _ in range(2):
            assert relay.arrived.acquire(timeout=60)
        worker.kill()
        relay.dawdle.clear()
        assert count(Delivery, Delivery.status == "sent") == 0
        pass_the_leases(clock)
        start("worker-notify")
        wait_for(lambda: count(Delivery, Delivery.status == "sent") == 2, every=0.1)
    assert len(set(relay.ids)) == 2
    assert all(relay.ids.count(each) <= most for each in relay.ids)
    assert count(Alert, Alert.told) == 2


def test_a_row_that_kills_every_worker_is_buried_after_five_and_says_so(database, home, clock):
    from workers import leases, outcomes, score  # noqa: PLC0415

    clock("2026-03-01T09:00")
    with transaction() as session:
        store.request_score(session, make_person(session), "test")
    for number in range(1, 7):
        pass_the_leases(clock)
        with transaction() as session:
            ((key, token),) = leases.claim(session, score.SCORES)
        if number <= 5:
            leases.begin(score.SCORES, key, token)  # and here it dies
        else:
            outcomes.run(score.SCORES, key, token, score.score_person)
    with transaction() as session:
        request = session.scalars(select(ScoreRequest)).one()
    assert request.buried_at is not None
    assert "the worker died" in request.error
