"""The night from within: which sleep, which series, in what steps; and that the drawing says what the words say."""

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from ingest import accounts, intraday, people
from ingest.chart import day as day_chart
from ingest.saving import save
from ingest.source import GRANT_RANK, Source
from providers import measures
from providers.measures import Definition
from providers.shapes import Episode, Points

DAY = date(2026, 11, 22)
BEGAN = datetime(2026, 11, 21, 21, 28, tzinfo=UTC)
ENDED = BEGAN + timedelta(hours=8)
HEART = Definition(measures.HEART_RATE, "asleep", "sleep")
ALL_DAY = Definition(measures.HEART_RATE, "all day", "day")
HRV = Definition(measures.HRV_RMSSD, "asleep", "sleep")


@pytest.fixture
def keep(session, clock):
    """Save rows for one person; returns their id."""
    clock(ENDED)
    person = people.ensure(session, "mira@example.org").id
    connection = accounts.file_connection(session, account := accounts.file_account(session, person, "oura"))

    def save_rows(*rows) -> int:
        save(session, Source(person, account.id, connection, "oura.sleep", GRANT_RANK, ENDED, "1"), rows)
        return person

    return save_rows


def sleep(began=BEGAN, ended=ENDED, **more) -> Episode:
    return Episode("oura.sleep", f"{began}", "sleep", began, ended, DAY, 60, **more)


def every(seconds: int, definition: Definition, values, began=BEGAN) -> Points:
    at = int(began.timestamp()) + seconds * np.arange(len(values), dtype=np.int64)
    return Points(definition, at, np.asarray(values, np.float32))


def test_a_night_is_shown_in_steps_of_five_minutes_on_the_clock_where_it_was_slept(session, keep):
    person = keep(sleep(), every(60, HEART, [50, 52, 54, 56, 58] * 96))
    inside = intraday.of_night(session, person, DAY)
    (trace,) = inside.traces
    assert f"{inside.began:%H:%M}" == "22:28"
    assert trace.minutes.tolist() == list(range(0, 480, 5))
    assert trace.value == pytest.approx([54.0] * 96)


def test_a_series_of_sleep_stands_before_one_of_the_day_and_the_two_are_never_mixed(session, keep):
    person = keep(sleep(), every(300, HEART, [50] * 96), every(60, ALL_DAY, [70] * 480))
    (trace,) = intraday.of_night(session, person, DAY).traces
    assert set(trace.value.tolist()) == {50.0}


def test_the_main_sleep_is_shown_and_a_nap_is_not(session, keep):
    nap = ENDED + timedelta(hours=6)
    rows = [sleep(nap, nap + timedelta(hours=2), main=False), every(60, HEART, [60] * 120, nap)]
    person = keep(*rows)
    assert intraday.of_night(session, person, DAY) is None
    keep(sleep(), every(300, HEART, [50] * 96))
    assert intraday.of_night(session, person, DAY).minutes == 480


def test_a_night_of_which_little_is_known_is_not_drawn(session, keep):
    person = keep(sleep(), every(300, HEART, [50] * 11))
    assert intraday.of_night(session, person, DAY) is None
    assert intraday.of_night(session, person, DAY - timedelta(days=1)) is None


def test_nobody_sees_the_night_of_another(session, keep):
    keep(sleep(), every(300, HEART, [50] * 96))
    other = people.ensure(session, "rolf@example.org").id
    assert intraday.of_night(session, other, DAY) is None


def test_the_picture_breaks_over_a_gap_and_says_in_words_what_it_shows(session, keep):
    first, later = [60.0] * 30, [48.0, *[52.0] * 29]
    after = BEGAN + timedelta(hours=5)
    person = keep(sleep(), every(300, HEART, first), every(300, HEART, later, after), every(300, HRV, [40, 80] * 48))
    inside = intraday.of_night(session, person, DAY)
    told = "22:28 to 06:28. HRV 40–80 ms. Heart rate 48–60 bpm, lowest at 03:28."
    assert day_chart.finding(inside) == told
    for drawn in day_chart.pair(inside):
        assert f'aria-label="{told}"' in drawn
        assert [outline.count("M") for outline in re.findall(r'class="trace" d="([^"]+)"', drawn)] == [1, 2]


def test_the_picture_speaks_german_to_whoever_reads_german(session, keep):
    inside = intraday.of_night(session, keep(sleep(), every(300, HEART, [60.0] * 60 + [48.0] * 36)), DAY)
    told = "22:28 bis 06:28. Puls 48–60 bpm, am niedrigsten um 03:28."
    assert day_chart.finding(inside, "de") == told
    for drawn in day_chart.pair(inside, "de"):
        assert f'aria-label="{told}"' in drawn
        assert ">Puls in der Nacht, bpm<" in drawn


def test_a_night_without_change_is_drawn_as_a_level_line(session, keep):
    inside = intraday.of_night(session, keep(sleep(), every(300, HEART, [50] * 96)), DAY)
    (outline,) = re.findall(r'class="trace" d="([^"]+)"', day_chart.svg(inside, day_chart.PHONE))
    assert len({place.split(" ")[1] for place in re.split("[ML]", outline)[1:]}) == 1


def test_the_hours_below_lie_far_enough_apart_to_be_read(session, keep):
    inside = intraday.of_night(session, keep(sleep(), every(300, HEART, [50] * 96)), DAY)
    for size in (day_chart.PHONE, day_chart.DESK):
        places = [float(x) for x in re.findall(r'class="date" x="([^"]+)"', day_chart.svg(inside, size))]
        assert len(places) >= 3
        assert min(np.diff(places)) >= day_chart.LABEL_WIDTH
