"""What Oura's days, workouts, heart rates, rings and rest modes mean. The person is invented."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from ingest.grants.reading import read_page
from providers import get
from providers.base import Asked
from providers.shapes import DayValue, Episode, Points, Rejected, Tag
from tests.providers.pages import ASKED

OURA = get("oura")


def read(stream, *data, asked=ASKED):
    return read_page(OURA.stream(f"oura.{stream}"), json.dumps({"data": data}).encode(), asked).rows


def heart(at, bpm=60, source="awake", **more):
    return {"timestamp": at, "bpm": bpm, "source": source, **more}


def test_readiness_is_keyed_on_its_day_whatever_its_timestamp_says():
    away = {"id": "r", "day": "2026-04-01", "timestamp": "2026-03-31T00:00:00+00:00", "score": 61}
    for row in read("daily_readiness", away):
        assert (row.day, row.starts_at) == (date(2026, 4, 1), datetime(2026, 4, 1, tzinfo=UTC))
        assert row.utc_offset_minutes is None
        assert row.link == ("oura.daily_readiness", "r")


def test_oura_s_own_score_is_a_vendor_s_score_and_its_contributors_are_no_heart_rates():
    contributors = {"resting_heart_rate": 90, "hrv_balance": 77}
    rows = read("daily_readiness", {"id": "r", "day": "2026-04-01", "score": 61, "contributors": contributors})
    assert {(row.definition.measure.name, row.definition.name, row.value) for row in rows} == {
        ("vendor_readiness", "oura_readiness", 61),
        ("skin_temperature_deviation", "oura_readiness", None),
    }


@pytest.mark.parametrize("percentage", [None, {"average": None}, {"average": 0.0}, {}])
def test_too_little_blood_oxygen_is_none(percentage):
    (row,) = read("daily_spo2", {"id": "o", "day": "2026-04-01", "spo2_percentage": percentage})
    assert (row.value, row.state) == (None, "unscorable")


@pytest.mark.parametrize(
    ("until", "state"), [("2026-04-02T01:59:00+00:00", "pending"), ("2026-04-02T02:00:00+00:00", "final")]
)
def test_a_day_runs_from_four_to_four_and_its_steps_are_pending_while_it_runs(until, state):
    asked = Asked(ASKED.since, datetime.fromisoformat(until))
    day = {
        "id": "a",
        "day": "2026-04-01",
        "timestamp": "2026-04-01T04:00:00+02:00",
        "steps": 0,
        "active_calories": None,
    }
    row, energy = read("daily_activity", day, asked=asked)
    assert (row.definition.measure.name, row.value, row.state) == ("step_count", 0, state)
    assert (energy.value, energy.state) == (None, "unscorable" if state == "final" else "pending")
    assert (row.starts_at, row.ends_at) == (datetime(2026, 4, 1, 2, tzinfo=UTC), datetime(2026, 4, 2, 2, tzinfo=UTC))
    assert row.utc_offset_minutes == 120


def test_a_workout_has_its_class_of_intensity_and_what_was_measured():
    run = {
        "id": "w",
        "day": "2026-03-28",
        "activity": "running",
        "intensity": "hard",
        "source": "confirmed",
        "calories": 410.5,
        "distance": None,
        "start_datetime": "2026-03-28T17:00:00+01:00",
        "end_datetime": "2026-03-28T17:46:30+01:00",
    }
    (row,) = read("workout", run)
    assert isinstance(row, Episode)
    assert (row.kind, row.day, row.utc_offset_minutes) == ("workout", date(2026, 3, 28), 60)
    assert row.detail == {
        "activity": "running",
        "intensity": "hard",
        "source": "confirmed",
        "energy_kilocalories": 410.5,
        "minutes": 46.5,
    }
    (wrong, kept) = read("workout", {**run, "end_datetime": run["start_datetime"]}, {**run, "id": "w2"})
    assert (wrong.reason, wrong.record, kept.record) == ("it ends before it starts", "w", "w2")


@pytest.mark.parametrize(
    ("source", "context"),
    [
        ("sleep", "sleep"),
        ("workout", "workout"),
        ("rest", "rest"),
        ("awake", "day"),
        ("live", "day"),
        ("session", "day"),
        ("a_word_of_tomorrow", "day"),
    ],
)
def test_heart_rates_of_rest_sleep_and_sport_are_series_of_their_own(source, context):
    (row,) = read("heartrate", heart("2026-03-29T01:00:00Z", source=source))
    assert (row.definition.name, row.definition.context) == ("oura_heartrate", context)


def test_the_milliseconds_tell_the_time_where_they_are_given_and_the_words_where_not():
    at = datetime(2026, 3, 29, 1, 0, 5, tzinfo=UTC)
    with_both = heart("2026-03-29T01:00:00Z", timestamp_unix=int(at.timestamp()) * 1000)
    words = heart("2026-03-29T03:00:05+02:00", timestamp_unix=None)
    for record in (with_both, words):
        (row,) = read("heartrate", record)
        assert row.at.tolist() == [int(at.timestamp())]


def test_a_time_in_seconds_is_not_taken_for_milliseconds():
    rows = read("heartrate", heart("2026-03-29T01:00:00Z", timestamp_unix=1774746000), heart("2026-03-29T01:05:00Z"))
    assert [type(row) for row in rows] == [Rejected, Points]


def test_of_two_heart_rates_at_one_second_the_higher_stands_whatever_their_order():
    low, high = heart("2026-03-29T01:00:10Z", 120), heart("2026-03-29T01:00:10Z", 128)
    for pair in ((low, high), (high, low)):
        (row,) = read("heartrate", *pair)
        assert dict(zip(row.at.tolist(), row.value.tolist(), strict=True)) == {1774746010: 128.0}


def test_255_beats_are_set_aside_in_the_heart_rate_series_too():
    rows = read("heartrate", heart("2026-03-29T01:00:00Z", 255), heart("2026-03-29T01:05:00Z", 55))
    assert [row.value.tolist() for row in rows if isinstance(row, Points)] == [[55.0]]
    assert [row.reason for row in rows if isinstance(row, Rejected)] == ["heart_rate 255 /min cannot be true"]


@pytest.mark.parametrize("bpm", [1e300, -1.0, "fast", None])
def test_a_heart_rate_that_no_column_can_hold_is_set_aside_alone(bpm):
    rows = read("heartrate", heart("2026-03-29T01:00:00Z", bpm), heart("2026-03-29T01:05:00Z", 55))
    assert [type(row) for row in rows] == [Rejected, Points]


def ring(name, at):
    return {"id": name, "set_up_at": at}


def test_the_first_ring_is_no_new_device_and_each_later_one_is():
    rings = [
        ring("third", "2026-03-31T20:30:00Z"),
        ring("first", "2021-11-09T08:00:00Z"),
        ring("second", "2024-05-02T08:00:00Z"),
    ]
    assert [(row.day, row.name, row.link[1]) for row in read("ring_configuration", *rings)] == [
        (date(2024, 5, 2), "new_device", "second"),
        (date(2026, 3, 31), "new_device", "third"),
    ]
    assert read("ring_configuration", rings[1]) == []


def test_a_first_ring_that_an_answer_has_twice_is_no_new_device():
    first = ring("first", "2021-11-09T08:00:00Z")
    assert read("ring_configuration", first, first) == []


def test_a_ring_without_a_day_is_taken_for_the_oldest():
    rows = read("ring_configuration", ring("dated", "2026-03-31T20:30:00Z"), ring("undated", None))
    assert [row.link[1] for row in rows] == ["dated"]


def test_the_day_of_a_ring_is_that_of_utc_as_oura_tells_it_in_utc():
    rows = read("ring_configuration", ring("first", "2024-05-02T18:00:00Z"), ring("next", "2026-04-01T00:30:00+02:00"))
    assert [row.day for row in rows] == [date(2026, 3, 31)]


def test_a_rest_mode_holds_on_each_of_its_days_and_one_that_goes_on_until_what_was_asked():
    ended = {"id": "m1", "start_day": "2026-03-21", "end_day": "2026-03-24"}
    going = {"id": "m2", "start_day": "2026-04-01", "end_day": None}
    ahead = {"id": "m3", "start_day": "2026-04-03"}
    rows = read("rest_mode_period", ended, going, ahead)
    assert [(row.day, row.last_day) for row in rows] == [
        (date(2026, 3, 21), date(2026, 3, 24)),
        (date(2026, 4, 1), ASKED.until.date()),
        (date(2026, 4, 3), date(2026, 4, 3)),
    ]
    assert {(row.name, row.source, type(row)) for row in rows} == {("rest_mode", "oura", Tag)}


def test_of_two_rest_modes_that_begin_on_one_day_the_longer_comes_last_and_so_stands():
    mistaken = {"id": "m1", "start_day": "2026-03-30", "end_day": "2026-03-30"}
    meant = {"id": "m2", "start_day": "2026-03-30", "end_day": None}
    for pair in ((mistaken, meant), (meant, mistaken)):
        assert [row.link[1] for row in read("rest_mode_period", *pair)] == ["m1", "m2"]


def test_a_rest_mode_that_may_still_go_on_is_asked_for_by_the_day_it_began():
    stream = OURA.stream("oura.rest_mode_period")
    assert stream.settles >= timedelta(days=60)


def test_values_of_a_day_go_when_their_document_goes():
    documents = {
        "daily_readiness": {"id": "x", "day": "2026-04-01", "score": 61},
        "daily_spo2": {"id": "x", "day": "2026-04-01", "spo2_percentage": {"average": 96}},
        "daily_activity": {"id": "x", "day": "2026-04-01", "timestamp": "2026-04-01T04:00:00+02:00", "steps": 1},
    }
    for name, document in documents.items():
        values = [row for row in read(name, document) if isinstance(row, DayValue)]
        assert {row.link for row in values} == {(f"oura.{name}", "x")}
