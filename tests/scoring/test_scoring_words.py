"""What a person reads: plain, in own units, unsure where we are unsure, and never medical; in both languages."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product
from typing import Any, NamedTuple, get_args

import pytest

from scoring import Assessment, Driver, Gate, Input, Night, Session, State, assess, shown_points
from scoring.explain import explain, of_then, suggest, without_feeling
from scoring.readiness import Reading
from scoring.words import LANGUAGES, Language, doubts, grouped, speaker
from tests.wording import CYCLE, FORBIDDEN, FORMAL, LONGEST, catalogues, filled, words_a_sentence

Tell = Callable[..., Any]
UNSURE = {"en": "We are not sure", "de": "Wir sind nicht sicher"}
FEELING = {"en": "How you feel counts more", "de": "Wie du dich fühlst, zählt mehr"}
PERHAPS = {
    "en": re.compile(r"\b(may|consider)\b", re.IGNORECASE),
    "de": re.compile(r"\b(kann|kannst|können|lieber)\b", re.IGNORECASE),
}
TERMS = {
    ("en", "sleep"): "sleeping heart rate",
    ("en", "vendor_day"): "resting heart rate",
    ("de", "sleep"): "Schlafpuls",
    ("de", "vendor_day"): "Ruhepuls",
}
BOTH = (
    Driver("hrv", -20, 46, 55, 68, "below"),
    Driver("resting_heart_rate", -18, 57, 49, 54, "above"),
)
SHOWN = (BOTH, BOTH[:1], BOTH[1:], (replace(BOTH[0], usual_low=None), replace(BOTH[1], value=None)), ())
CALM, JUDGING = ("collecting", "insufficient"), ("watch", "strained", "recovering", "possible_illness")
SAID = catalogues()


class Said(NamedTuple):
    """What is said of one reading, and of what."""

    state: State
    reading: Reading
    kind: str
    explanation: str
    suggestion: str

    @property
    def text(self) -> str:
        return f"{self.explanation} {self.suggestion}"


def reading(
    drivers: tuple[Driver, ...] = BOTH,
    confidence: float = 0.9,
    kind: Any = "sleep",
    language: Language = "en",
    **more: Any,
) -> Reading:
    doubt = speaker(language, doubts.EN, doubts.DE)
    usual = Reading(
        score=38.0,
        band="moderate",
        provisional=False,
        confidence=confidence,
        confidence_reasons=(doubt.count("settled", 20), doubt.say(f"only.{kind}")) if confidence < 1 else (),
        drivers=drivers,
        pattern="strained",
        inputs=(Input("resting_heart_rate", 57, 49, 54, 60, "a", kind),),
        strain=1.2,
        tonight=1.5,
        judged_nights=8,
        outside_nights=7,
    )
    return usual._replace(**more)


def reasons(module: str, language: Language) -> list[str]:
    """Every sentence of a catalogue, filled in."""
    return [filled(sentence) for sentence in SAID[module][LANGUAGES.index(language)].values()] if module in SAID else []


@cache
def all_texts(language: Language) -> list[Said]:
    """Every state with both signals, one, or none; each kind of heart rate; with and without doubt, a night, a reading.

    Then every state with each reason of a gate, and with each line about the days around.
    """
    said = []
    for state, shown, confidence, night, pattern, kind in product(
        get_args(State), SHOWN, (1.0, 0.59, 0.1), (True, False), ("strained", "mixed"), ("sleep", "vendor_day")
    ):
        one = reading(shown, confidence, kind, language, pattern=pattern)
        one = one if night else one._replace(tonight=None, score=None, drivers=())
        said.append(Said(state, one, kind, explain(state, one, (), (), language), suggest(state, one, language)))
    one = reading(language=language)
    for state in get_args(State):
        step = suggest(state, one, language)
        for reason in reasons("scoring.words.gates", language):
            gates = (Gate("illness", active=True, reason=reason, since=None),)
            said.append(Said(state, one, "sleep", explain(state, one, gates, (), language), step))
        lines = reasons("scoring.words.context", language)
        said += [Said(state, one, "sleep", explain(state, one, (), (line,), language), step) for line in lines]
    return said


def spoken(assessed: Assessment) -> str:
    reasons = (*assessed.confidence_reasons, *assessed.context, *(gate.reason for gate in assessed.gates))
    return " ".join((assessed.explanation, assessed.suggestion, *reasons))


@pytest.fixture(scope="module")
def year(story: Tell) -> Callable[[Language], list[Assessment]]:
    """A year in which nearly every sentence comes up once, in a language."""
    nights = eventful(story)
    return cache(lambda language: assess(nights, language=language))


def eventful(story: Tell) -> list[Any]:
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
    nights: list[Any] = person.nights(without=tuple(range(280, 294)))
    return nights


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_medical_blames_foretells_or_compares_with_others(language: Language) -> None:
    for said in all_texts(language):
        assert not FORBIDDEN[language].search(said.text), said.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_a_whole_year_is_medical_or_blames(year: Tell, language: Language) -> None:
    for each in year(language):
        assert not FORBIDDEN[language].search(spoken(each)), spoken(each)
        assert not FORMAL.search(spoken(each)), spoken(each)


def told_beside(assessed: Assessment) -> list[str]:
    active = (gate.reason for gate in assessed.gates if gate.active)
    return [*assessed.context, *assessed.confidence_reasons, *active]


def test_both_languages_judge_the_same_and_say_it_in_their_own_words(year: Tell) -> None:
    words = {"explanation": "", "suggestion": "", "confidence_reasons": (), "context": (), "gates": ()}
    for english, german in zip(year("en"), year("de"), strict=True):
        assert replace(english, **words) == replace(german, **words)
        assert english.explanation != german.explanation
        assert english.suggestion != german.suggestion
        for told in ("confidence_reasons", "context", "gates"):
            assert len(getattr(english, told)) == len(getattr(german, told))
        assert not {*told_beside(english)} & {*told_beside(german)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_doubt_is_named_whenever_confidence_is_low(language: Language) -> None:
    for said in all_texts(language):
        assert (UNSURE[language] in said.text) is (said.reading.confidence < 0.6)
        assert said.reading.confidence >= 0.6 or all(reason in said.text for reason in said.reading.confidence_reasons)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_judgement_says_that_feeling_counts_more_and_only_what_may_be(language: Language) -> None:
    for said in all_texts(language):
        assert (FEELING[language] in said.explanation) is (said.state not in CALM)
        if said.state in (*JUDGING, "travel", "new_normal"):
            assert PERHAPS[language].search(said.text), said.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_whole_short_sentences(language: Language) -> None:
    for said in all_texts(language):
        assert re.fullmatch(r"[A-ZÄÖÜ0-9].*\.", said.text)
        assert not re.search(r"None|\bnan\b|  |\.\.|!|\{|\bon 1 nights\b", said.text)
        assert words_a_sentence(said.text) <= LONGEST, said.text
        assert len(said.suggestion) <= 90


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_heart_rate_measured_asleep_is_never_called_resting_and_a_vendors_of_the_day_never_sleeping(
    language: Language,
) -> None:
    for said in all_texts(language):
        other = "vendor_day" if said.kind == "sleep" else "sleep"
        assert TERMS[language, other] not in said.text.replace(TERMS[language, said.kind], "")
    assert TERMS[language, "vendor_day"] in explain("watch", reading(kind="vendor_day"), (), (), language)


def test_the_engine_knows_which_heart_rate_it_reads(story: Tell) -> None:
    person = story(110, scatter=0.3).strain(100, 110).tell(0, 110, resting_kind="vendor_day")
    person.tell(109, hrv_ms=None, resting_heart_rate=None)
    for each in assess(person.nights())[-2:]:
        assert "resting heart rate" in each.explanation
        assert [given.kind for given in each.inputs if given.kind] == ["vendor_day"]
    assert "sleeping heart rate" in assess(story(110).strain(100, 110).nights())[-1].explanation


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_said_of_a_cycle_that_nobody_shared(year: Tell, language: Language) -> None:
    for each in year(language):
        assert not CYCLE.search(spoken(each))


def test_numbers_are_written_as_the_language_does(year: Tell) -> None:
    told = {
        language: " ".join(reason for each in year(language) for reason in told_beside(each)) for language in LANGUAGES
    }
    assert re.search(r"\d\d\.\d", told["en"])
    assert re.search(r"\d\d,\d", told["de"])
    assert not re.search(r"\d\.\d", told["de"])
    catalogue = {
        "rate": "{rate:.1f}–{high:.1f}, {nights}",
        "count.one": "{number} night",
        "count.other": "{number} nights",
    }
    english, german = (speaker(language, catalogue, catalogue) for language in LANGUAGES)
    values = {"rate": 14.62, "high": 1043.5, "nights": 8}
    assert (english.say("rate", **values), german.say("rate", **values)) == ("14.6–1043.5, 8", "14,6–1043,5, 8")
    assert [english.count("count", number) for number in (0, 1, 1043)] == ["0 nights", "1 night", "1,043 nights"]
    assert german.count("count", 1043) == "1.043 nights"
    assert (grouped(1043.5, "en", 1), grouped(1043.5, "de", 1)) == ("1,043.5", "1.043,5")


def test_a_place_that_says_it_itself_leaves_out_that_feeling_counts_more() -> None:
    for language in LANGUAGES:
        told = explain("strained", reading(language=language), (), (), language)
        assert FEELING[language] in told
        assert FEELING[language] not in without_feeling(told)
        assert without_feeling(told).endswith(".")


@pytest.mark.parametrize(("language", "then"), [("en", "That night: HRV 46 ms"), ("de", "In jener Nacht: HRV 46 ms")])
def test_a_night_of_the_past_is_not_called_the_latest(language: Language, then: str) -> None:
    assert then in of_then(explain("strained", reading(language=language), (), (), language))
    unseen = of_then(explain("strained", reading(language=language, tonight=None), (), (), language))
    assert not re.search("latest|letzte nacht", unseen, re.IGNORECASE)


def test_strain_that_stays_open_without_nights_is_not_told_of_the_one_that_is_left(story: Tell) -> None:
    nights = story(110, scatter=0.0).strain(100, 110, 1.5).nights()
    silence = [Night(nights[-1].day + timedelta(days=day)) for day in range(1, 12)]
    last = assess([*nights, *silence])[-1]
    assert (last.state, last.judged_nights) == ("strained", 1)
    assert last.explanation.startswith("When we last had enough nights to compare, they leaned towards strain.")
    assert "of your last" not in last.explanation


def test_strain_is_told_in_own_units_with_range_duration_and_lookalikes() -> None:
    text = explain("strained", reading(), (), ("You had 4 hard days in 5.",))
    assert text == (
        "On 7 of your last 8 nights HRV and sleeping heart rate together leaned towards strain. "
        "Latest night: HRV 46 ms (usual 55\N{EN DASH}68) and sleeping heart rate 57 bpm (usual 49\N{EN DASH}54). "
        "This pattern often goes with accumulated training strain, but it may be something else: a cold coming on, "
        "alcohol, heat or short sleep can look the same. You had 4 hard days in 5. How you feel counts more than this."
    )


def test_one_signal_under_strain_is_not_called_fine() -> None:
    assert "From one signal we cannot tell" in explain("normal", reading(BOTH[:1]), (), ())
    assert "Nothing stands out" in explain("normal", reading(BOTH[:1], strain=0.1), (), ())
    assert "Nothing stands out" in explain("normal", reading(BOTH[:1], strain=None), (), ())


def test_other_signs_are_not_talked_of_as_training(year: Tell) -> None:
    assert any(each.state == "possible_illness" for each in year("en"))
    for each in year("en"):
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
def test_what_else_was_going_on_is_told(year: Tell, day: int, sentence: str) -> None:
    assert sentence in " ".join(year("en")[day].context)


def test_thin_air_is_named(story: Tell) -> None:
    person = story(100, scatter=0.3).tell(90, oxygen_saturation=93.5)
    assert assess(person.nights())[90].context == ()
    person.breathing[90] = 15
    assert "altitude or heat" in assess(person.nights())[90].context[0]


def test_training_and_output_move_neither_score_nor_state(story: Tell) -> None:
    plain = story(130).strain(100, 112)
    bare = assess(plain.nights())
    trained = {"load": 900.0, "performance": 0.1, "sessions": (Session(90, 1), Session(90, 1))}
    told = assess(plain.tell(95, 112, **trained).nights())
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
    assert last.confidence == pytest.approx(5 / 6)


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
