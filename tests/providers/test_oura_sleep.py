"""What Oura's sleep documents mean, trap by trap. The person is invented."""

import json
from datetime import UTC, date, datetime

import numpy as np
import pytest

from ingest.grants.reading import read_page
from providers import get
from providers.shapes import DayValue, Episode, Gone, Points, Rejected
from tests.providers.pages import ASKED

SLEEP = get("oura").stream("oura.sleep")
NIGHT = {
    "id": "s-1",
    "day": "2026-03-26",
    "type": "long_sleep",
    "bedtime_start": "2026-03-25T23:00:00+01:00",
    "bedtime_end": "2026-03-26T07:00:00+01:00",
    "average_hrv": 52,
    "lowest_heart_rate": 47,
    "average_breath": 14.25,
    "readiness": {"temperature_deviation": -0.1, "contributors": {"resting_heart_rate": 0}},
    "total_sleep_duration": 25200,
    "ring_id": "ring-1",
}
STARTS = int(datetime(2026, 3, 25, 22, tzinfo=UTC).timestamp())


def read(*changes):
    data = [{**NIGHT, **change} for change in changes]
    return read_page(SLEEP, json.dumps({"data": data}).encode(), ASKED).rows


def values(**change):
    return {row.definition.measure.name: row.value for row in read(change) if isinstance(row, DayValue)}


def one(kind, **change):
    (row,) = [row for row in read(change) if isinstance(row, kind)]
    return row


def points(measure, **change):
    (row,) = [row for row in read(change) if isinstance(row, Points) and row.definition.measure.name == measure]
    return row


def hrv(items, starts="2026-03-25T23:00:00+01:00", interval=300.0):
    return points("heart_rate_variability_rmssd", hrv={"items": items, "timestamp": starts, "interval": interval})


def test_a_night_has_oura_s_own_mean_of_hrv_and_the_lowest_heart_rate_under_names_that_say_so():
    named = {(row.definition.measure.name, row.definition.name): row for row in read({}) if isinstance(row, DayValue)}
    assert {name: row.value for name, row in named.items()} == {
        ("heart_rate_variability_rmssd", "oura_sleep_mean"): 52,
        ("resting_heart_rate", "oura_sleep_lowest"): 47,
        ("respiratory_rate", "oura_sleep"): 14.25,
        ("total_sleep_time", "oura_sleep"): 420,
        ("skin_temperature_deviation", "oura_sleep"): -0.1,
    }
    for row in named.values():
        assert (row.record, row.link, row.day, row.device) == (
            "s-1",
            ("oura.sleep", "s-1"),
            date(2026, 3, 26),
            "ring-1",
        )
        assert (row.starts_at, row.ends_at) == (
            datetime(2026, 3, 25, 22, tzinfo=UTC),
            datetime(2026, 3, 26, 6, tzinfo=UTC),
        )
        assert (row.utc_offset_minutes, row.definition.context) == (60, "sleep")


@pytest.mark.parametrize("nothing", [255, 0, None])
def test_255_zero_and_null_are_no_heart_rate_and_no_hrv_and_nobody_is_told_of_them(nothing):
    found = read({"lowest_heart_rate": nothing, "average_hrv": nothing, "average_breath": nothing})
    told = {row.definition.measure.name: (row.value, row.state) for row in found if isinstance(row, DayValue)}
    for measure in ("resting_heart_rate", "heart_rate_variability_rmssd", "respiratory_rate"):
        assert told[measure] == (None, "unscorable")
    assert not [row for row in found if isinstance(row, Rejected)]


def test_a_deviation_of_zero_is_a_deviation():
    assert values(readiness={"temperature_deviation": 0.0})["skin_temperature_deviation"] == 0.0
    assert values(readiness={"score": None})["skin_temperature_deviation"] is None
    assert values(readiness=None)["skin_temperature_deviation"] is None


@pytest.mark.parametrize("kind", ["sleep", "late_nap", "rest", "a_word_of_tomorrow"])
def test_only_a_long_sleep_scores_and_what_becomes_another_sleep_takes_its_numbers_back(kind):
    before, after = read({}), read({"type": kind})
    series = {(row.definition, row.device, row.record) for row in before if isinstance(row, DayValue)}
    emptied = {(row.definition, row.device, row.record) for row in after if isinstance(row, DayValue)}
    assert emptied == series, "a value that is not said anew would stand for ever"
    assert {(row.value, row.state) for row in after if isinstance(row, DayValue)} == {(None, "unscorable")}


def test_a_refused_sleep_is_no_sleep_though_its_numbers_look_true():
    rest = {"type": "rest", "hrv": {"items": [44.0], "timestamp": "2026-03-25T23:00:00+01:00", "interval": 300.0}}
    assert one(Episode, **rest).state == "unscorable"
    assert len(points("heart_rate_variability_rmssd", **rest).at) == 0


def test_a_nap_is_a_sleep_that_is_not_the_main_one():
    assert one(Episode).main
    nap = one(Episode, type="sleep")
    assert (nap.main, nap.state) == (False, "final")


def test_a_deleted_document_is_gone_and_gives_nothing_else():
    assert read({"type": "deleted"}) == [Gone("oura.sleep", "s-1")]


def test_each_sample_has_its_time_by_its_place_nulls_counted():
    row = hrv([None, 50.0, None, None, 54.0])
    assert row.at.tolist() == [STARTS + 300, STARTS + 1200]
    assert row.value.tolist() == [50.0, 54.0]
    assert (row.borne_by, row.span) == (("oura.sleep", "s-1"), (STARTS, STARTS + 8 * 3600))


def test_samples_before_or_after_the_bedtime_are_left_out_as_nothing_would_replace_them():
    assert hrv([50.0, 51.0, 52.0], starts="2026-03-25T22:55:00+01:00").at.tolist() == [STARTS, STARTS + 300]
    assert hrv([50.0, 51.0, 52.0], starts="2026-03-26T06:50:00+01:00").value.tolist() == [50.0, 51.0]


def test_a_night_whose_samples_are_gone_says_so_with_an_empty_column():
    row = points("heart_rate_variability_rmssd", hrv=None)
    assert (len(row.at), row.borne_by) == (0, ("oura.sleep", "s-1"))
    assert (row.at.dtype, row.value.dtype) == (np.int64, np.float32)


def test_a_sample_that_cannot_be_true_is_set_aside_alone_and_one_that_says_nothing_is_left_out():
    found = read({"heart_rate": {"items": [255, 0, 300, 50], "timestamp": NIGHT["bedtime_start"], "interval": 300}})
    (row,) = [row for row in found if isinstance(row, Points) and row.definition.measure.name == "heart_rate"]
    assert row.value.tolist() == [50.0]
    assert [row.reason for row in found if isinstance(row, Rejected)] == ["heart_rate 300 /min cannot be true"]


@pytest.mark.parametrize("items", [[1e300, 50.0], [-1e300, 50.0], [50.0] * 10_000])
def test_absurd_samples_harm_nothing(items):
    assert set(hrv(items).value.tolist()) == {50.0}


def test_a_night_in_which_the_clocks_change_lasts_as_long_as_it_lasted_and_has_the_offset_of_waking():
    night = one(Episode, bedtime_start="2026-03-28T23:00:00+01:00", bedtime_end="2026-03-29T07:00:00+02:00")
    assert (night.ends_at - night.starts_at).total_seconds() == 7 * 3600
    assert night.utc_offset_minutes == 120


def test_a_traveller_s_night_belongs_to_the_day_that_oura_says():
    away = {
        "bedtime_start": "2026-03-31T22:30:00-04:00",
        "bedtime_end": "2026-04-01T06:10:00-04:00",
        "day": "2026-04-01",
    }
    assert (one(Episode, **away).day, one(Episode, **away).utc_offset_minutes) == (date(2026, 4, 1), -240)


def test_two_long_sleeps_of_one_day_are_two_records():
    second = {"id": "s-2", "bedtime_start": "2026-03-26T08:00:00+01:00", "bedtime_end": "2026-03-26T12:00:00+01:00"}
    nights = [row for row in read({}, second) if isinstance(row, Episode)]
    assert [(row.record, row.main, row.day) for row in nights] == [
        ("s-1", True, date(2026, 3, 26)),
        ("s-2", True, date(2026, 3, 26)),
    ]


def test_another_ring_is_another_series():
    assert {row.device for row in read({"ring_id": "ring-2"}) if isinstance(row, DayValue | Points)} == {"ring-2"}
    assert {row.device for row in read({"ring_id": None}) if isinstance(row, DayValue | Points)} == {None}


def test_totals_are_kept_in_minutes_and_an_edited_bedtime_is_marked():
    night = one(Episode, deep_sleep_duration=5400, latency=0, efficiency=91, sleep_analysis_reason="bedtime_edit")
    assert night.detail == {
        "asleep_minutes": 420,
        "deep_minutes": 90,
        "latency_minutes": 0,
        "efficiency_percent": 91,
        "type": "long_sleep",
    }
    assert night.edited


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bedtime_end": "2026-03-25T22:00:00+01:00"}, "it ends before it starts"),
        ({"bedtime_end": "2026-03-29T22:00:00+01:00"}, "it lasts more than 48 hours"),
        ({"bedtime_start": "2026-03-25T23:00:00"}, "bedtime_start: Input should have timezone info"),
        ({"bedtime_start": "0001-01-01T00:00:00+14:00"}, "bedtime_start: Input should be greater than or equal to"),
        ({"day": "9999-12-31"}, "day: Input should be less than"),
        ({"id": "s\u0000"}, "id: String should match pattern"),
        ({"id": ""}, "id: String should match pattern"),
        ({"id": 7}, "id: Input should be a valid string"),
        ({"total_sleep_duration": -1}, "total_sleep_duration: Input should be greater than or equal to"),
        ({"hrv": {"items": [50], "timestamp": NIGHT["bedtime_start"], "interval": 0}}, "hrv.interval: Input should be"),
        ({"type": "long\u0000"}, "type: String should match pattern"),
    ],
)
def test_a_document_that_cannot_be_is_set_aside_with_its_reason_and_the_next_is_read(change, reason):
    rows = read(change, {"id": "s-9"})
    (rejected,) = [row for row in rows if isinstance(row, Rejected)]
    assert rejected.reason.startswith(reason)
    assert [row.record for row in rows if isinstance(row, Episode)] == ["s-9"]
