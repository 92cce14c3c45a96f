"""What stands beside nights in a picture: whose value was left out, which notes hold, which day a load belongs to."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from ingest import events, people, store
from ingest.models import DayValue, Series, Tag, VendorAccount
from ingest.nights import nights_of
from scoring import Night, assess

LAST = date(2026, 3, 1)
EARLIEST = date(2025, 1, 1)
HRV, RESTING, ASLEEP = "heart_rate_variability_rmssd", "resting_heart_rate", "total_sleep_time"
USUAL = {HRV: 60.0, RESTING: 51.0, ASLEEP: 430.0}


@pytest.fixture
def person(session: Session, clock) -> int:
    clock("2026-03-01T09:00")
    return people.ensure(session, "ada@example.org").id


def wear(
    session: Session, person: int, vendor: str, nights: dict[int, dict[str, float | None]], count: int = 40
) -> None:
    """Store `count` nights of a device, but for those named by how long ago they were."""
    account = VendorAccount(person=person, vendor=vendor, external_id=f"{vendor}-1", created_at=store.clock.now())
    session.add(account)
    session.flush()
    for measure in USUAL:
        series = Series(person=person, vendor_account=account.id, measure=measure, definition="x", context="sleep")
        series.created_at = store.clock.now()
        session.add(series)
        session.flush()
        for back in range(count):
            given = nights.get(back, USUAL)
            if measure in given:
                session.add(row(series.id, LAST - timedelta(days=back), given[measure]))
    session.flush()


def row(series: int, day: date, value: float | None) -> DayValue:
    at = datetime.combine(day, time(0), UTC)
    state = "final" if value is not None else "unscorable"
    version = {"state": state, "source_rank": 2, "as_of": at, "content": "x"}
    span = {"starts_at": at, "ends_at": at + timedelta(hours=7)}
    return DayValue(series=series, record=f"n{day}", value=value, day=day, utc_offset_minutes=0, **span, **version)


def aside(session: Session, person: int) -> dict[int, tuple[str, str]]:
    """What was left out, by how long ago and by its signal."""
    judged = assess(nights_of(session, person, LAST))
    found = events.beside(session, person, judged, EARLIEST).aside
    return {((LAST - day).days, signal): reason for (day, signal), reason in found.items()}


def test_a_value_that_came_and_did_not_count_is_told_from_one_that_never_came(session: Session, person: int):
    odd = {3: USUAL | {HRV: None}, 5: USUAL | {ASLEEP: 100.0}, 7: {RESTING: 51.0, ASLEEP: 430.0}, 9: {}}
    wear(session, person, "oura", odd)
    found = aside(session, person)
    assert found == {
        (3, "hrv"): events.UNSCORABLE,
        (5, "hrv"): events.LEFT_OUT,
        (5, "resting_heart_rate"): events.LEFT_OUT,
    }


def test_what_a_device_tells_that_does_not_lead_was_not_left_out(session: Session, person: int):
    wear(session, person, "oura", {4: {}})
    wear(session, person, "whoop", {}, count=10)
    assert aside(session, person) == {}


def test_a_tag_holds_as_the_person_says(session: Session, person: int):
    wear(session, person, "oura", {})
    said = {"person": person, "source": "whoop journal 1", "as_of": store.clock.now(), "content": "", "present": True}
    session.add_all([Tag(day=LAST, name="alcohol", **said), Tag(day=LAST, name="travel", **said)])
    session.flush()
    store.tag_days(session, person, [LAST], "alcohol", present=False)
    assert events.beside(session, person, [], LAST).tags == {LAST: {"travel"}}


def test_load_stands_on_the_day_of_training_with_its_scale(session: Session, person: int):
    nights = [Night(EARLIEST, load=-1.0), Night(LAST - timedelta(days=3)), Night(LAST, load=12.0, load_series="strain")]
    found = events.beside(session, person, assess(nights), EARLIEST)
    day = LAST - timedelta(days=1)
    assert (found.load, found.scale) == ({day: 12.0}, {day: "strain"})
