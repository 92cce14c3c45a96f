"""Each other cause has its own test person: it is named, it starts no alert, and what is truly strain still does."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from scoring import Assessment, Policy, assess
from scoring.evaluation.sweep import weighing_of

FIRST = date(2024, 1, 1)
WIDE = Policy(threshold=0.9)
Tell = Callable[..., Any]


def days(assessed: Iterable[Assessment], alert: str = "start") -> list[int]:
    return [(each.day - FIRST).days for each in assessed if each.alert == alert]


def open_gates(assessed: Iterable[Assessment], name: str) -> list[int]:
    return [(each.day - FIRST).days for each in assessed for gate in each.gates if gate.active and gate.name == name]


def bare(person: Any, nights: int = 150) -> Any:
    """A device without breathing and temperature, which counts steps."""
    return person.tell(0, nights, respiratory_rate=None, skin_temperature=None, steps=8000.0)


def test_two_still_days_with_a_raised_heart_rate_stand_in_for_missing_sensors(story: Tell) -> None:
    assert days(assess(bare(story(150, scatter=0.3).strain(100, 110, 2)).nights()))
    assessed = assess(bare(story(150, scatter=0.3).strain(100, 110, 2)).tell(101, 108, steps=2500.0).nights())
    assert days(assessed) == []
    assert "moved much less than usual" in assessed[104].explanation
    assert assessed[104].state == "possible_illness"


def test_a_day_between_two_still_ones_changes_nothing_and_one_alone_is_rest(story: Tell) -> None:
    strained = bare(story(150, scatter=0.3).strain(100, 110, 2)).tell(101, steps=2500.0)
    assert open_gates(assess(strained.nights()), "illness") == []
    assert open_gates(assess(strained.tell(103, steps=2500.0).nights()), "illness") == list(range(103, 108))


def test_who_moves_much_on_one_day_and_little_on_the_next_is_rarely_still(story: Tell) -> None:
    person = bare(story(150, scatter=0.3).strain(100, 110, 2)).tell(101, 108, steps=4000.0)
    assert open_gates(assess(person.nights()), "illness") != []
    for day in range(0, 100, 3):
        person.tell(day, steps=3000.0)
    assert open_gates(assess(person.nights()), "illness") == []


def test_still_days_alone_are_rest(story: Tell) -> None:
    assessed = assess(bare(story(150, scatter=0.3)).tell(101, 108, steps=2500.0).nights())
    assert open_gates(assessed, "illness") == []


def test_where_breathing_is_known_it_decides_and_steps_do_not(story: Tell) -> None:
    person = story(150, scatter=0.3).strain(100, 112, 2).tell(0, 150, steps=8000.0).tell(101, 110, steps=2500.0)
    assert days(assess(person.nights()))


def test_thin_air_explains_a_stay_at_altitude(story: Tell) -> None:
    assert days(assess(story(150, scatter=0.3).strain(100, 108, 1.6).nights()))
    assessed = assess(story(150, scatter=0.3).strain(100, 108, 1.6).tell(100, 108, oxygen_saturation=92.5).nights())
    assert days(assessed) == []
    assert open_gates(assessed, "altitude") == list(range(101, 111))
    assert "Oxygen saturation was 4 points under your usual" in assessed[105].explanation


def test_one_low_reading_of_oxygen_is_a_loose_sensor(story: Tell) -> None:
    person = story(150, scatter=0.3).tell(100, oxygen_saturation=93.9)
    assert open_gates(assess(person.nights()), "altitude") == []


def test_who_sleeps_and_breathes_unevenly_has_to_be_further_from_usual(story: Tell) -> None:
    uneven = story(150, scatter=0.3)
    for day in range(150):
        uneven.tell(day, oxygen_saturation=(98.0, 94.0, 96.0)[day % 3], sleep_minutes=(540.0, 300.0, 440.0)[day % 3])
    uneven.tell(100, 103, oxygen_saturation=94.0, sleep_minutes=320.0)
    assessed = assess(uneven.nights())
    assert open_gates(assessed, "altitude") == []
    assert open_gates(assessed, "short_sleep") == []


def test_strain_after_a_stay_at_altitude_needs_nights_of_its_own(story: Tell) -> None:
    person = story(160, scatter=0.0).strain(100, 130, 1.6).tell(100, 108, oxygen_saturation=92.5)
    (start,) = days(assess(person.nights()))
    assert start >= 111 + 3


def test_strain_itself_must_pass_the_threshold_too(story: Tell) -> None:
    """Quiet nights that were excused still count in what a person sees as strain."""
    person = story(160, scatter=0.0).tell(100, 106, oxygen_saturation=92.5).strain(109, 130, 0.4)
    (start,) = days(assess(person.nights(), WIDE))
    assert start > 113
    assert all(each.strain > WIDE.threshold for each in assess(person.nights(), WIDE) if each.alert == "start")


def test_a_run_of_short_nights_is_named_and_starts_nothing(story: Tell) -> None:
    assert days(assess(story(150, scatter=0.0).strain(100, 108, 0.7).nights()))
    assessed = assess(story(150, scatter=0.0).strain(100, 108, 0.7).tell(100, 108, sleep_minutes=320.0).nights())
    assert days(assessed) == []
    assert open_gates(assessed, "short_sleep") == list(range(102, 110))
    assert "On 5 of the last 5 nights you slept an hour or more under your usual." in assessed[106].explanation


def test_deep_strain_is_told_once_the_short_nights_are_over(story: Tell) -> None:
    person = story(150, scatter=0.0).strain(100, 125, 2).tell(100, 106, sleep_minutes=320.0)
    (start,) = days(assess(person.nights()))
    assert 108 <= start <= 112


def test_a_few_short_nights_weigh_less_without_being_a_gate(story: Tell) -> None:
    nights = story(150, scatter=0.0).strain(100, 120, 0.4)
    assert days(assess(nights.nights(), WIDE))
    for day in range(100, 120, 3):
        nights.tell(day, sleep_minutes=300.0)
    assessed = assess(nights.nights(), WIDE)
    assert open_gates(assessed, "short_sleep") == []
    assert days(assessed) == []


def test_what_travel_adds_is_taken_off_when_its_week_is_over(story: Tell) -> None:
    def person() -> Any:
        return story(150, scatter=0.0).strain(100, 106, 0.5).strain(106, 109, 0.25)

    level = Policy(threshold=1.0)
    assert days(assess(person().nights(), level))
    assert days(assess(person().tell(100, 150, utc_offset_minutes=-240).nights(), level)) == []


@pytest.mark.parametrize("tag", ["hot_night", "late_meal", "vaccination"])
def test_nights_whose_cause_was_noted_say_nothing_of_strain(story: Tell, tag: str) -> None:
    assert days(assess(story(150, scatter=0.3).strain(100, 107, 1.6).nights()))
    noted = story(150, scatter=0.3).strain(100, 107, 1.6).tell(100, 107, tags=frozenset({tag}))
    assert days(assess(noted.nights())) == []


def test_a_vaccination_explains_three_nights_and_a_late_meal_its_own(story: Tell) -> None:
    def excused(tag: str) -> list[int]:
        told = story(150, scatter=0.3).tell(100, 101, tags=frozenset({tag})).nights()
        return np.flatnonzero(weighing_of(told).causes.excused).tolist()

    assert excused("vaccination") == [100, 101, 102]
    assert excused("late_meal") == [100]


def test_two_still_days_before_noted_drinks_are_no_illness(story: Tell) -> None:
    def ill(*tags: str) -> list[int]:
        still = bare(story(150, scatter=0.3).strain(100, 101, 3.0)).tell(99, 101, steps=2500.0)
        return open_gates(assess(still.tell(100, 101, tags=frozenset(tags)).nights()), "illness")

    assert ill() == [100, 101, 102, 103, 104]
    assert ill("alcohol") == []


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9, 1.5, 2.0])
def test_any_threshold_works_even_below_the_watch_level(story: Tell, threshold: float) -> None:
    assessed = assess(story(180, scatter=0.4).strain(100, 118, 2.5).nights(), Policy(threshold=threshold))
    assert len([day for day in days(assessed) if 100 <= day < 118]) == (1 if threshold < 2 else len(days(assessed)))
    assert assessed[-1].state != "strained"


def test_a_higher_threshold_never_starts_earlier(story: Tell) -> None:
    nights = story(180, scatter=0.4).strain(100, 118, 1.8).nights()
    first = [days(assess(nights, Policy(threshold=level)))[:1] for level in (0.3, 0.5, 0.7, 0.9, 1.2)]
    assert first == sorted(first)


def test_every_reason_is_there_in_both_languages(story: Tell) -> None:
    person = story(150, scatter=0.3).strain(100, 108, 1.6).tell(100, 108, oxygen_saturation=92.5)
    english, german = assess(person.nights())[105], assess(person.nights(), language="de")[105]
    reasons = [[gate.reason for gate in each.gates if gate.active] for each in (english, german)]
    assert reasons[0] != reasons[1]
    assert "Sauerstoffsättigung lag 4 Punkte" in reasons[1][0]
    assert english.day == FIRST + timedelta(days=105)
