"""The evaluation itself: synthetic people are what they claim to be, and counting is fair."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from scoring import SENSITIVITY, Policy, assess
from scoring.evaluation import WITHHELD, WORLDS, Tally, evaluate, own_history, person, point
from scoring.evaluation.ablation import withheld
from scoring.evaluation.grading import grade
from scoring.evaluation.lives import Spell
from scoring.evaluation.sweep import starts, weighing_of

PLAIN = WORLDS["plain"]
LEVELS = (0.5, 0.7, 1.0)


@pytest.fixture(scope="module")
def crowd() -> Any:
    """People of the plain world that no number was chosen on."""
    return evaluate(PLAIN, range(7_000_000, 7_000_024), (0.4, 0.6, 0.8, 1.0, 1.3), without=("every other cause",))


def test_the_same_seed_gives_the_same_person_and_another_seed_another() -> None:
    assert person(PLAIN, 5) == person(PLAIN, 5)
    assert person(PLAIN, 5).nights != person(PLAIN, 6).nights


def test_synthetic_signals_move_together_as_measured_ones_do() -> None:
    drawn = [person(PLAIN, seed).nights for seed in range(8)]
    together = []
    for nights in drawn:
        known = [(np.log(n.hrv_ms), n.resting_heart_rate) for n in nights if n.hrv_ms and n.resting_heart_rate]
        together.append(np.corrcoef(np.array(known).T)[0, 1])
    assert -0.9 < float(np.median(together)) < -0.65


def test_every_kind_of_cause_happens_to_somebody() -> None:
    kinds = Counter(spell.kind for seed in range(24) for spell in person(WORLDS["rough"], seed, 300).spells)
    assert {"fatigue", "illness", "travel", "altitude", "heat", "alcohol", "short_sleep", "vaccination"} <= set(kinds)
    assert {"device", "firmware", "medication"} & set(kinds)


def test_a_sweep_finds_the_very_starts_that_assess_finds() -> None:
    nights = person(WORLDS["rough"], 11).nights
    found = starts(weighing_of(nights), LEVELS)
    for level in LEVELS:
        told = [each.day for each in assess(nights, Policy(threshold=level)) if each.alert == "start"]
        assert list(found[level]) == told


def test_an_alert_that_runs_when_fatigue_begins_has_not_caught_it() -> None:
    drawn = replace(person(PLAIN, 1), spells=(Spell("fatigue", 100, 115),))
    assert grade(drawn, [99]) == replace(grade(drawn, []), false=Counter({"nothing": 1}))
    caught = grade(drawn, [104])
    assert (caught.caught, caught.delays, caught.false.total()) == (1, (4,), 0)


def test_a_start_just_after_fatigue_is_neither_caught_nor_false() -> None:
    drawn = replace(person(PLAIN, 1), spells=(Spell("fatigue", 100, 115),))
    assert (grade(drawn, [118]).caught, grade(drawn, [118]).false.total()) == (0, 0)
    assert grade(drawn, [121]).false.total() == 1


def test_an_illness_with_an_alert_is_called_fatigue_and_is_false() -> None:
    drawn = replace(person(PLAIN, 1), spells=(Spell("illness", 200, 207),))
    told = grade(drawn, [204])
    assert (told.illness, told.mistaken, told.false) == (1, 1, Counter({"illness": 1}))


def test_operating_points_lie_between_the_thresholds_tried() -> None:
    two = Tally(years=10, fatigue=10, caught=8, false=Counter({"nothing": 30}), delays=(6,))
    one = Tally(years=10, fatigue=10, caught=6, false=Counter({"nothing": 10}), delays=(8,))
    found = point({0.5: two, 1.0: one}, 2.0)
    assert (found.threshold, found.delay) == (0.75, 7.0)
    assert found.sensitivity == pytest.approx(0.7)


def test_unseen_people_are_warned_about_as_often_as_the_documents_say(crowd: Any) -> None:
    """A wide margin around the figures of docs/scoring.md: 24 people are few."""
    one, two = point(crowd[""], 1.0), point(crowd[""], 2.0)
    assert one.sensitivity > 0.52
    assert two.sensitivity > 0.64
    assert two.called_fatigue < 0.2
    assert two.delay <= 8


def test_knowing_of_other_causes_is_worth_having(crowd: Any) -> None:
    known, unknown = point(crowd[""], 1.0), point(crowd["every other cause"], 1.0)
    assert known.sensitivity > unknown.sensitivity + 0.03
    assert known.called_fatigue < unknown.called_fatigue / 2


def test_withholding_takes_away_what_it_names_and_nothing_else() -> None:
    nights = person(PLAIN, 3).nights
    for what in WITHHELD:
        left = withheld(nights, what)
        assert [(n.hrv_ms, n.resting_heart_rate, n.load) for n in left] == [
            (n.hrv_ms, n.resting_heart_rate, n.load) for n in nights
        ]
    assert not any("alcohol" in night.tags for night in withheld(nights, "notes of drinks"))


def test_a_flagged_change_of_device_alerts_few_within_four_weeks() -> None:
    alerted = 0
    for seed in range(20):
        nights = person(replace(PLAIN, episodes=0, causes=0), 8_000_000 + seed, 330).nights
        change = nights[0].day + timedelta(days=250)
        moved = [
            replace(n, hrv_ms=n.hrv_ms * 0.82, resting_heart_rate=n.resting_heart_rate + 1.5, hrv_series="b",
                    resting_series="b")
            if n.day >= change and n.hrv_ms and n.resting_heart_rate else n
            for n in nights
        ]  # fmt: skip
        days = starts(weighing_of(moved), (0.7,))[0.7]
        alerted += any(change <= day < change + timedelta(days=28) for day in days)
    assert alerted <= 2


def test_own_history_says_for_each_setting_what_it_would_have_done() -> None:
    nights = person(PLAIN, 21, 400).nights
    calm, balanced, early = own_history(nights)
    assert [each.setting for each in (calm, balanced, early)] == list(SENSITIVITY)
    assert 0 < calm.warned <= early.warned <= early.spells == calm.spells
    assert calm.alerts_a_year <= balanced.alerts_a_year <= early.alerts_a_year
    assert own_history(nights) == (calm, balanced, early)


def test_own_history_promises_nothing_from_a_few_weeks() -> None:
    assert own_history(person(PLAIN, 21, 300).nights[:50]) == ()
    assert own_history(()) == ()
