"""What a person reads: plain, in own units, unsure where we are unsure, and never medical."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest

from scoring import Assessment, Driver, Gate, Session, State, assess, shown_points
from scoring.explain import explain, suggest
from scoring.readiness import PATTERNS, Reading

Tell = Callable[..., Any]
FORBIDDEN = re.compile(
    r"fever|infect|arrhythm|overtrain|diagnos|abnormal|\bsafe|injur|neural|warning|danger|diseas|treat|illness|"
    r"symptom|patient|sick|cure|prevent|should|must|you are ill|%|blame|too much|bad\b|other people|average",
    re.IGNORECASE,
)
REASONS = ("Your usual range rests on 20 nights so far.", "Only resting heart rate could be compared.")
BOTH = (
    Driver("hrv", -20, 46, 55, 68, "below"),
    Driver("resting_heart_rate", -18, 57, 49, 54, "above"),
)
GATES = (
    Gate("illness", active=True, reason="Breathing rate was 17.1 a minute (usual 14.6 to 15.4).", since=None),
    Gate("travel", active=True, reason="You noted that you travelled.", since=None),
)


def reading(drivers: tuple[Driver, ...] = BOTH, confidence: float = 0.9, **more: Any) -> Reading:
    usual = Reading(
        score=38.0,
        band="moderate",
        provisional=False,
        confidence=confidence,
        confidence_reasons=REASONS if confidence < 1 else (),
        drivers=drivers,
        pattern="strained",
        inputs=(),
        strain=1.2,
        tonight=1.5,
        judged_nights=8,
        outside_nights=7,
    )
    return usual._replace(**more)


def all_texts() -> Iterator[tuple[str, Reading, str]]:
    """Every state with both signals, one, or none; with and without gates, doubt, a night, and a reading."""
    drivers = [BOTH, BOTH[:1], BOTH[1:], (replace(BOTH[0], usual_low=None), replace(BOTH[1], value=None)), ()]
    for state, shown, confidence, gates, night, pattern in product(
        get_args(State), drivers, (1.0, 0.59, 0.1), ((), GATES[:1], GATES[1:], GATES), (True, False), PATTERNS.values()
    ):
        one = reading(shown, confidence, pattern=pattern)
        one = one if night else one._replace(tonight=None, score=None, drivers=())
        yield state, one, f"{explain(state, one, gates, ())} {suggest(state, one)}"


def spoken(assessed: Assessment) -> str:
    reasons = (*assessed.confidence_reasons, *assessed.context, *(gate.reason for gate in assessed.gates))
    return " ".join((assessed.explanation, assessed.suggestion, *reasons))


def everything(story: Tell) -> list[Assessment]:
    """A year in which every sentence comes up once."""
    person = story(400, scatter=0.4).strain(80, 90, 1.5).strain(120, 160, 1.5).strain(200, 212, -1.5)
    person.hrv[230:245] += 2
    person.resting[230:245] += 2
    person.hrv[260:275] -= 2
    person.resting[260:275] -= 2
    person.strain(300, 306, 2)
    person.breathing[300:306] += 3
    person.warmth[300:306] += 2
    person.tell(0, 400, load=100.0, steps=9000.0, performance=1.0)
    for start in (84, 205, 265):
        person.tell(start, start + 4, load=300.0, sessions=(Session(60, 0.9), Session(40, 0.4)), steps=800.0)
    person.tell(86, performance=0.5, sleep_minutes=300.0, tags=frozenset({"heavy_warm_up", "grip", "flat_power"}))
    person.tell(206, 213, sleep_minutes=350.0, tags=frozenset({"alcohol", "coordination"}))
    person.tell(302, oxygen_saturation=93.0, tags=frozenset({"ill"}))
    person.tell(320, 400, utc_offset_minutes=600)
    person.tell(340, 400, hrv_series="b", hrv_kind="sdnn").tell(390, 400, hrv_ms=None)
    result: list[Assessment] = assess(person.nights(without=tuple(range(280, 294))))
    return result


def test_no_text_is_medical_or_blames() -> None:
    for _, _, text in all_texts():
        assert not FORBIDDEN.search(text), text


def test_no_sentence_of_a_whole_year_is_medical_or_blames(story: Tell) -> None:
    for each in everything(story):
        assert not FORBIDDEN.search(spoken(each)), spoken(each)


def test_doubt_is_named_whenever_confidence_is_low() -> None:
    for _, one, text in all_texts():
        assert ("We are not sure" in text) is (one.confidence < 0.6)
        assert one.confidence >= 0.6 or all(reason in text for reason in REASONS)


def test_every_reading_says_that_feeling_counts_more_and_speaks_of_may_under_strain() -> None:
    for state, _, text in all_texts():
        if state not in ("collecting", "insufficient"):
            assert "How you feel counts more" in text
        if state in ("watch", "strained", "recovering", "possible_illness", "travel", "new_normal"):
            assert re.search(r"\b(may|consider)\b", text, re.IGNORECASE)


def test_texts_are_whole_sentences() -> None:
    for _, _, text in all_texts():
        assert re.fullmatch(r"[A-Z0-9].*\.", text)
        assert not re.search(r"None|nan|  |\.\.|\bon 1 nights\b", text)


def test_strain_is_told_in_own_units_with_range_duration_and_lookalikes() -> None:
    text = explain("strained", reading(), (), ("You had 4 hard days in 5.",))
    assert text == (
        "On 7 of your last 8 nights HRV and resting heart rate together leaned towards strain. "
        "Latest night: HRV 46 ms (usual 55\N{EN DASH}68) and resting heart rate 57 bpm (usual 49\N{EN DASH}54). "
        "This pattern often goes with accumulated training strain, but it may be something else: a cold coming on, "
        "alcohol, heat or short sleep can look the same. You had 4 hard days in 5. How you feel counts more than this."
    )


def test_one_signal_under_strain_is_not_called_fine() -> None:
    assert "From one signal we cannot tell" in explain("normal", reading(BOTH[:1]), (), ())
    assert "Nothing stands out" in explain("normal", reading(BOTH[:1], strain=0.1), (), ())
    assert "Nothing stands out" in explain("normal", reading(BOTH[:1], strain=None), (), ())


def test_other_signs_are_not_talked_of_as_training(story: Tell) -> None:
    year = everything(story)
    assert any(each.state == "possible_illness" for each in year)
    for each in year:
        assert each.state != "possible_illness" or not re.search("hard days|trained twice|output", spoken(each))


def test_learning_counts_nights(story: Tell) -> None:
    assessed = assess(story(30).nights())
    assert assessed[15].explanation.startswith("9 of 14 nights so far.")
    assert assessed[21].explanation.startswith("Your usual range is there")


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (87, "You had 4 hard days in 5."),
        (87, "You trained twice on 4 of 5 days."),
        (86, "Your output at a given effort is among the lowest fifth of your last eight weeks."),
        (86, "You slept 5 h 00 min, usual for you is 7 h 20 min."),
        (86, "You noted that warm-up sets felt heavy, grip or bar control was off, power stayed flat: signs"),
        (87, "For two days you have moved much less than usual."),
        (212, "Over seven nights you slept about 10 h 30 min less than usual."),
        (208, "This night is noted with alcohol"),
        (208, "You are unusually relaxed while training is high"),
        (268, "HRV and heart rate are both low while training is high"),
    ],
)
def test_what_else_was_going_on_is_told(story: Tell, day: int, sentence: str) -> None:
    assert sentence in " ".join(everything(story)[day].context)


def test_thin_air_is_named(story: Tell) -> None:
    person = story(100, scatter=0.3).tell(90, oxygen_saturation=93.5)
    assert assess(person.nights())[90].context == ()
    person.breathing[90] = 15
    assert "altitude or heat" in assess(person.nights())[90].context[0]


def test_context_moves_neither_score_nor_state(story: Tell) -> None:
    plain = story(130).strain(100, 112)
    bare = assess(plain.nights())
    more = {"load": 900.0, "steps": 10.0, "performance": 0.1, "oxygen_saturation": 90.0, "sleep_minutes": 300.0}
    told = assess(plain.tell(95, 112, sessions=(Session(90, 1), Session(90, 1)), **more).nights())
    assert [(each.score, each.state, each.alert) for each in told] == [
        (each.score, each.state, each.alert) for each in bare
    ]
    assert [each.context for each in told] != [each.context for each in bare]


@pytest.mark.parametrize(
    ("hrv", "resting", "pattern"),
    [
        (-1, 1, "strained"),
        (-1, 0, "hrv_low"),
        (0, 1, "rhr_high"),
        (-1, -1, "low_low"),
        (1, -1, "adapting"),
        (1, 1, "mixed"),
        (0, 0, "steady"),
        (1, 0, "hrv_high"),
        (0, -1, "rhr_low"),
    ],
)
def test_eight_nights_have_a_pattern(story: Tell, hrv: int, resting: int, pattern: str) -> None:
    person = story(110, scatter=0.0)
    person.hrv[100:] += hrv
    person.resting[100:] += resting
    assert assess(person.nights())[-1].pattern == pattern


def test_both_signals_up_lower_confidence_and_ask_for_the_sensor(story: Tell) -> None:
    person = story(110, scatter=0.0)
    person.hrv[100:] += 1
    person.resting[100:] += 1
    last = assess(person.nights())[-1]
    assert last.confidence == pytest.approx(0.5)
    assert "sensor" in last.suggestion


@pytest.mark.parametrize(
    ("fields", "confidence"),
    [
        ({}, 1.0),
        ({"hrv_window": "spot"}, 0.9),
        ({"hrv_kind": "sdnn"}, 0.5),
        ({"hrv_kind": "sdnn", "hrv_ms": None}, 0.6),
    ],
)
def test_confidence_follows_what_was_measured(story: Tell, fields: dict[str, Any], confidence: float) -> None:
    last = assess(story(110, scatter=0.0).tell(0, 110, **fields).nights())[-1]
    assert last.confidence == pytest.approx(confidence)
    assert bool(last.confidence_reasons) is (confidence < 1)


def test_confidence_grows_with_nights_and_falls_after_a_change(story: Tell) -> None:
    assessed = assess(story(150, scatter=0.0).tell(100, 150, hrv_series="b").nights())
    shown = [each.confidence for each in assessed[23:66]]
    assert shown == sorted(shown)
    assert shown[0] == pytest.approx(0.35)
    assert shown[-1] == 1
    assert assessed[110].confidence == pytest.approx(0.35)  # one signal, and a change: .3, shown at the floor
    assert assessed[120].confidence == pytest.approx(0.35)


def test_few_recent_nights_lower_confidence(story: Tell) -> None:
    last = assess(story(100).nights(without=tuple(range(89, 96))))[-1]
    assert last.judged_nights == 5
    assert last.confidence == pytest.approx(5 / 6 * 53 / 53, abs=0.02)


def test_inputs_carry_units_ranges_and_series(story: Tell) -> None:
    last = assess(story(110, scatter=0.0).tell(0, 110, hrv_series="ring").nights())[-1]
    inputs = {each.signal: each for each in last.inputs}
    assert list(inputs) == [
        "hrv",
        "resting_heart_rate",
        "respiratory_rate",
        "skin_temperature",
        "oxygen_saturation",
        "sleep",
    ]
    assert inputs["hrv"].series == "ring"
    assert inputs["hrv"].value == pytest.approx(60)
    low, high = inputs["hrv"].usual_low, inputs["hrv"].usual_high
    assert low is not None
    assert high is not None
    assert low * high == pytest.approx(3600)  # symmetric in ln
    assert inputs["sleep"].value == 440


@pytest.mark.parametrize(("depth", "band"), [(-1, "good"), (0, "good"), (0.3, "moderate"), (2.5, "low")])
def test_bands_follow_the_score(story: Tell, depth: float, band: str) -> None:
    last = assess(story(120, scatter=0.0).strain(105, 120, depth).nights())[-1]
    assert last.band == band


def test_drivers_say_where_tonight_stands(story: Tell) -> None:
    last = assess(story(120, scatter=0.0).strain(119, 120, 1).nights())[-1]
    assert [(each.signal, each.direction) for each in last.drivers] == [
        ("hrv", "below"),
        ("resting_heart_rate", "above"),
    ]
    assert {each.direction for each in assess(story(120, scatter=0.0).nights())[-1].drivers} == {"within"}


def test_points_that_round_apart_are_brought_together(story: Tell) -> None:
    last = assess(story(100).nights())[-1]
    for points in ((-0.5, -0.5), (0.49, 0.49), (-2.6, 1.3), (0.0, 0.0)):
        drivers = tuple(replace(d, points=p) for d, p in zip(last.drivers, points, strict=True))
        shown = shown_points(replace(last, score=75.80363 + sum(points), drivers=drivers))
        assert shown is not None
        assert shown[0] + sum(shown[1]) == shown[2]
