"""The words a person reads: short, calm, never medical, and true to the numbers beside them."""

import re
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import pytest

import ingest
from ingest import words
from scoring import Assessment, Gate, Input, Language, Night, assess
from scoring.words import LANGUAGES
from tests.wording import FORBIDDEN

SUNDAY = date(2026, 11, 22)
FORBIDDEN_ON_PAGES = re.compile(
    r"abnormal|warning|danger|fever|infection|arrhythmia|overtrain|\bsafe\b|injur|diagnos|disease|symptom|poor|"
    r"your body|nervous system|\bfailed\b|you should|must",
    re.IGNORECASE,
)
ALARMING = re.compile(r"your body|dein körper|\bfailed\b|fehlgeschlagen", re.IGNORECASE)
TRAVELLED = {"en": "You noted that you travelled.", "de": "Du hast notiert, dass du gereist bist."}
TEMPLATES = Path(ingest.__file__).parent / "web" / "templates"


def assessed(state: str, **columns: object) -> Assessment:
    plain = assess([Night(SUNDAY, hrv_ms=60, resting_heart_rate=50)])[0]
    return replace(plain, state=state, **columns)


def series(last: Assessment, count: int = 40, gap: int = 1) -> list[Assessment]:
    earlier = [replace(last, day=last.day - timedelta(days=gap * k), state="normal") for k in range(count, 0, -1)]
    return [*earlier, last]


@cache
def every_hero(language: Language) -> list[words.Hero]:
    heroes = [words.empty(language), words.working(language)]
    heroes += [make(title, language) for make in (words.connected, words.held_up) for title in ("Oura", "WHOOP")]
    ways = [words.by_file(language), words.by_vendor("WHOOP", language), words.by_nobody("Oura", language)]
    noted = Gate("travel", active=True, reason=TRAVELLED[language], since=SUNDAY)
    for state, nights, outside, provisional in product(words.HEROES, (1, 2, 28, 1234), (0, 1, 7), (False, True)):
        last = assessed(
            state,
            nights_in_state=nights,
            outside_nights=outside,
            judged_nights=8 if outside else 0,
            provisional=provisional,
            pattern="adapting" if outside == 1 else "steady",
            gates=(noted,) if outside == 7 else (),
        )
        for given in ([last], series(last, 12), series(last, 2, 400)):
            for coming in ways:
                heroes.append(words.hero(given, coming, language))
            heroes.append(words.waiting(given, ways[1], language))
            heroes += [words.silent(given, SUNDAY + timedelta(days=away), ways[1], language) for away in (2, 6, 7, 400)]
    return list(dict.fromkeys(heroes))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_headline_and_suggestion_fits_its_place_and_stays_calm(language):
    for hero in every_hero(language):
        assert 0 < len(hero.headline) <= 28, hero.headline
        assert 0 < len(hero.suggestion) <= 90, hero.suggestion
        for text in (hero.word, hero.headline, hero.suggestion, hero.note, hero.inside):
            assert not FORBIDDEN[language].search(text), text
            assert not ALARMING.search(text), text
            assert not re.search(r"!|\{|None|\.\.|  ", text), text


def test_every_headline_has_its_own_in_the_other_language():
    english, german = ({hero.headline for hero in every_hero(language)} for language in LANGUAGES)
    assert not english & german


def test_a_state_within_a_sentence_is_written_as_its_language_writes_it():
    last = assessed("travel", day=date(2026, 11, 19))
    assert words.silent([last], SUNDAY).note == "Last reading, Thu 19 Nov: travelling."
    assert words.silent([last], SUNDAY, None, "de").note == "Letzte Auswertung, Do 19. Nov: auf Reisen."
    assert words.silent([last], SUNDAY, None, "de").headline == "Nichts seit Donnerstag"
    assert words.waiting([last], None, "de").note == "Gestern: auf Reisen."


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.name)
def test_no_page_uses_a_word_of_alarm_or_of_medicine(template):
    visible = re.sub(r"\{[%{].*?[%}]\}|<[^>]*>|Not a medical device", " ", template.read_text(), flags=re.DOTALL)
    assert not FORBIDDEN_ON_PAGES.search(visible)
    assert not re.search(r"\b(patient|athlete|user)\b", visible, re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_a_shape_and_a_word_of_its_own(language):
    looks = [(hero.shape, hero.word) for hero in words.HEROES_IN[language].values()]
    assert len({shape for shape, _ in looks}) == len(looks)
    assert len({word for _, word in looks}) == len(looks)


def test_the_headline_of_strain_counts_the_nights():
    last = assessed("strained", outside_nights=7, judged_nights=8)
    assert words.hero([last]).headline == "Strain for 7 of 8 nights"


def test_leaning_says_how_many_nights_lean():
    last = assessed("watch", outside_nights=3, judged_nights=5)
    assert words.hero([last]).suggestion.startswith("Three of your last five lean towards strain.")


def test_easing_counts_its_nights_and_tells_how_long_strain_lasted():
    strained = assessed("strained", nights_in_state=11)
    last = replace(strained, day=SUNDAY + timedelta(days=2), state="recovering", nights_in_state=2)
    hero = words.hero([strained, last])
    assert hero.headline == "Two nights nearer usual"
    assert hero.note == "Strain lasted 11 nights."
    assert words.hero([replace(last, nights_in_state=1)]).headline == "One night nearer usual"


def test_learning_counts_recorded_nights_and_names_the_day_of_the_first_reading():
    nights = [Night(SUNDAY - timedelta(days=k), hrv_ms=None if k == 3 else 60) for k in range(16, -1, -1)]
    hero = words.hero(assess(nights))
    assert hero.headline == "16 of 21 nights so far"
    assert "Around Friday" in hero.suggestion
    assert "Around Thu 26 Nov" in words.hero(assess(nights[:6])).suggestion


def test_learning_that_has_its_nights_promises_no_date():
    since = SUNDAY - timedelta(days=30)
    nights = [assessed("collecting", day=since + timedelta(days=k), state_since=since) for k in range(31)]
    assert words.hero(nights).headline == "Learning your usual"


def test_after_a_new_device_learning_counts_from_there():
    since = SUNDAY - timedelta(days=4)
    days = [SUNDAY - timedelta(days=60 - k) for k in range(61)]
    nights = [assessed("collecting" if day >= since else "normal", day=day, state_since=since) for day in days]
    assert words.hero(nights).headline == "5 of 21 nights so far"


def test_travel_that_the_person_noted_is_not_said_to_have_moved_their_clock():
    noted = Gate("travel", active=True, reason="You noted that you travelled.", since=SUNDAY)
    assert words.hero([assessed("travel", gates=(noted,))]).headline == "You noted travel"
    german = replace(noted, reason=TRAVELLED["de"])
    assert words.hero([assessed("travel", gates=(german,))], None, "de").headline == "Du hast Reise notiert"
    moved = Gate("travel", active=True, reason="Your clock moved by three hours or more.", since=SUNDAY)
    assert words.hero([assessed("travel", gates=(moved,))]).headline == "Your clock has moved"


def test_a_young_range_looks_as_usual_but_is_still_learning():
    hero = words.hero([assessed("normal", provisional=True)])
    assert (hero.word, hero.headline) == ("Learning", "Looks as usual, early days")


def test_thirty_quiet_nights_are_counted_and_twenty_nine_are_not():
    quiet = {"provisional": False, "pattern": "steady"}
    assert words.hero([assessed("normal", nights_in_state=30, **quiet)]).headline == "30 nights as usual"
    assert words.hero([assessed("normal", nights_in_state=29, **quiet)]).headline == "Nothing stands out"


def test_too_few_nights_are_counted_and_the_last_reading_is_dated():
    last = assessed("insufficient")
    before = replace(assessed("strained"), day=SUNDAY - timedelta(days=13))
    hero = words.hero([before, last])
    assert hero.headline == "1 night in 12 days"
    assert hero.note == "Last reading: 9 Nov, strained."


def test_an_old_night_is_dated_and_never_passes_as_today():
    last = assessed("strained", day=date(2026, 11, 19))
    hero = words.silent([last], SUNDAY)
    assert hero.headline == "Nothing since Thursday"
    assert hero.note == "Last reading, Thu 19 Nov: strained."
    assert words.silent([last], date(2026, 12, 24)).headline == "Nothing since 19 Nov"
    assert words.silent([last], date(2027, 3, 1)).headline == "Nothing since 19 Nov 2026"
    assert words.waiting([last]).note == "Yesterday: strained."


@pytest.mark.parametrize(
    ("value", "expected"),
    [(53.4, "below"), (53.5, "within"), (54, "within"), (68.4, "within"), (68.6, "above"), (None, None)],
)
def test_a_comparison_never_contradicts_the_printed_numbers(value, expected):
    given = Input("hrv", value, 54.3, 67.8, 60, "a")
    assert words.direction(given) == expected


def test_a_range_is_a_sentence():
    given = Input("hrv", 48.2, 53.8, 68.1, 60, "a")
    assert words.range_sentence(given) == "Overnight HRV 48 ms, below usual (54–68)."
    young = replace(given, usual_low=None, usual_high=None)
    assert words.range_sentence(young) == "Overnight HRV 48 ms."
    assert words.range_sentence(replace(given, value=None)) == "Overnight HRV: nothing last night."


def test_a_range_is_a_sentence_in_german_with_its_own_comma():
    given = Input("respiratory_rate", 17.13, 13.96, 15.2, 60, "a")
    assert words.range_sentence(given, "de") == "Atemfrequenz 17,1 pro Minute, höher als üblich (14,0–15,2)."
    assert words.range_sentence(replace(given, value=None), "de") == "Atemfrequenz: letzte Nacht nichts."


def test_a_vendors_heart_rate_of_the_day_is_called_resting_and_one_measured_asleep_is_not():
    given = Input("resting_heart_rate", 55, 49, 54, 60, "a", "vendor_day")
    assert words.range_sentence(given) == "Resting heart rate 55 bpm, above usual (49–54)."
    assert words.range_sentence(given, "de") == "Ruhepuls 55 bpm, höher als üblich (49–54)."
    asleep = replace(given, kind="sleep")
    assert words.range_sentence(asleep).startswith("Sleeping heart rate")
    night = replace(assessed("normal"), inputs=(given,))
    assert words.usual_ranges(night) == "Your usual range: resting heart rate 49–54 bpm."
    assert words.usual_ranges(night, "de") == "Dein üblicher Bereich: Ruhepuls 49–54 bpm."
    assert words.finding([night], "resting_heart_rate", "de").startswith("Ruhepuls über deinem üblichen Bereich")


def test_a_finding_says_what_the_picture_shows():
    def night(k: int, value: float | None) -> Assessment:
        return replace(
            assessed("normal", day=SUNDAY + timedelta(days=k)), inputs=(Input("hrv", value, 54, 68, 60, "a"),)
        )

    low = [night(k, 48) for k in range(7)] + [night(7, 60)]
    assert words.finding(low, "hrv") == "Overnight HRV below your usual on 7 of the last 8 nights."
    assert words.finding([night(0, 60)], "hrv") == "Overnight HRV within your usual on 1 of the last 1 night."
    assert words.finding([night(0, None)], "hrv") == "Overnight HRV: no nights."


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ((2026, 11, 14), (2026, 11, 22), "14–22 Nov"),
        ((2026, 10, 28), (2026, 11, 3), "28 Oct – 3 Nov"),
        ((2025, 12, 30), (2026, 1, 2), "30 Dec 2025 – 2 Jan"),
        ((2026, 11, 22), (2026, 11, 22), "22 Nov"),
    ],
)
def test_stretches_of_days_are_written_as_people_do(first, last, text):
    assert words.span(date(*first), date(*last)) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ((2026, 11, 14), (2026, 11, 22), "14.–22. Nov"),
        ((2026, 2, 28), (2026, 3, 3), "28. Feb – 3. März"),
        ((2025, 12, 30), (2026, 1, 2), "30. Dez 2025 – 2. Jan"),
        ((2026, 11, 22), (2026, 11, 22), "22. Nov"),
    ],
)
def test_stretches_of_days_are_written_as_germans_do(first, last, text):
    assert words.span(date(*first), date(*last), "de") == text


def test_counts_have_separators_and_a_plural():
    assert [words.counted(n, "night") for n in (0, 1, 2, 1043)] == ["0 nights", "1 night", "2 nights", "1,043 nights"]


def test_days_and_times_are_short():
    assert words.day(SUNDAY) == "Sun 22 Nov"
    assert words.full(SUNDAY) == "22 Nov 2026"
    assert words.clock_time(1320) == "22:00"
    assert words.day(SUNDAY, "de") == "So 22. Nov"
    assert words.full(SUNDAY, "de") == "22. Nov 2026"
