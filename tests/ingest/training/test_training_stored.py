"""What is stored of training reaches the nights, and what a vendor thinks of a day does not."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import insert, update

from ingest import clock as the_clock
from ingest import vendor_scores
from ingest.blocks import save_points
from ingest.db import transaction
from ingest.models import CheckIn, DayValue, Episode, Series, VendorAccount
from ingest.nights import nights_of
from ingest.source import GRANT_RANK, Source
from providers import measures
from providers.measures import Definition
from providers.shapes import Points
from scoring import Night, assess
from tests.workers.peers import make_person, night_row, story

TODAY = date(2026, 3, 1)
SIGNALS = ("heart_rate_variability_rmssd", "resting_heart_rate", measures.VENDOR_READINESS.name)
DENSE = Definition(measures.HEART_RATE, "oura_heartrate", "workout")


@pytest.fixture
def mira(database, home, clock) -> tuple[int, int]:
    """A person with seventy nights of a ring, its own score of each beside them; their id and the account's."""
    clock("2026-03-01T09:00")
    with transaction() as session:
        person = make_person(session)
        account = VendorAccount(person=person, vendor="oura", external_id="r", created_at=the_clock.now())
        session.add(account)
        session.flush()
        for place, measure in enumerate(SIGNALS):
            series = series_of(session, person, account.id, measure)
            told = [(*night, 60.0 + back) for back, night in enumerate(reversed(story(62, 8)))]
            days = [TODAY - timedelta(days=back) for back in range(len(told))]
            rows = [night_row(series, day, night[place]) for day, night in zip(days, told, strict=True)]
            session.execute(insert(DayValue), rows)
        return person, account.id


def series_of(session, person: int, account: int, measure: str, context: str = "sleep") -> int:
    series = Series(person=person, vendor_account=account, measure=measure, definition="x", context=context)
    series.created_at = the_clock.now()
    session.add(series)
    session.flush()
    return series.id


def evening(day: date, hour: int = 17) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def work_out(account: int, day: date, hour: int = 17, minutes: int = 40, **detail: object) -> None:
    start = evening(day, hour)
    row = {
        "vendor_account": account,
        "stream": "oura.workout",
        "record": f"{start}",
        "kind": "workout",
        "starts_at": start,
        "ends_at": start + timedelta(minutes=minutes),
        "day": day,
        "utc_offset_minutes": 60,
        "main": True,
        "edited": False,
        "detail": detail,
        "state": "final",
        "source_rank": 1,
        "as_of": start,
        "content": f"{start}",
    }
    with transaction() as session:
        session.execute(insert(Episode), [row])


def beat(person: int, account: int, at: list[int], bpm: list[float]) -> None:
    """Store heart rates at these instants, in seconds since 1970."""
    with transaction() as session:
        series = series_of(session, person, account, "heart_rate", "workout")
        source = Source(person, account, 0, "oura.heartrate", GRANT_RANK, the_clock.now(), "")
        points = Points(DENSE, np.array(at, np.int64), np.array(bpm, np.float32))
        save_points(session, source, [(series, points)], {})


def night(person: int, day: date = TODAY) -> Night:
    with transaction() as session:
        return next(each for each in nights_of(session, person, TODAY) if each.day == day)


YESTERDAY = TODAY - timedelta(days=1)
START = int(evening(YESTERDAY).timestamp())


def test_a_workout_s_own_heart_rate_is_the_load_before_the_next_night(mira):
    _, account = mira
    work_out(account, YESTERDAY, average_heart_rate=140.0, max_heart_rate=170.0, activity="running")
    found = night(mira[0])
    assert (found.load_series, found.load > 40) == ("heart_rate", True)
    assert [(each.minutes, each.starts_minute) for each in found.sessions] == [(40, 18 * 60)]


def test_a_heart_rate_of_which_the_vendor_recorded_less_than_half_stands_for_nothing(mira):
    person, account = mira
    work_out(account, YESTERDAY, average_heart_rate=140.0, max_heart_rate=170.0, recorded_percent=30.0)
    assert (night(person).load, night(person).sessions[0].intensity) == (None, 0)


def test_heart_rates_of_the_account_stand_in_for_what_the_vendor_does_not_say_of_a_workout(mira):
    person, account = mira
    work_out(account, YESTERDAY, intensity="moderate")
    assert night(person).load_series == "class"
    beat(person, account, [START + 5 * step for step in range(480)], [144.0] * 480)
    found = night(person)
    assert (found.load_series, found.heart_rate_recovery) == ("heart_rate", None)
    assert found.sessions[0].intensity == pytest.approx(0.8)


def test_an_average_is_of_minutes_not_of_samples(mira):
    person, account = mira
    work_out(account, YESTERDAY, minutes=20)
    dense = [START + step for step in range(0, 600, 5)]
    sparse = [START + step for step in range(600, 1200, 60)]
    beat(person, account, [*dense, *sparse], [180.0] * len(dense) + [90.0] * len(sparse))
    assert night(person).sessions[0].intensity == pytest.approx(135 / 180)


def test_heart_rates_of_less_than_half_a_workout_are_no_average_of_it(mira):
    person, account = mira
    work_out(account, YESTERDAY)
    beat(person, account, [START + 60 * minute for minute in range(19)], [144.0] * 19)
    assert night(person).load is None


@pytest.mark.parametrize("dense", [True, False])
def test_the_minute_after_a_workout_tells_how_far_heart_rate_fell_unless_one_value_is_all_that_is_known(mira, dense):
    person, account = mira
    work_out(account, YESTERDAY)
    during, end = [START + 5 * step for step in range(480)], START + 2400
    after = [end + 30, end + 50, end + 60, end + 70, end + 200] if dense else [end + 60]
    beat(person, account, [*during, *after], [150.0] * 480 + ([140, 122, 120, 118, 90] if dense else [120]))
    assert night(person).heart_rate_recovery == (pytest.approx(30) if dense else None)


def test_how_hard_yesterday_felt_is_of_the_night_after_it(mira):
    person, account = mira
    work_out(account, YESTERDAY)
    with transaction() as session:
        answers = {"rpe": 7, "feeling": "ok"}
        for day, said in ((TODAY, answers), (YESTERDAY, {"feeling": "great"})):
            session.add(CheckIn(person=person, day=day, answers=said, saved_at=the_clock.now()))
    assert (night(person).effort, night(person, YESTERDAY).effort) == (7, None)
    assert (night(person).load, night(person).load_series) == (7 * 40, "effort")


def test_a_vendor_s_own_score_is_told_by_day_and_changes_nothing_that_is_judged(mira):
    person, _ = mira
    with transaction() as session:
        before, judged = nights_of(session, person, TODAY), vendor_scores.by_day(session, person)
    assert judged["oura"][TODAY] == 60
    assert assess(before)[-1].state == "strained"
    with transaction() as session:
        own = update(DayValue).where(DayValue.series == Series.id, Series.measure == measures.VENDOR_READINESS.name)
        session.execute(own.values(value=1.0))
    with transaction() as session:
        assert set(vendor_scores.by_day(session, person)["oura"].values()) == {1}
        after = nights_of(session, person, TODAY)
    assert after == before
    assert assess(after) == assess(before)
