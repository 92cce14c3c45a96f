"""What is told of training, output and patterns: people whose load and sessions are known, judged as they are."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from scoring import Night, Session, assess
from scoring.words.context import DE, EN

Tell = Callable[..., Any]
DAYS = 130
HARD, EASY = Session(60, 0.9), Session(60, 0.6)
WEEK = (40.0, 0.0, 60.0, 0.0, 50.0, 90.0, 0.0)  # a usual week of training, rest days told as rest


def loads(*last: float, days: int = DAYS) -> list[float]:
    """Usual weeks that differ a little, and then these days."""
    scale = 1 + 0.1 * np.random.default_rng(3).standard_normal(days)
    return [*(WEEK[day % 7] * float(scale[day]) for day in range(days - len(last))), *last]


def told(person: Any, given: list[float] | None = None, **fields: Any) -> str:
    """All that is said of the last night."""
    nights = person.nights()
    for place, load in enumerate(given or ()):
        nights[place] = replace(nights[place], load=load)
    nights = [replace(night, **fields) for night in nights]
    return " ".join(assess(nights)[-1].context)


def trained(person: Any, sessions: dict[int, tuple[Session, ...]]) -> list[Night]:
    return [replace(night, sessions=sessions.get(day, ())) for day, night in enumerate(person.nights())]


# Load


def test_usual_weeks_of_training_are_next_to_nothing_to_tell(story: Tell) -> None:
    given = loads(days=DAYS)
    nights = [replace(night, load=load) for night, load in zip(story(DAYS).nights(), given, strict=True)]
    said = [line for each in assess(nights)[70:] for line in each.context]
    assert sum("hard" in line or "last week" in line for line in said) <= 0.05 * (DAYS - 70)


def test_hard_days_are_counted_of_five_and_one_after_the_other(story: Tell) -> None:
    said = told(story(DAYS), loads(100, 110, 0, 105, 120))
    assert "You had 4 hard days in 5." in said
    assert "one after the other" not in said
    assert "You had 4 hard days in 5. The last 4 came one after the other." in told(
        story(DAYS), loads(0, 100, 110, 105, 120)
    )


def test_hard_days_are_compared_with_the_weeks_before_them_and_stay_hard_for_weeks(story: Tell) -> None:
    block = [110.0 + day % 3 for day in range(17)]
    assert "Your last 17 days were hard, one after the other." in told(story(DAYS), loads(*block))


def test_a_person_who_trains_once_a_week_has_no_hard_day_because_it_was_a_day_of_training(story: Tell) -> None:
    once = [60.0 if day % 7 == 3 else 0.0 for day in range(DAYS)]
    assert "hard days" not in told(story(DAYS), [*once[:-5], 30.0, 35.0, 30.0, 40.0, 35.0])


def test_what_hard_days_say_is_not_said_again_as_a_full_or_an_even_week(story: Tell) -> None:
    said = told(story(DAYS), loads(*[110.0 + day % 3 for day in range(9)]))
    assert "Your last 9 days were hard" in said
    assert not any(again in said for again in ("much alike", "clearly more training", "hard days in 5"))


def test_a_full_week_without_hard_days_is_told(story: Tell) -> None:
    assert "last week held clearly more training" in told(story(DAYS), loads(*[55.0] * 7))
    assert "last week held" not in told(story(DAYS), loads(days=DAYS))


def test_days_alike_are_told_only_where_the_week_was_full_and_weeks_usually_differ(story: Tell) -> None:
    assert "much alike" in told(story(DAYS), loads(*[60.0, 61.0, 59.0] * 3))
    assert "much alike" not in told(story(DAYS), loads(*[20.0, 21.0, 19.0] * 3)), "an easy week may be even"
    strain = [10 + 0.5 * (day % 3) + 0.01 * day for day in range(DAYS)]  # a whole day's strain is alike on all days
    assert "much alike" not in told(story(DAYS), strain)


def test_another_scale_of_load_is_never_compared_with_the_one_before(story: Tell) -> None:
    given = [load / 5 for load in loads(days=DAYS - 10)] + loads(days=10)
    nights = [replace(night, load=load) for night, load in zip(story(DAYS).nights(), given, strict=True)]
    mixed = " ".join(line for each in assess(nights)[-8:] for line in each.context)
    assert "hard days" in mixed or "last week" in mixed, "five times the figures would look like a hard week"
    told_apart = [*nights[:-10], *(replace(night, load_series="strap") for night in nights[-10:])]
    apart = [line for each in assess(told_apart)[-8:] for line in each.context]
    assert not any("hard days" in line or "last week" in line for line in apart)


def test_the_shortest_rest_between_hard_sessions_is_told_in_hours(story: Tell) -> None:
    late, early = replace(HARD, starts_minute=20 * 60), replace(HARD, starts_minute=7 * 60)
    nights = trained(story(DAYS), {DAYS - 3: (late,), DAYS - 2: (early,)})
    assert "Only about 10 hours lay between two hard sessions." in " ".join(assess(nights)[-1].context)
    twice = trained(story(DAYS), {DAYS - 3: (late,), DAYS - 2: (early, replace(early, starts_minute=7 * 60 + 30))})
    assert "Only about 10 hours" in " ".join(assess(twice)[-1].context), "two that overlap are no rest"
    easy = trained(story(DAYS), {DAYS - 3: (late,), DAYS - 2: (replace(EASY, starts_minute=7 * 60),)})
    unknown = trained(story(DAYS), {DAYS - 3: (HARD,), DAYS - 2: (HARD,)})
    long_ago = trained(story(DAYS), {DAYS - 9: (late,), DAYS - 8: (early,)})
    a_day_apart = trained(story(DAYS), {DAYS - 4: (early,), DAYS - 2: (early,)})
    for quiet in (easy, unknown, long_ago, a_day_apart):
        assert "lay between" not in " ".join(assess(quiet)[-1].context)


def test_a_day_between_hard_sessions_is_not_told_beside_hard_days_one_after_the_other(story: Tell) -> None:
    evenings = {day: (replace(HARD, starts_minute=18 * 60),) for day in range(DAYS - 4, DAYS)}
    nights = trained(story(DAYS), evenings)
    assert "Only about 23 hours" in " ".join(assess(nights)[-1].context)
    block = zip(nights, loads(100, 110, 105, 120), strict=True)
    assert "lay between" not in " ".join(assess([replace(night, load=load) for night, load in block])[-1].context)


def test_two_hard_sessions_of_one_day_are_told_by_the_hours_between(story: Tell) -> None:
    day = (replace(HARD, starts_minute=8 * 60), replace(HARD, starts_minute=10 * 60))
    said = " ".join(assess(trained(story(DAYS), {DAYS - 1: day}))[-1].context)
    assert "Only about 1 hour lay between two hard sessions." in said
    at_once = (day[0], replace(HARD, starts_minute=9 * 60 + 10))
    said = " ".join(assess(trained(story(DAYS), {DAYS - 1: at_once}))[-1].context)
    assert "Less than an hour lay between two hard sessions." in said


# Output


def output(story: Tell, last: float, **fields: Any) -> str:
    person = story(DAYS)
    for day in range(0, DAYS - 1, 3):
        person.tell(day, performance=1 + 0.01 * (day % 5 - 2))
    return told(person.tell(DAYS - 1, performance=last, **fields))


def test_output_is_low_only_below_the_own_fifth_and_by_more_than_its_error(story: Tell) -> None:
    assert "Your output at a given effort" in output(story, 0.93)
    assert "Your output" not in output(story, 0.975), "under the own fifth, but within the error"
    assert "Your output" not in output(story, 1.0)


def test_a_low_heart_rate_at_a_pace_is_no_proof_of_fitness_while_training_is_high(story: Tell) -> None:
    person = story(DAYS).tell(0, DAYS, performance=1.0).tell(DAYS - 1, performance=1.08)
    assert "no proof of fitness" in told(person, loads(100, 110, 105, 120, 115))
    assert "fitness" not in told(person, loads(days=DAYS)), "without load it is no news"


def test_more_effort_at_the_same_heart_rate_is_named_as_a_sign(story: Tell) -> None:
    person = story(DAYS)
    for day in range(0, DAYS, 3):
        person.tell(day, effort=5.0, sessions=(EASY,))
    harder = "Training felt harder than your heart rate"
    last = DAYS - DAYS % 3
    assert harder not in told(person.tell(last, effort=5.0))
    assert harder in told(person.tell(DAYS - 1, effort=8.0, sessions=(EASY,)))
    assert harder not in told(person.tell(DAYS - 1, effort=8.0, sessions=(HARD,))), "a hard session feels hard"


def test_heart_rate_recovery_is_told_slow_always_and_quick_only_while_training_is_high(story: Tell) -> None:
    person = story(DAYS).tell(0, DAYS, heart_rate_recovery=30.0)
    assert "fell less than usual" in told(person.tell(DAYS - 1, heart_rate_recovery=22.0))
    assert "recovery" not in told(person.tell(DAYS - 1, heart_rate_recovery=27.0))
    quick = person.tell(DAYS - 1, heart_rate_recovery=41.0)
    assert "fell faster" in told(quick, loads(100, 110, 105, 120, 115))
    assert "fell faster" not in told(quick)


# Patterns


def leaning(story: Tell, hrv: float, resting: float, nights: int) -> Any:
    person = story(DAYS, scatter=0.2)
    person.hrv[-nights:] += hrv
    person.resting[-nights:] += resting
    return person


def test_both_low_for_more_than_ten_nights_of_high_training_is_saturation(story: Tell) -> None:
    block = loads(*[110.0 + day % 3 for day in range(16)])
    assert "both low while training is high" in told(leaning(story, -1.5, -1.5, 10), block)
    said = told(leaning(story, -1.5, -1.5, 16), block)
    assert "HRV and heart rate have both been low for 1" in said
    assert "both low while" not in said, "said once"
    assert "low" not in told(leaning(story, -1.5, -1.5, 16), loads(days=DAYS)), "without training it is no pattern"


def test_relaxed_with_output_down_is_told_apart_from_relaxed(story: Tell) -> None:
    hard = loads(*[100.0, 110.0, 105.0, 120.0] * 2)
    person = leaning(story, 1.5, -1.5, 9).tell(0, DAYS, performance=1.0)
    assert "keep an eye on how sessions feel" in told(person, hard)
    said = told(person.tell(DAYS - 4, performance=0.9).tell(DAYS - 3, DAYS, performance=None), hard)
    assert "output is down" in said
    assert "how sessions feel" not in said
    assert "relaxed" not in told(leaning(story, 1.5, -1.5, 9), loads(days=DAYS))


def test_both_signals_far_up_on_one_night_ask_for_the_sensor(story: Tell) -> None:
    assert "check that the sensor sits well" in told(leaning(story, 3, 3, 1))
    for hrv, resting in ((3, 0), (0, 3), (-3, 3), (3, -3)):
        assert "sensor" not in told(leaning(story, hrv, resting, 1))


def test_hrv_that_varies_more_over_a_week_is_told_and_one_night_with_alcohol_is_no_variation(story: Tell) -> None:
    person = story(DAYS, scatter=0.3)
    person.hrv[-7:] = [1.5, -1.5, 1.4, -1.6, 1.5, -1.4, 1.5]
    assert "varies more" in told(person)
    drunk = story(DAYS, scatter=0.3)
    drunk.hrv[-3] -= 6
    assert "varies more" in told(drunk)
    assert "varies more" not in told(drunk.tell(DAYS - 3, tags=frozenset({"alcohol"})))


@pytest.mark.parametrize(("hrv", "resting"), [(-1.5, -1.5), (1.5, -1.5), (3.0, 3.0)])
def test_no_pattern_of_high_training_alerts_or_moves_the_score(story: Tell, hrv: float, resting: float) -> None:
    person = leaning(story, hrv, resting, 16)
    nights = person.nights()
    block = loads(*[110.0 + day % 3 for day in range(16)])
    more = [
        replace(night, load=load, performance=0.8 if day > DAYS - 5 else 1.0, effort=9.0, sessions=(HARD, HARD))
        for day, (night, load) in enumerate(zip(nights, block, strict=True))
    ]
    bare, said = assess(nights), assess(more)
    assert [each.context for each in bare] != [each.context for each in said]
    assert [(each.score, each.state, each.alert) for each in bare] == [(n.score, n.state, n.alert) for n in said]
    assert all(each.alert is None for each in said)


# Words


def test_what_the_reason_of_a_gate_says_is_not_said_again(story: Tell) -> None:
    person = story(DAYS, scatter=0.3).tell(DAYS - 3, DAYS, oxygen_saturation=92.0, respiratory_rate=15.0)
    last = assess(person.nights())[-1]
    assert any("Oxygen saturation" in gate.reason for gate in last.gates)
    assert "Oxygen" not in " ".join(last.context)
    assert last.explanation.count("Oxygen saturation") == 1


def test_what_is_told_of_a_night_is_still_true_when_the_night_is_past() -> None:
    bound = re.compile("latest|tonight|letzte nacht|heute", re.IGNORECASE)
    assert [sentence for sentence in (*EN.values(), *DE.values()) if bound.search(sentence)] == []


def test_minutes_of_sleep_never_come_to_sixty(story: Tell) -> None:
    said = told(story(DAYS).tell(DAYS - 1, sleep_minutes=299.7))
    assert "You slept 5 h 00 min, usual for you is 7 h 20 min." in said


def test_a_person_who_reads_german_is_told_in_german(story: Tell) -> None:
    person = story(DAYS).tell(DAYS - 1, sleep_minutes=300.0, tags=frozenset({"grip", "compound"}))
    nights = [
        replace(night, load=load) for night, load in zip(person.nights(), loads(100, 110, 0, 105, 120), strict=True)
    ]
    said = assess(nights, language="de")[-1].context
    assert "Von den letzten 5 Tagen waren 4 hart." in said
    assert "Du hast 5 h 00 min geschlafen, üblich sind bei dir 7 h 20 min." in said
    assert "Du hast notiert: unsicherer Griff, Grundübungen schwächer als Isolationsübungen." in " ".join(said)
    assert len(said) == len(assess(nights)[-1].context)


def test_what_is_told_of_a_night_does_not_change_with_the_nights_after_it(story: Tell) -> None:
    person = leaning(story, 1.5, -1.5, 40).tell(0, DAYS, performance=1.0)
    given = zip(person.nights(), loads(*[110.0 + day % 3 for day in range(30)]), strict=True)
    nights = [replace(night, load=load, sessions=(HARD,) if load > 100 else ()) for night, load in given]
    whole = [each.context for each in assess(nights)]
    for end in range(60, DAYS, 7):
        assert [each.context for each in assess(nights[:end])] == whole[:end]
    assert nights[0].day + timedelta(days=DAYS - 1) == nights[-1].day
