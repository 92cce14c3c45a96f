"""What people live through, and what they are told."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

import pytest

from scoring import Assessment, Night, Policy, assess

FIRST = date(2024, 1, 1)
Tell = Callable[..., Any]


def days(assessed: Iterable[Assessment], alert: str) -> list[int]:
    return [(each.day - FIRST).days for each in assessed if each.alert == alert]


def empty(day: int) -> Night:
    return Night(FIRST + timedelta(days=day))


def blank(count: int, start: int = 0) -> list[Night]:
    return [empty(day) for day in range(start, start + count)]


def test_a_steady_year_alerts_nobody(story: Tell) -> None:
    assessed = assess(story(365, scatter=0.6).nights())
    assert days(assessed, "start") == []
    scores = sorted(each.score for each in assessed if each.score is not None)
    assert 70 <= scores[len(scores) // 2] <= 80


def test_a_hard_block_alerts_once_within_eight_nights_and_clears(story: Tell) -> None:
    assessed = assess(story(160, scatter=0.5).strain(100, 116).nights())
    assert days(assessed, "start") == [101]
    assert days(assessed, "continue") == list(range(102, days(assessed, "clear")[0]))
    assert days(assessed, "clear") == [118]
    notices = [(each.notice, (each.day - FIRST).days, each.state) for each in assessed if each.notice]
    assert notices == [("recovered", 122, "normal")]
    assert assessed[118].state == "recovering"


@pytest.mark.parametrize("nights", [1, 2])
def test_two_bad_nights_alert_nobody(story: Tell, nights: int) -> None:
    assessed = assess(story(130, scatter=0.5).strain(100, 100 + nights, 3).nights())
    assert days(assessed, "start") == []


def test_four_leaning_nights_of_seven_are_needed(story: Tell) -> None:
    three = story(130, scatter=0.0).strain(100, 103, 3).nights()
    assert max(each.strain or 0 for each in assess(three)) > 0.9
    assert days(assess(three), "start") == []
    assert days(assess(story(130, scatter=0.0).strain(100, 104, 3).nights()), "start") == [103]


def test_watch_comes_before_strain_and_never_alerts(story: Tell) -> None:
    assessed = assess(story(150, scatter=0.0).strain(100, 125, 0.3).nights(), Policy(threshold=1.4))
    assert {each.state for each in assessed[108:125]} == {"watch"}
    assert [each.alert for each in assessed if each.alert] == []


def test_watch_is_left_lower_than_it_is_entered(story: Tell) -> None:
    person = story(150, scatter=0.0).strain(100, 110, 0.25).strain(110, 125, 0.17)
    assessed = assess(person.nights(), Policy(threshold=1.4))
    lingering = [each for each in assessed if each.state == "watch" and each.strain is not None and each.strain < 0.5]
    assert lingering
    assert all(each.strain is not None and each.strain >= 0.35 for each in lingering)
    assert assessed[140].state == "normal"


def ill(story: Tell, nights: int = 150, **tell: Any) -> Any:
    person = story(nights, scatter=0.4).strain(100, 108, 2)
    if not tell:
        person.breathing[100:108] += 2
    return person


def test_breathing_faster_turns_strain_into_other_signs(story: Tell) -> None:
    assessed = assess(ill(story).nights())
    assert days(assessed, "start") == []
    assert [(each.day - FIRST).days for each in assessed if each.notice == "illness"] == [100]
    assert {each.state for each in assessed[100:110]} == {"possible_illness"}
    gate = assessed[104].gates[0]
    assert (gate.name, gate.active, gate.since) == ("illness", True, FIRST + timedelta(days=100))


def test_a_little_breathing_needs_warmth_beside_it(story: Tell) -> None:
    person = story(130, scatter=0.4).strain(100, 110, 2)
    person.breathing[100:110] = 14.5 + 0.5
    assert days(assess(person.nights()), "start")
    person.warmth[100:110] += 0.8
    assert days(assess(person.nights()), "start") == []


def test_feeling_unwell_is_believed_without_any_sensor(story: Tell) -> None:
    person = story(130, scatter=0.4).strain(100, 110, 2)
    bare = {"respiratory_rate": None, "skin_temperature": None}
    untold = person.tell(0, 130, **bare).nights()
    assert days(assess(untold), "start")
    told = person.tell(100, 109, tags=frozenset({"ill"})).nights()
    assert days(assess(told), "start") == []
    assert assess(told)[103].state == "possible_illness"


def test_other_signs_end_a_run_of_strain_without_an_all_clear(story: Tell) -> None:
    person = story(140, scatter=0.4).strain(100, 116, 1.5)
    person.breathing[110:116] += 2
    assessed = assess(person.nights())
    ended = [each for each in assessed if each.ended_by]
    assert [((each.day - FIRST).days, each.ended_by, each.alert) for each in ended] == [(110, "illness", None)]
    assert days(assessed, "clear") == []
    assert len(days(assessed, "start")) == 1


def test_after_other_signs_strain_starts_only_on_nights_of_its_own(story: Tell) -> None:
    person = story(140, scatter=0.0).strain(100, 140, 2)
    person.breathing[100] += 3
    assessed = assess(person.nights())
    last = max((each.day - FIRST).days for each in assessed if each.state == "possible_illness")
    assert last == 104
    assert days(assessed, "start") == [last + 4]


def test_rest_mode_on_a_ring_speaks_like_the_persons_own_word(story: Tell) -> None:
    person = story(130, scatter=0.3).strain(100, 112, 2)
    assert days(assess(person.nights()), "start")
    resting = assess(person.tell(100, 112, tags=frozenset({"rest_mode"})).nights())
    assert days(resting, "start") == []
    assert "Rest mode was on." in resting[105].gates[0].reason


def test_one_faster_breath_without_strain_is_nothing(story: Tell) -> None:
    person = story(130, scatter=0.3)
    person.breathing[100] += 3
    assert {each.state for each in assess(person.nights())[100:110]} == {"normal"}


def test_a_drinker_who_says_so_is_left_alone_and_still_scored(story: Tell) -> None:
    person = story(130, scatter=0.3)
    for day in range(100, 112, 2):
        person.strain(day, day + 2, 2.5)
    untold = assess(person.nights())
    assert days(untold, "start")
    person.tell(100, 112, tags=frozenset({"alcohol"}))
    told = assess(person.nights())
    assert days(told, "start") == []
    assert told[102].score is not None
    assert told[102].score < 60
    assert told[102].strain == pytest.approx(told[99].strain)


@pytest.mark.parametrize("seed", range(12))
def test_strain_that_turns_out_to_be_drinks_is_taken_back_and_does_not_start_anew(story: Tell, seed: int) -> None:
    person = story(130, seed=seed).strain(116, 130, 1.8)
    assert assess(person.nights())[-1].state in {"strained", "watch", "possible_illness"}
    person.tell(118, 130, tags=frozenset({"alcohol"}))
    told = assess(person.nights())
    assert [night.day for night in told[118:] if night.alert == "start"] == []


def test_a_drinkers_breathing_does_not_open_the_gate(story: Tell) -> None:
    person = story(130, scatter=0.3).strain(100, 101, 2.5).tell(100, tags=frozenset({"alcohol"}))
    person.breathing[100] += 3
    assert not assess(person.nights())[100].gates[0].active


def test_a_night_with_alcohol_is_not_in_the_baseline(story: Tell) -> None:
    person = story(130, scatter=0.3).tell(80, 110, tags=frozenset({"alcohol"}))
    inputs = {each.signal: each.nights for each in assess(person.nights())[125].inputs}
    assert inputs["hrv"] == 60 - 30
    assert inputs["resting_heart_rate"] == 60 - 30


def test_a_traveller_is_left_alone_for_a_week(story: Tell) -> None:
    person = story(130, scatter=0.3).strain(100, 104, 1.5)
    assert days(assess(person.nights()), "start")
    assessed = assess(person.tell(100, 130, utc_offset_minutes=-240).nights())
    assert days(assessed, "start") == []
    assert [(each.day - FIRST).days for each in assessed if each.state == "travel"] == list(range(100, 107))
    assert [(each.day - FIRST).days for each in assessed if each.gates[1].active] == list(range(100, 107))


def test_the_way_home_is_travel_too(story: Tell) -> None:
    assessed = assess(story(130, scatter=0.3).tell(100, 103, utc_offset_minutes=-240).nights())
    assert [(each.day - FIRST).days for each in assessed if each.state == "travel"] == list(range(100, 110))


@pytest.mark.parametrize(("before", "after", "moved"), [(60, 120, False), (720, -690, False), (60, 240, True)])
def test_only_three_hours_by_the_shorter_way_are_travel(story: Tell, before: int, after: int, *, moved: bool) -> None:
    person = story(130).tell(0, 100, utc_offset_minutes=before).tell(100, 130, utc_offset_minutes=after)
    assert any(each.gates[1].active for each in assess(person.nights())) is moved


def test_telling_of_travel_is_enough(story: Tell) -> None:
    assessed = assess(story(130, scatter=0.3).tell(100, tags=frozenset({"travel"})).nights())
    assert [(each.day - FIRST).days for each in assessed if each.state == "travel"] == list(range(100, 107))


def test_strain_that_runs_goes_on_through_travel(story: Tell) -> None:
    person = story(130, scatter=0.0).strain(90, 115, 1.5).tell(100, 130, utc_offset_minutes=-240)
    assert {each.state for each in assess(person.nights())[95:115]} == {"strained"}


def test_a_new_device_is_learned_before_it_is_judged(story: Tell) -> None:
    person = story(200, scatter=0.4).strain(100, 200, 1.5)
    series = {"hrv_series": "b", "resting_series": "b"}
    assessed = assess(person.tell(100, 200, **series).nights())
    assert days(assessed, "start") == []
    assert {each.state for each in assessed[100:123]} == {"collecting"}
    assert assessed[122].score is None
    assert assessed[123].score is not None


@pytest.mark.parametrize("tag", ["new_device", "reset_baseline"])
def test_a_reset_ends_a_run_of_strain_silently(story: Tell, tag: str) -> None:
    person = story(150, scatter=0.0).strain(95, 150, 1.5).tell(105, tags=frozenset({tag}))
    assessed = assess(person.nights())
    assert (assessed[104].state, assessed[105].state) == ("strained", "collecting")
    assert assessed[105].ended_by == "insufficient"
    assert days(assessed, "clear") == []
    assert days(assessed, "start") == [98]


def test_a_new_series_of_one_signal_restarts_that_signal_alone(story: Tell) -> None:
    assessed = assess(story(130, scatter=0.4).tell(100, 130, hrv_series="b").nights())
    nights = {each.signal: each.nights for each in assessed[110].inputs}
    assert (nights["hrv"], nights["resting_heart_rate"], nights["respiratory_rate"]) == (4, 60, 60)


def test_another_kind_of_hrv_is_another_series(story: Tell) -> None:
    assessed = assess(story(130, scatter=0.4).tell(100, 130, hrv_kind="sdnn").nights())
    assert {each.signal: each.nights for each in assessed[110].inputs}["hrv"] == 4


def test_a_missing_night_between_two_of_one_series_changes_no_series(story: Tell) -> None:
    person = story(130).tell(0, 130, hrv_series="a").tell(60, hrv_series="", hrv_ms=None)
    assert {each.signal: each.nights for each in assess(person.nights())[100].inputs}["hrv"] == 59


def test_temperature_that_changes_from_absolute_to_deviation_is_no_sign(story: Tell) -> None:
    person = story(130, scatter=0.4)
    for day in range(100, 130):
        person.tell(day, skin_temperature=36.5, temperature_series="absolute")
    assert not any(each.gates[0].active for each in assess(person.nights()))


def test_half_the_nights_missing_delays_but_does_not_blind(story: Tell) -> None:
    person = story(220, scatter=0.4).strain(150, 180, 1.5)
    assessed = assess(person.nights(without=tuple(range(0, 220, 2))))
    (start,) = days(assessed, "start")
    assert 150 < start <= 160


def test_strain_of_which_hardly_a_night_is_heard_ends_after_four_weeks_without_a_word(story: Tell) -> None:
    person = story(164).strain(96, 164, 2)
    nights = [night if day < 106 or day % 10 == 0 else Night(night.day) for day, night in enumerate(person.nights())]
    assessed = assess(nights)
    strained = [day for day, each in enumerate(assessed) if each.state == "strained"]
    assert 96 < strained[0] < 106
    assert strained[-1] == strained[0] + 27
    assert [each.ended_by for each in assessed if each.ended_by] == ["insufficient"]
    assert days(assessed, "clear") == []


def test_twelve_nights_of_silence_close_an_alert_without_a_word(story: Tell) -> None:
    nights = story(110, scatter=0.0).strain(100, 110, 1.5).nights() + blank(20, start=110)
    assessed = assess(nights)
    assert {each.state for each in assessed[104:121]} == {"strained"}
    assert (assessed[121].state, assessed[121].ended_by, assessed[121].alert) == ("insufficient", "insufficient", None)
    assert days(assessed, "clear") == []


def test_fewer_than_four_nights_in_twelve_say_nothing(story: Tell) -> None:
    assessed = assess([*story(100).nights(), *blank(14, start=100)])
    assert [each.state for each in assessed[107:110]] == ["normal", "insufficient", "insufficient"]


def test_a_person_who_never_wore_it_is_still_collecting() -> None:
    assert {each.state for each in assess(blank(40))} == {"collecting"}


def test_a_person_who_stopped_before_the_first_reading_is_not_learning_for_ever(story: Tell) -> None:
    assessed = assess([*story(10).nights(), *blank(20, start=10)])
    assert [each.state for each in assessed[20:22]] == ["collecting", "insufficient"]


def test_after_a_long_silence_learning_begins_again(story: Tell) -> None:
    assessed = assess(story(300).nights(without=tuple(range(100, 220))))
    assert [each.state for each in assessed[100:105]] == ["insufficient"] * 3 + ["collecting"] * 2
    assert assessed[-1].state == "normal"


def test_a_gap_of_years_costs_and_changes_nothing(story: Tell) -> None:
    early, late = story(60).nights(), Night(date(9000, 1, 1), hrv_ms=60, resting_heart_rate=50)
    assert assess([*early, late])[-1].state == "insufficient"


@pytest.mark.parametrize("load", [None, 500.0])
def test_more_hrv_and_a_lower_heart_rate_never_alert(story: Tell, load: float | None) -> None:
    person = story(200, scatter=0.4).strain(100, 130, -2).tell(100, 130, load=load)
    eager = Policy(threshold=0.1, watch=0.1, off=0.1)
    assert {each.alert for each in assess(person.nights(), eager)[100:128]} == {None}


def test_both_signals_must_agree(story: Tell) -> None:
    person = story(130, scatter=0.0)
    person.hrv[100:120] -= 2.9
    assert days(assess(person.nights()), "start") == []


@pytest.mark.parametrize(("resting", "alerts"), [(0.04, False), (0.12, True)])
def test_the_weaker_signal_must_show_strain_by_itself(story: Tell, resting: float, *, alerts: bool) -> None:
    person = story(130, scatter=0.0)
    person.hrv[100:120] -= 2.9
    person.resting[100:120] += resting
    assert bool(days(assess(person.nights()), "start")) is alerts


def test_strain_clears_after_two_nights_below_the_off_level(story: Tell) -> None:
    assessed = assess(story(140, scatter=0.0).strain(100, 110, 1.5).nights())
    below = [each for each in assessed[105:] if each.strain is not None and each.strain < 0.35]
    assert (below[0].alert, below[1].alert) == ("continue", "clear")


def test_one_night_counts_at_most_two_and_a_half_scales(story: Tell) -> None:
    night = assess(story(101, scatter=0.0).strain(100, 101, 3).nights())[-1]
    assert night.strain == 0
    assert night.score == pytest.approx(100 * NormalDist().cdf(0.70 - 0.80 * 2.5 / 2))


def test_a_night_unwell_is_not_in_the_baseline(story: Tell) -> None:
    person = story(130, scatter=0.3).tell(80, 90, tags=frozenset({"ill"}))
    assert {each.signal: each.nights for each in assess(person.nights())[125].inputs}["hrv"] == 60 - 10


def test_a_gate_stops_even_an_alert_below_the_watch_level(story: Tell) -> None:
    eager = Policy(threshold=0.2, cold_start=0)
    person = story(130, scatter=0.0).strain(100, 120, 0.18)
    assert days(assess(person.nights(), eager), "start")
    told = person.tell(100, 130, tags=frozenset({"ill"})).nights()
    assert max(each.strain or 0 for each in assess(told)) < 0.5
    assert days(assess(told, eager), "start") == []


@pytest.mark.parametrize("missing", ["hrv_ms", "resting_heart_rate"])
def test_one_signal_is_scored_but_never_alerts(story: Tell, missing: str) -> None:
    assessed = assess(story(130, scatter=0.4).strain(100, 125, 2).tell(0, 130, **{missing: None}).nights())
    assert [each.alert for each in assessed if each.alert] == []
    assert assessed[120].score is not None
    assert assessed[120].score < 40
    assert assessed[120].confidence == pytest.approx(0.6)
    assert len(assessed[120].drivers) == 1


def test_sdnn_alone_still_shows_a_score(story: Tell) -> None:
    person = story(130).tell(0, 130, hrv_kind="sdnn", resting_heart_rate=None)
    last = assess(person.nights())[-1]
    assert last.score is not None
    assert last.confidence == pytest.approx(0.35)


def test_nobody_is_judged_before_fourteen_nights_a_week_old(story: Tell) -> None:
    assessed = assess(story(60, scatter=0.0).strain(15, 60, 3).nights())
    assert {each.state for each in assessed[:23]} == {"collecting"}
    assert [each.tonight is not None for each in assessed[19:21]] == [False, True]
    assert all(each.score is None for each in assessed[:23])
    assert days(assessed, "start") == [23]


def test_results_are_provisional_until_twenty_eight_baseline_nights(story: Tell) -> None:
    assessed = assess(story(60).nights())
    assert [each.provisional for each in assessed] == [True] * 34 + [False] * 26


def test_the_first_sixty_nights_need_stronger_strain(story: Tell) -> None:
    early, late = story(150, scatter=0.0).strain(40, 55, 0.45), story(150, scatter=0.0).strain(100, 120, 0.42)
    assert max(each.strain or 0 for each in assess(early.nights())) > 0.9
    assert days(assess(early.nights()), "start") == []
    assert days(assess(early.nights(), Policy(cold_start=0)), "start")
    assert days(assess(late.nights()), "start")


def test_the_cold_start_counts_nights_of_both_signals(story: Tell) -> None:
    def person(block: int) -> list[Night]:
        one = story(160, scatter=0.0).strain(block, block + 20, 0.42).tell(0, 65, hrv_ms=None)
        return list(one.nights())

    policy = Policy(threshold=0.9)
    assert max(each.strain or 0 for each in assess(person(103))) > 0.9
    assert days(assess(person(103), policy), "start") == []
    assert days(assess(person(128), policy), "start")


def test_four_weeks_of_strain_are_the_new_usual(story: Tell) -> None:
    assessed = assess(story(220, scatter=0.0).strain(100, 220, 1.5).nights())
    (start,) = days(assessed, "start")
    assert days(assessed, "clear") == [start + 28]
    new = assessed[start + 28]
    assert (new.state, new.notice, new.alert) == ("new_normal", "new_normal", "clear")
    assert new.score == pytest.approx(75.8, abs=0.1)
    assert {each.state for each in assessed[start + 28 : start + 34]} == {"new_normal"}
    assert {each.state for each in assessed[start + 34 :]} == {"normal"}


def test_a_relapse_waits_for_the_cooldown(story: Tell) -> None:
    person = story(150, scatter=0.0).strain(100, 108, 1.5).strain(108, 111, -0.3).strain(111, 130, 2.5)
    impatient = days(assess(person.nights(), Policy(cooldown_nights=0)), "start")
    patient = days(assess(person.nights()), "start")
    (clear,) = days(assess(person.nights()), "clear")[:1]
    assert len(impatient) == len(patient) == 2
    assert patient[1] > impatient[1]
    assert patient[1] - clear >= 6


def test_recovering_with_lasting_strain_returns_to_watch(story: Tell) -> None:
    person = story(160, scatter=0.0).strain(100, 110, 1.5).strain(110, 113, -0.3).strain(113, 150, 0.65)
    states = [each.state for each in assess(person.nights(), Policy(threshold=1.3))]
    eased = states.index("recovering")
    assert "watch" in states[eased : eased + 15]


def test_calm_alerts_less_than_early(story: Tell) -> None:
    nights = story(150, scatter=0.0).strain(100, 120, 0.35).nights()
    assert days(assess(nights, Policy(threshold=0.7)), "start")
    assert days(assess(nights, Policy(threshold=1.2)), "start") == []


def test_soreness_changes_nothing_at_all(story: Tell) -> None:
    person = story(130).strain(100, 115)
    quiet = assess(person.nights())
    assert assess(person.tell(90, 120, tags=frozenset({"soreness"})).nights()) == quiet


def test_a_shared_cycle_is_a_rhythm_and_no_strain(story: Tell) -> None:
    def person(*, shared: bool) -> Any:
        one = story(200, scatter=0.3)
        for day in range(200):
            luteal = day % 28 >= 14
            one.strain(day, day + 1, 0.9 if luteal else 0)
            if shared:
                one.tell(day, cycle_phase="luteal" if luteal else "follicular")
        return assess(one.nights())

    shared, silent = person(shared=True), person(shared=False)
    assert max(each.strain or 0 for each in shared[100:]) < max(each.strain or 0 for each in silent[100:]) - 0.2
    assert len(days(shared, "start")) <= len(days(silent, "start"))


def test_a_vendors_smoothed_heart_rate_has_a_narrower_prior(story: Tell) -> None:
    asleep = assess(story(60, scatter=0.0).nights())[-1].drivers[1]
    smoothed = assess(story(60, scatter=0.0).tell(0, 60, resting_kind="vendor_day").nights())[-1].drivers[1]
    assert asleep.usual_high is not None
    assert smoothed.usual_high is not None
    assert (asleep.usual_high - 52) / (smoothed.usual_high - 52) == pytest.approx(3.4 / 1.5)


@pytest.mark.parametrize(
    "nonsense", [{"hrv_ms": 4}, {"hrv_ms": 301}, {"resting_heart_rate": 27}, {"resting_heart_rate": 111}]
)
def test_what_cannot_be_true_counts_as_missing(story: Tell, nonsense: dict[str, float]) -> None:
    missing = dict.fromkeys(nonsense)
    bad, gone = story(130).tell(100, **nonsense).nights(), story(130).tell(100, **missing).nights()
    assert assess(bad) == assess(gone)


@pytest.mark.parametrize(("minutes", "counts"), [(179, False), (180, True), (None, True), (float("nan"), True)])
def test_a_nap_is_not_a_night(story: Tell, minutes: float | None, *, counts: bool) -> None:
    assessed = assess(story(130).tell(100, sleep_minutes=minutes).nights())
    assert (assessed[100].tonight is not None) is counts


def test_days_out_of_order_are_refused_in_one_line(story: Tell) -> None:
    nights = story(3).nights()
    for wrong in (nights[::-1], [nights[0], nights[0]]):
        with pytest.raises(ValueError, match="ascend by day"):
            assess(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0},
        {"threshold": float("nan")},
        {"off": 0.6},
        {"off": 0},
        {"cold_start": -1},
        {"cooldown_nights": -1},
    ],
)
def test_a_senseless_policy_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="levels must be"):
        Policy(**wrong)  # type: ignore[arg-type]


def test_no_nights_give_no_assessments() -> None:
    assert assess([]) == []
