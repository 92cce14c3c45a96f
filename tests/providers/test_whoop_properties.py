"""What holds for every file: order means nothing, repetition means nothing, one bad row costs one row."""

import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.exports import whoop_csv
from providers.shapes import DayValue, Rejected
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv, journal_csv

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
PEOPLE = [nights(story, date(2026, 11, 22), 12, seed=4) for story in Story]
FAULTS = [
    "2026-11-02 22:41:07,,UTC-08:00",
    "soon" + "," * 25,
    '2026-11-02 22:41:07,"open',
    '2026-11-02 22:41:07,"bro"ken,UTC-08:00',
    "2026-11-21 22:00:00,,nowhere" + "," * 23,
    "2026-11-20 22:00:00,2026-11-20 21:00:00,UTC+02:00" + "," * 23,
    "2026-11-20 22:00:00,,UTC+02:00,7000,-5,x" + "," * 20,
    "2026-11-20 22:00:00,,UTC+02:00,70,55,44" + "," * 20,
    "2026-11-20 22:00:00,2026-11-21 21:00:00,UTC+02:00,70,55,43" + "," * 20,
    "2026-11-20 22:00:00,2026-11-21 21:00:00,UTC+02:00,71,55,42" + "," * 20,
    ",,,",
    "",
]


def rows_of(lines):
    """Rows of a file, without the line numbers that a shuffle must change."""
    export = whoop_csv.read(io.BytesIO("\n".join(lines).encode()), now=NOW)
    return Counter(repr(replace(row, line=None)) if isinstance(row, Rejected) else repr(row) for row in export.rows)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(PEOPLE), st.sampled_from([cycles_csv, journal_csv]), st.data())
def test_shuffled_and_repeated_rows_say_the_same(person, writing, data):
    header, *lines = writing(person).splitlines()
    lines = lines[:15] + data.draw(st.lists(st.sampled_from(FAULTS), max_size=12))
    repeated = lines + data.draw(st.lists(st.sampled_from(lines), max_size=6))
    assert rows_of([header, *data.draw(st.permutations(repeated))]) == rows_of([header, *lines])


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(PEOPLE), st.data())
def test_any_fault_among_good_rows_leaves_all_of_them(person, data):
    header, *lines = cycles_csv(person).splitlines()
    good = rows_of([header, *lines])
    fault = data.draw(
        st.sampled_from(FAULTS[:7]) | st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=200)
    )
    place = data.draw(st.integers(0, len(lines)))
    assert good - rows_of([header, *lines[:place], fault, *lines[place:]]) == Counter()


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(list(Story)), st.integers(0, 10_000))
def test_what_a_synthetic_person_had_is_what_the_file_says(story, seed):
    person = nights(story, date(2026, 11, 22), 30, seed, utc_offset_minutes=-480)
    export = whoop_csv.read(io.BytesIO(cycles_csv(person).encode()), now=NOW)
    assert not [row for row in export.rows if isinstance(row, Rejected)]
    said = {
        (row.day, row.definition.measure.name): (row.value, row.utc_offset_minutes)
        for row in export.rows
        if isinstance(row, DayValue) and row.definition.context == "sleep"
    }
    had = {}
    for night in person:
        values = {
            "heart_rate_variability_rmssd": night.hrv_ms,
            "resting_heart_rate": night.resting_heart_rate,
            "respiratory_rate": night.respiratory_rate,
            "skin_temperature": night.skin_temperature,
            "oxygen_saturation": night.oxygen_saturation,
            "total_sleep_time": night.asleep_minutes,
            "vendor_readiness": night.recovery,
        }
        if night.worn:
            had |= {(night.day, name): (value, night.utc_offset_minutes) for name, value in values.items()}
    assert said == had


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(list(Story)), st.integers(0, 10_000))
def test_what_a_synthetic_person_answered_is_what_the_journal_says(story, seed):
    person = nights(story, date(2026, 11, 22), 30, seed)
    export = whoop_csv.read(io.BytesIO(journal_csv(person).encode()), now=NOW)
    assert {(tag.day, tag.name) for tag in export.rows if tag.present} == {
        (night.day, tag) for night in person for tag in night.tags
    }
