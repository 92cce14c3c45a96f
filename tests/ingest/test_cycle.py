"""Phases come from noted first days alone, each decided by what was known that day."""

from datetime import date, timedelta
from itertools import permutations
from random import Random

import pytest

from ingest.cycle import first_days, phases, usual_length
from ingest.nights import assemble
from scoring import Night, assess
from tests.ingest.test_nights import MONDAY, row

FIRST = date(2026, 1, 5)


def days(count: int, first: date = FIRST) -> list[date]:
    return [first + timedelta(days=each) for each in range(count)]


def after(*lengths: int) -> list[date]:
    """First days of periods: the first one, and one after each of these cycles."""
    began = [FIRST]
    for length in lengths:
        began.append(began[-1] + timedelta(days=length))
    return began


def runs(noted: list[date], count: int = 200) -> list[str]:
    """What each day is: `f`, `l`, or `-` where nothing is said."""
    found = phases(noted, days(count))
    return [found.get(day, "-")[0] for day in days(count)]


def test_the_luteal_phase_begins_thirteen_days_before_the_usual_length_is_over():
    assert "".join(runs([FIRST], 45)) == 14 * "f" + 28 * "l" + 3 * "-"


def test_nothing_is_said_before_the_first_note_nor_without_one():
    assert phases([FIRST], days(30, FIRST - timedelta(days=30))) == {}
    assert phases([], days(30)) == {}


def test_two_cycles_of_ones_own_make_the_usual_length():
    assert [usual_length(after(*lengths)) for lengths in ((), (32,), (32, 34), (32, 34, 24))] == [28, 28, 33, 32]
    begun_third = phases(after(32, 34), days(33, after(32, 34)[-1]))
    assert list(begun_third.values()).count("follicular") == 19


@pytest.mark.parametrize("length", [19, 46, 120])
def test_a_gap_that_no_cycle_explains_counts_as_none(length: int):
    assert usual_length(after(30, length, 32)) == 31


def test_a_period_noted_on_several_of_its_days_began_once():
    assert first_days([*days(5), *days(5, after(28)[1])]) == after(28)
    assert runs([*days(5), *days(3, after(28)[1])]) == runs(after(28))


def test_notes_come_in_any_order_and_more_than_once():
    told = runs(after(27, 33, 29))
    assert all(runs([*order, order[0]]) == told for order in permutations(after(27, 33, 29)))


@pytest.mark.parametrize("seed", range(20))
def test_no_day_is_decided_by_a_later_note(seed: int):
    chance = Random(seed)
    noted = [FIRST + timedelta(days=chance.randrange(200)) for _ in range(chance.randrange(1, 12))]
    whole = phases(noted, days(220))
    for day in days(220):
        known = phases([each for each in noted if each <= day], [day])
        assert known.get(day) == whole.get(day), day


def test_each_night_carries_its_phase_and_none_where_no_notes_are_used():
    given = [row("hrv_ms", 62, day) for day in days(20, MONDAY)]
    last = given[-1].day
    used = assemble(given, {}, last, periods=[MONDAY + timedelta(days=2)]).nights
    assert [night.cycle_phase for night in used] == 2 * [None] + 14 * ["follicular"] + 4 * ["luteal"]
    assert {night.cycle_phase for night in assemble(given, {}, last).nights} == {None}


def swinging(seed: int, length: int = 27, count: int = 15 * 27) -> list[Night]:
    """Somebody without any strain, whose luteal nights lean as far as the strongest swings that are published."""
    chance = Random(seed)
    luteal = [each % length >= length - 14 for each in range(count)]
    return [
        Night(
            day, hrv_ms=60 * 2.718 ** (chance.gauss(0, 0.1) - 0.11 * late), resting_heart_rate=rate, sleep_minutes=430
        )
        for day, late in zip(days(count), luteal, strict=True)
        for rate in [52 + chance.gauss(0, 1.5) + 3.5 * late]
    ]


def test_a_luteal_swing_alerts_less_often_where_the_first_days_were_noted():
    noted = [FIRST + timedelta(days=27 * each) for each in range(15)]
    counts = {"with": 0, "without": 0}
    for seed in range(6):
        bare = swinging(seed)
        phase = phases(noted, [night.day for night in bare])
        told = [Night(**{**_fields(night), "cycle_phase": phase.get(night.day)}) for night in bare]
        counts["without"] += sum(each.alert == "start" for each in assess(bare))
        counts["with"] += sum(each.alert == "start" for each in assess(told))
    assert counts["without"] >= 6
    assert counts["with"] <= counts["without"] / 2, counts


def _fields(night: Night) -> dict[str, object]:
    return {name: getattr(night, name) for name in ("day", "hrv_ms", "resting_heart_rate", "sleep_minutes")}
