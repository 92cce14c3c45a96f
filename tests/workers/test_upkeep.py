"""Silence is noticed, and what was kept for a time is deleted."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.models import Alert, Connection, DayValue, Person, Raw, Rejected, ScoreRequest, VendorAccount
from ingest.ops import retries
from ingest.ops.act import By, perform
from tests.workers.peers import live_nights, make_person, story
from workers import leases, score, upkeep

TODAY = date(2026, 3, 1)


@pytest.fixture
def mira(database, home, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        person = make_person(session)
        live_nights(session, person, TODAY, story())
        store.request_score(session, person, "test")
    judge(clock, "2026-03-01T09:02")
    return person


def judge(clock, at):
    clock(at)
    with transaction() as session:
        claimed = leases.claim(session, score.SCORES)
    for key, token in claimed:
        leases.begin(score.SCORES, key, token)
        score.score_person(key, token)
    return len(claimed)


def noticed(clock, at):
    clock(at)
    upkeep.notice_silence()
    with transaction() as session:
        return len(session.scalars(select(ScoreRequest)).all())


def test_a_new_day_asks_for_one_score_and_only_one(mira, clock):
    assert noticed(clock, "2026-03-01T23:59") == 0
    assert noticed(clock, "2026-03-02T00:01") == 1
    assert judge(clock, "2026-03-02T00:02") == 1
    assert noticed(clock, "2026-03-02T00:03") == 0


def test_the_day_is_that_of_the_person_by_zone_or_by_the_latest_night(mira, clock):
    with transaction() as session:
        session.execute(update(Person).values(zone="Pacific/Auckland"))
    assert noticed(clock, "2026-03-01T11:01") == 1  # midnight there was at 11:00
    judge(clock, "2026-03-01T11:02")
    with transaction() as session:
        session.execute(update(Person).values(zone=None))
        session.execute(update(DayValue).values(utc_offset_minutes=-480))
    assert noticed(clock, "2026-03-02T07:59") == 0
    judge(clock, "2026-03-02T08:00:30")
    assert noticed(clock, "2026-03-03T08:01") == 1


def test_fourteen_days_without_nights_and_without_an_alert_are_left_in_peace(mira, clock):
    with transaction() as session:
        session.execute(update(Alert).values(state="closed"))
    assert noticed(clock, "2026-03-20T09:00") == 0


def test_an_open_alert_lapses_by_silence_alone(mira, clock):
    day = the_clock.now()
    for _ in range(14):
        day += timedelta(days=1)
        noticed(clock, day)
        judge(clock, day + timedelta(minutes=1))
    with transaction() as session:
        assert session.scalars(select(Alert.state)).all() == ["lapsed"]


def test_a_request_that_waits_or_is_buried_is_not_raised_again_by_the_calendar(mira, clock):
    noticed(clock, "2026-03-02T00:01")
    with transaction() as session:
        session.execute(update(ScoreRequest).values(buried_at=the_clock.now()))
    noticed(clock, "2026-03-02T00:03")
    with transaction() as session:
        request = session.scalars(select(ScoreRequest)).one()
    assert (request.version, request.buried_at is not None) == (1, True)


@pytest.mark.parametrize(("at", "asked"), [("2026-03-01T10:00", 0), ("2026-03-02T10:00", 1)])
def test_a_discarded_score_is_asked_for_again_where_today_is_not_judged_yet_as_its_act_says(mira, clock, at, asked):
    clock(at)
    with transaction() as session:
        store.request_score(session, mira, "test")
        session.execute(update(ScoreRequest).values(buried_at=the_clock.now(), error="KeyError"))
        act = retries.discard(kind="score")
        assert "Who is not judged today yet is asked for again within a minute" in act.plan(session).sentence
        assert perform(session, act, By("dana", "a bug")).count == 1
    assert noticed(clock, at) == asked


def test_raw_answers_past_their_retention_are_deleted(mira, clock):
    now = the_clock.now()
    with transaction() as session:
        account = VendorAccount(person=mira, vendor="test", created_at=now)
        session.add(account)
        session.flush()
        connection = Connection(vendor_account=account.id, kind="file", state_since=now, created_at=now)
        session.add(connection)
        session.flush()
        for number, days in enumerate((-1, 1)):
            session.add(
                Raw(
                    connection=connection.id,
                    stream="x",
                    content=str(number),
                    mapping="1",
                    size=1,
                    body=b"x",
                    at=now,
                    expires_at=now + timedelta(days=days),
                )
            )
        for number, (record, run_days) in enumerate(((None, 401), (None, 399), ("r-1", 401))):
            nameless = {"stream": "x", "fingerprint": str(number), "record": record, "reason": "no", "body": b"x"}
            session.add(Rejected(connection=connection.id, at=now - timedelta(days=run_days), **nameless))
    upkeep.forget_expired()
    with transaction() as session:
        assert session.scalars(select(Raw.content)).all() == ["1"]
        assert session.scalars(select(Rejected.fingerprint).order_by(Rejected.id)).all() == ["1", "2"]
