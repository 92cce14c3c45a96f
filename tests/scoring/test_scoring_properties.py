"""What holds for any history, not only for the stories."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import Night, Policy, Session, assess, shown_points

START = 75.80363477769269
Tell = Callable[..., Any]
EVERYTHING = st.one_of(st.none(), st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 0.0, 1e300]), st.floats())
TAGS = ["alcohol", "ill", "travel", "new_device", "reset_baseline", "soreness", "grip", "unheard_of"]


def near(usual: float, spread: float) -> st.SearchStrategy[float | None]:
    return st.one_of(st.none(), st.floats(usual - spread, usual + spread))


@st.composite
def histories(draw: st.DrawFn, longest: int = 90) -> list[Night]:
    """Histories with gaps, tags, changes of series and of clock, and long spells of strain."""
    rng = random.Random(draw(st.integers(0, 10_000)))
    length = draw(st.integers(1, longest))
    day, nights, depth, series = date(2024, 1, 1), [], 0.0, "a"
    for _ in range(length):
        day += timedelta(days=rng.choice([1] * 18 + [2, 15]))
        depth = rng.choice([depth] * 12 + [0.0, 1.5, -1.5])
        series = rng.choice([series] * 60 + ["a", "b"])
        noise = rng.gauss(0, 0.6)
        night = Night(
            day,
            hrv_ms=rng.choice([60 * math.exp(0.17 * (noise - depth))] * 9 + [None]),
            resting_heart_rate=rng.choice([52 + 3.4 * (depth - noise)] * 9 + [None]),
            respiratory_rate=14 + rng.gauss(0, 0.4) + rng.choice([0] * 30 + [3]),
            utc_offset_minutes=rng.choice([60] * 30 + [300]),
            tags=frozenset(rng.sample(TAGS, 1) if rng.random() < 0.06 else ()),
            hrv_series=series,
        )
        nights.append(night)
    return nights


@given(histories(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_night_is_judged_by_itself_and_those_before_it(nights: list[Night], data: st.DataObject) -> None:
    end = data.draw(st.integers(1, len(nights)))
    assert assess(nights)[:end] == assess(nights[:end])


@given(histories(), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_an_empty_night_says_the_same_as_no_night(nights: list[Night], before: int) -> None:
    given_days = {night.day: night for night in nights}
    first, last = nights[0].day - timedelta(days=before), nights[-1].day
    every = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    filled = assess([given_days.get(day, Night(day)) for day in every])
    assert [each for each in filled if each.day in given_days] == assess(nights)


@given(histories())
@settings(max_examples=40, deadline=None)
def test_drivers_add_up_to_the_score_exact_and_shown(nights: list[Night]) -> None:
    for each in assess(nights):
        shown = shown_points(each)
        if each.score is None:
            assert shown is None
            assert each.drivers == ()
            continue
        assert shown is not None
        start, points, end = shown
        assert sum(driver.points for driver in each.drivers) == pytest.approx(each.score - START, abs=1e-6)
        assert (start, start + sum(points), end) == (76, end, round(each.score))
        assert all(abs(a - b.points) < 2 for a, b in zip(points, each.drivers, strict=True))


@given(histories())
@settings(max_examples=40, deadline=None)
def test_alerts_tell_one_story(nights: list[Night]) -> None:
    """A start opens a run of strain, every later night continues it, and one clear or ending closes it."""
    running = False
    known = {night.day: night for night in nights}
    span = (nights[-1].day - nights[0].day).days + 1
    every = [nights[0].day + timedelta(days=k) for k in range(span)]
    for each in assess([known.get(day, Night(day)) for day in every]):
        if each.alert == "start":
            assert not running
            assert each.state == "strained"
            assert not any(gate.active for gate in each.gates)
            running = True
        elif each.alert == "continue":
            assert running
        elif running:
            assert each.alert == "clear" or each.ended_by
            running = False
        assert (each.alert in ("start", "continue")) == (each.state == "strained")


@given(st.lists(st.tuples(EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_nothing_a_device_sends_breaks_it(rows: list[tuple[float | None, ...]]) -> None:
    nights = []
    for day, (one, two, three, four, five) in enumerate(rows):
        night = Night(
            date(2024, 1, 1) + timedelta(days=day),
            hrv_ms=one,
            resting_heart_rate=two,
            respiratory_rate=three,
            skin_temperature=four,
            oxygen_saturation=five,
            sleep_minutes=two,
            steps=one,
            load=three,
            performance=four,
            sessions=(Session(math.nan, math.nan), Session(math.inf, -1)),
        )
        nights.append(night)
    for each in assess(nights):
        assert each.score is None or 0 <= each.score <= 100
        assert 0 <= each.confidence <= 1


@given(st.floats(0.2, 3.5), st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_another_scale_of_hrv_gives_the_same_score(story: Tell, factor: float, seed: int) -> None:
    nights = story(100, seed=seed, scatter=0.6).strain(80, 95).nights()
    scaled = [replace(night, hrv_ms=(night.hrv_ms or 0) * factor) for night in nights]
    for one, other in zip(assess(nights), assess(scaled), strict=True):
        assert one.state == other.state
        assert one.score == pytest.approx(other.score)


@given(st.integers(0, 200), st.floats(0.1, 40), st.sampled_from(["hrv_ms", "resting_heart_rate"]))
@settings(max_examples=60, deadline=None)
def test_lower_hrv_or_a_higher_heart_rate_never_raises_the_score(
    story: Tell, seed: int, step: float, signal: str
) -> None:
    nights = story(90, seed=seed).nights()
    worse = -step if signal == "hrv_ms" else step
    value = getattr(nights[-1], signal) + worse
    if not (5 <= value <= 300 if signal == "hrv_ms" else 28 <= value <= 110):
        return
    before = assess(nights)[-1].score
    after = assess([*nights[:-1], replace(nights[-1], **{signal: value})])[-1].score
    assert before is not None
    assert after is not None
    assert after <= before + 1e-9


@given(st.integers(0, 200), st.floats(3, 8))
@settings(max_examples=30, deadline=None)
def test_one_extreme_night_after_a_calm_week_neither_alerts_nor_falls_below_thirty(
    story: Tell, seed: int, depth: float
) -> None:
    person = story(110, seed=seed)
    person.hrv[92:101], person.resting[92:101] = 0, 0
    assessed = assess(person.strain(100, 101, depth).nights())
    assert assessed[100].score is not None
    assert assessed[100].score >= 30
    assert assessed[100].alert is None


@given(st.integers(0, 500), st.floats(0.5, 2.5))
@settings(max_examples=30, deadline=None)
def test_the_parasympathetic_pattern_never_alerts(story: Tell, seed: int, depth: float) -> None:
    person = story(130, seed=seed, scatter=0.5).strain(100, 130, -depth - 1)
    policy = Policy(threshold=0.3, cold_start=0)
    assert all(each.alert != "start" for each in assess(person.nights(), policy)[101:130])
