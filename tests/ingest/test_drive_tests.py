"""One-minute tests: what counts as a result, what is refused, and how one stands beside a person's own."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ingest import drive_tests, people
from ingest.drive_tests import Implausible, Result
from ingest.models import DriveTest, ScoreRequest, Tag

TODAY = date(2026, 11, 22)
EVEN = [1000 / 6 * k for k in range(1, 181)]  # six taps a second for half a minute


@pytest.fixture
def mira(session, clock) -> int:
    clock("2026-11-22T06:00")
    person = people.ensure(session, "mira@example.org")
    person.zone = "UTC"
    session.flush()
    return person.id


def compared(session, clock, person, values, *, kind="reaction", every=3):
    """Tests with these values, the last one today."""
    for back, value in zip(reversed(range(len(values))), values, strict=True):
        clock(f"{TODAY - timedelta(days=every * back)}T06:00")
        drive_tests.save(session, person, kind, Result(value, 10, 9))
    return drive_tests.beside(drive_tests.history(session, person, kind, TODAY))


def test_a_reaction_is_the_median_of_the_trials_that_can_be_true():
    result = drive_tests.reaction([240, 260, 250, 700, 270, 40, 9999])
    assert (result.value, result.trials) == (260, 5)
    assert result.spread == pytest.approx(1.4826 * 10)
    assert drive_tests.lapses([240, 499.9, 500, 1500]) == 2
    assert drive_tests.guesses([99, 100, 240]) == 1


@pytest.mark.parametrize("times", [[], [250] * 4, [99] * 9, [1501] * 9, [250] * 61])
def test_too_few_trials_or_too_many_are_no_result(times):
    with pytest.raises(Implausible, match="nothing was kept"):
        drive_tests.reaction(times)


def test_a_tapping_rate_is_taps_a_second_and_its_scatter_over_the_half_minute():
    steady = drive_tests.tapping(EVEN)
    assert (steady.value, steady.trials) == (6, 180)
    assert steady.spread == pytest.approx(0, abs=0.1)
    tiring = drive_tests.tapping([each for each in EVEN if each <= 15_000 or int(each) % 2])
    assert tiring.spread > 1


@pytest.mark.parametrize(
    "taps",
    [
        [],
        EVEN[:29],  # less than one a second
        [30_000 / 451 * k for k in range(1, 452)],  # more than fifteen
        [*EVEN, 30_001],  # after the end
        [-1, *EVEN],
        [*EVEN[:90], *EVEN[:90]],
    ],
    ids=["none", "too slow", "too fast", "too long", "before", "backwards"],
)
def test_taps_that_no_finger_makes_are_refused(taps):
    with pytest.raises(Implausible):
        drive_tests.tapping(taps)


def test_from_the_fifth_test_on_there_is_a_range_of_ones_own(session, mira, clock):
    fourth = compared(session, clock, mira, [250, 260, 255, 400])
    assert (fourth.count, fourth.side) == (4, "")
    assert drive_tests.said(session, mira, TODAY) == []
    drive_tests.save(session, mira, "reaction", Result(300, 10, 9))
    fifth = drive_tests.beside(drive_tests.history(session, mira, "reaction", TODAY))
    assert fifth.count == 5
    assert fifth.low < 257.5 < fifth.high
    assert fifth.side == "above"
    assert drive_tests.said(session, mira, TODAY) == ["Reaction time today: 300 ms, slower than your usual."]


def test_tests_older_than_eight_weeks_and_of_the_other_kind_are_not_compared_with(session, mira, clock):
    compared(session, clock, mira, [5, 5, 5, 5, 5], kind="tapping")
    far = compared(session, clock, mira, [200, 200, 200, 200, 300], every=15)
    assert (far.count, far.side) == (4, "")


def test_slower_means_more_milliseconds_and_fewer_taps(session, mira, clock):
    assert compared(session, clock, mira, [6, 6.2, 6.1, 6, 5], kind="tapping").side == "below"
    assert drive_tests.said(session, mira, TODAY) == [
        "Finger tapping today: 5.0 taps a second, slower than your usual."
    ]


def test_a_few_equal_tests_do_not_make_every_later_one_unusual(session, mira, clock):
    assert compared(session, clock, mira, [250, 250, 250, 250, 255]).side == "within"


def test_a_test_writes_no_tag_and_asks_for_no_score(session, mira, clock):
    compared(session, clock, mira, [250, 250, 250, 250, 400])
    assert session.scalars(select(Tag)).all() == session.scalars(select(ScoreRequest)).all() == []


def test_twenty_tests_a_day_are_plenty_and_one_can_be_forgotten(session, mira, clock):
    kept = [drive_tests.save(session, mira, "reaction", Result(250, 9, 9)) for _ in range(20)]
    with pytest.raises(drive_tests.Enough):
        drive_tests.save(session, mira, "reaction", Result(250, 9, 9))
    drive_tests.remove(session, mira + 1, kept[0].id)
    drive_tests.remove(session, mira, kept[1].id)
    drive_tests.remove(session, mira, 10**9)
    session.flush()
    assert len(session.scalars(select(DriveTest)).all()) == 19
