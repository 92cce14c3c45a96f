"""When people wake is learnt from their sleep, by the clock where they slept."""

from datetime import date, datetime, timedelta

import pytest

from ingest import waking
from ingest.models import Episode, VendorAccount
from tests.workers.peers import live_nights, make_person, story

TODAY = date(2026, 3, 2)  # a Monday
SIX, NINE = 6 * 60, 9 * 60


def mornings(count, minute, weekend=None):
    days = [TODAY - timedelta(days=back) for back in range(count)]
    return [(day, weekend if weekend and day.weekday() >= 5 else minute) for day in days]


@pytest.mark.parametrize(("count", "known"), [(4, None), (5, SIX)])
def test_five_mornings_are_needed(count, known):
    assert waking.usual(mornings(count, SIX)).on(TODAY) == known


def test_weekdays_and_weekends_are_told_apart_where_both_are_known():
    learnt = waking.usual(mornings(14, SIX, NINE))
    assert (learnt.on(TODAY), learnt.on(TODAY - timedelta(days=1))) == (SIX, NINE)


def test_a_weekend_of_two_mornings_goes_by_all_days():
    learnt = waking.usual(mornings(7, SIX, NINE))
    assert learnt.on(TODAY - timedelta(days=1)) == SIX


def test_one_late_morning_does_not_move_it():
    told = mornings(9, SIX)
    assert waking.usual([*told[:8], (told[8][0], 13 * 60)]).on(TODAY) == SIX


def test_a_brief_is_welcome_twenty_minutes_after_waking_where_the_person_slept(session, clock):
    clock("2026-03-02T04:00")
    person = make_person(session, zone="Europe/Berlin")
    wall = datetime.fromisoformat("2026-03-02T05:00+01:00")
    assert waking.brief_at(session, person, wall).time().isoformat() == "08:00:00"
    live_nights(session, person, TODAY, story())  # nights that end at six, by an offset of none
    assert waking.brief_at(session, person, wall).time().isoformat() == "06:20:00"
    account = VendorAccount(person=person, vendor="test", created_at=wall)
    session.add(account)
    session.flush()
    for back in range(6):
        ends = wall.replace(hour=7, minute=10) - timedelta(days=back)
        row = {"starts_at": ends - timedelta(hours=8), "ends_at": ends, "day": ends.date(), "utc_offset_minutes": 60}
        row |= {"vendor_account": account.id, "stream": "sleep", "record": str(back), "kind": "sleep", "main": True}
        row |= {"edited": False, "detail": {}, "state": "final", "source_rank": 1, "as_of": ends, "content": ""}
        session.add(Episode(**row))
    session.flush()
    assert waking.brief_at(session, person, wall).time().isoformat() == "07:30:00"
