"""What the ring has seen reaches the simulated vendor only when the phone syncs, and a night is settled later."""

from datetime import UTC, datetime, time, timedelta

import pytest

from providers.simulator.people import Story
from providers.simulator.phone import THRICE_DAILY, Phone
from tests.providers.simulator_stage import Stage

NIGHTS = {"start_date": "2026-03-18", "end_date": "2026-03-25"}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "offset", "synced"),
    [
        ("2026-03-20T07:29:59", 0, "2026-03-19T22:00"),
        ("2026-03-20T07:30", 0, "2026-03-20T07:30"),
        ("2026-03-20T21:00", 0, "2026-03-20T13:00"),
        ("2026-03-20T15:29", -480, "2026-03-20T06:00"),
        ("2026-03-20T15:30", -480, "2026-03-20T15:30"),
    ],
)
def test_a_phone_that_syncs_three_times_a_day_does_so_on_the_persons_own_clock(now, offset, synced):
    assert Phone(THRICE_DAILY).last_sync(at(now), offset) == at(synced)


def test_a_phone_with_no_times_syncs_all_the_time():
    assert Phone().last_sync(at("2026-03-20T07:29"), 0) == at("2026-03-20T07:29")


def test_a_phone_that_is_away_hands_nothing_over_until_it_is_back():
    away = [(at("2026-03-10T08:00"), at("2026-03-20T09:00"))]
    assert Phone(THRICE_DAILY, away).last_sync(at("2026-03-20T08:30"), 0) == at("2026-03-10T07:30")
    assert Phone(THRICE_DAILY, away).last_sync(at("2026-03-20T12:59"), 0) == at("2026-03-10T07:30")
    assert Phone(THRICE_DAILY, away).last_sync(at("2026-03-20T13:00"), 0) == at("2026-03-20T13:00")
    assert Phone((), away).last_sync(at("2026-03-20T08:59:59"), 0) == at("2026-03-10T07:59:59")
    assert Phone((), away).last_sync(at("2026-03-20T09:00"), 0) == at("2026-03-20T09:00")


def test_opening_the_app_syncs_at_once():
    phone = Phone((time(22),))
    assert phone.last_sync(at("2026-03-20T08:00"), 0) == at("2026-03-19T22:00")
    phone.opened.append(at("2026-03-20T07:00"))
    assert phone.last_sync(at("2026-03-20T08:00"), 0) == at("2026-03-20T07:00")
    assert phone.last_sync(at("2026-03-20T06:00"), 0) == at("2026-03-19T22:00")


def test_a_night_is_there_after_the_first_sync_that_follows_it():
    stage = Stage(phone=Phone((time(9), time(22)))).at("2026-03-20T08:59")
    stage.connect()
    assert "2026-03-20" not in {one["day"] for one in stage.all("sleep", **NIGHTS)}
    stage.at("2026-03-20T09:00")
    assert "2026-03-20" in {one["day"] for one in stage.all("sleep", **NIGHTS)}


def test_heart_rate_ends_at_the_last_sync():
    stage = Stage(phone=Phone(THRICE_DAILY)).at("2026-03-20T12:59")
    stage.connect()
    span = {"start_datetime": "2026-03-19T00:00:00Z", "end_datetime": "2026-03-21T00:00:00Z"}
    assert max(one["timestamp"] for one in stage.all("heartrate", **span)) <= "2026-03-20T07:30:00.000Z"
    stage.at("2026-03-20T13:00")
    assert max(one["timestamp"] for one in stage.all("heartrate", **span)) > "2026-03-20T12:50:00.000Z"


def test_a_night_is_scored_in_the_background_and_once_more_when_it_is_settled():
    stage = Stage()
    stage.connect()
    wake = stage.account.nights[-1].wake.replace(tzinfo=UTC)
    stage.now = wake + timedelta(minutes=5)
    first = stage.all("sleep", **NIGHTS)[-1]
    stage.now = wake + timedelta(hours=2)
    settled = next(one for one in stage.all("sleep", **NIGHTS) if one["id"] == first["id"])
    assert first["sleep_analysis_reason"] == "background_sleep_analysis"
    assert settled["average_hrv"] == stage.account.nights[-1].hrv_ms != first["average_hrv"]
    assert settled["bedtime_end"] > first["bedtime_end"]
    assert settled["hrv"]["items"][: len(first["hrv"]["items"])] == first["hrv"]["items"]
    assert len(settled["hrv"]["items"]) == len(first["hrv"]["items"]) + 3


def test_a_days_steps_grow_until_the_day_is_over():
    stage = Stage(Story.STEADY)
    stage.connect()
    counts = []
    for now in ("2026-03-19T11:00", "2026-03-19T19:00", "2026-03-20T03:59", "2026-03-20T04:00", "2026-03-20T12:00"):
        found = stage.at(now).all("daily_activity", start_date="2026-03-19", end_date="2026-03-20")
        counts.append(found[0]["steps"])
        assert {one["id"] for one in found} == {found[0]["id"]}
    assert counts == sorted(counts)
    assert counts[1] < counts[2] < counts[3] == counts[4]


def test_a_sleep_that_the_person_threw_away_stays_as_a_tombstone():
    stage = Stage()
    stage.connect()
    night = stage.all("sleep", **NIGHTS)[0]
    stage.account.removed[night["id"]] = stage.now
    assert [one["type"] for one in stage.all("sleep", **NIGHTS) if one["id"] == night["id"]] == ["deleted"]
