"""One civil day of one person, chosen from rows: a pure function, so these tests need no database."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from ingest.nights import NightRow, assemble, tags_by_day

MONDAY = date(2026, 3, 2)


def row(signal: str, value: float, day: date = MONDAY, **more: object) -> NightRow:
    measure = {"hrv_ms": "heart_rate_variability_rmssd", "load": "vendor_strain"}.get(signal, signal)
    onset = datetime(day.year, day.month, day.day, 0, tzinfo=UTC) - timedelta(hours=1)
    fields = {
        "context": "sleep",
        "series": f"whoop///{signal}",
        "account": "/".join(str(more.get("series", "whoop/")).split("/")[:2]),
        "kin": more.get("series", f"whoop//{signal}"),
        "record": "r1",
        "starts_at": onset,
        "ends_at": onset + timedelta(hours=8),
        "utc_offset_minutes": 60,
        "version": (1, datetime(2026, 3, 9, tzinfo=UTC), "r1"),
        **more,
    }
    return NightRow(signal=signal, measure=fields.pop("measure", measure), day=day, value=value, **fields)


def nights(*rows: NightRow, tags: dict | None = None, today: date = MONDAY) -> list:
    shuffled = list(rows)
    Random(len(rows)).shuffle(shuffled)
    result = assemble(rows, tags or {}, today)
    assert result == assemble(shuffled, tags or {}, today), "the order of rows must not matter"
    return result.nights


def test_a_night_carries_its_signals_and_the_names_of_their_series() -> None:
    (night,) = nights(row("hrv_ms", 62), row("resting_heart_rate", 51), row("sleep_minutes", 430))
    assert (night.day, night.hrv_ms, night.resting_heart_rate, night.sleep_minutes) == (MONDAY, 62, 51, 430)
    assert (night.hrv_series, night.hrv_kind, night.hrv_window) == ("whoop///hrv_ms", "rmssd", "night")
    assert (night.resting_kind, night.utc_offset_minutes) == ("sleep", 60)


def test_where_a_night_was_is_what_its_hrv_says_whatever_else_was_told_elsewhere() -> None:
    told = (("sleep_minutes", 430, -300), ("oxygen_saturation", 97, 120), ("resting_heart_rate", 51, 180))
    (night,) = nights(*(row(signal, value, utc_offset_minutes=offset) for signal, value, offset in told))
    assert night.utc_offset_minutes == 180
    (night,) = nights(row("sleep_minutes", 430, utc_offset_minutes=-300), row("hrv_ms", 62))
    assert night.utc_offset_minutes == 60


def test_days_without_data_are_empty_nights_up_to_today() -> None:
    result = nights(row("hrv_ms", 62), row("hrv_ms", 60, MONDAY + timedelta(days=2)), today=MONDAY + timedelta(days=4))
    assert [night.hrv_ms for night in result] == [62, None, 60, None, None]


def test_nothing_stored_is_no_night() -> None:
    assert nights() == []


def test_nights_after_today_are_left_out() -> None:
    assert len(nights(row("hrv_ms", 62), row("hrv_ms", 60, MONDAY + timedelta(days=1)))) == 1


def test_the_strain_of_a_day_is_the_load_before_the_next_night() -> None:
    result = nights(
        row("hrv_ms", 62),
        row("load", 14.5),
        row("hrv_ms", 60, MONDAY + timedelta(days=1)),
        today=MONDAY + timedelta(days=1),
    )
    assert [night.load for night in result] == [None, 14.5]


def test_of_two_records_of_one_night_the_later_version_is_taken() -> None:
    later = (1, datetime(2026, 3, 10, tzinfo=UTC), "r2")
    (night,) = nights(row("hrv_ms", 62), row("hrv_ms", 48, record="r2", version=later))
    assert night.hrv_ms == 48


def test_a_grant_s_record_of_a_night_stands_above_a_file_s() -> None:
    grant = (2, datetime(2026, 3, 1, tzinfo=UTC), "uuid")
    (night,) = nights(row("hrv_ms", 62), row("hrv_ms", 61, record="uuid", version=grant))
    assert night.hrv_ms == 61


def test_of_a_night_and_a_nap_on_one_day_the_longer_sleep_is_taken() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    nap = {"record": "r2", "starts_at": noon, "ends_at": noon + timedelta(hours=9), "version": (1, noon, "r2")}
    (night,) = nights(
        row("hrv_ms", 62), row("hrv_ms", 80, **nap), row("sleep_minutes", 430), row("sleep_minutes", 50, **nap)
    )
    assert (night.hrv_ms, night.sleep_minutes) == (62, 430)


@pytest.mark.parametrize(("hours_later", "taken"), [(3, 48), (5, 62)])
def test_two_records_are_one_night_when_they_share_more_than_half(hours_later: int, taken: float) -> None:
    onset = datetime(2026, 3, 1, 23, tzinfo=UTC) + timedelta(hours=hours_later)
    edited = {"record": "r2", "starts_at": onset, "ends_at": onset + timedelta(hours=8)}
    later = (1, datetime(2026, 3, 10, tzinfo=UTC), "r2")
    (night,) = nights(
        row("hrv_ms", 62),
        row("sleep_minutes", 480),
        row("hrv_ms", 48, version=later, **edited),
        row("sleep_minutes", 300, version=later, **edited),
    )
    assert night.hrv_ms == taken


def test_without_sleep_time_the_longer_interval_is_taken() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    (night,) = nights(
        row("hrv_ms", 62), row("hrv_ms", 80, record="r2", starts_at=noon, ends_at=noon + timedelta(hours=1))
    )
    assert night.hrv_ms == 62


def test_a_second_device_does_not_take_over_while_the_first_still_speaks() -> None:
    days = [MONDAY + timedelta(days=offset) for offset in range(30)]
    ring = [row("hrv_ms", 60, day, series="ring") for day in days if day != days[3]]
    strap = [row("hrv_ms", 90, day, series="strap") for day in days[2:]]
    result = nights(*ring, *strap, today=days[-1])
    assert {night.hrv_series for night in result if night.hrv_ms} == {"ring"}
    assert result[3].hrv_ms is None


def test_a_second_device_takes_over_after_the_first_was_silent_for_a_week() -> None:
    days = [MONDAY + timedelta(days=offset) for offset in range(20)]
    ring = [row("hrv_ms", 60, day, series="ring") for day in days[:5]]
    strap = [row("hrv_ms", 90, day, series="strap") for day in days[5:]]
    result = nights(*ring, *strap, today=days[-1])
    assert [night.hrv_series for night in result] == ["ring"] * 5 + [""] * 7 + ["strap"] * 8


def test_sdnn_and_a_vendor_s_all_day_resting_rate_are_named_as_such() -> None:
    (night,) = nights(
        row("hrv_ms", 44, measure="heart_rate_variability_sdnn", context="rest"),
        row("resting_heart_rate", 55, context="day"),
    )
    assert (night.hrv_kind, night.hrv_window, night.resting_kind) == ("sdnn", "spot", "vendor_day")


def test_a_person_s_own_word_on_a_tag_stands_above_a_vendor_s() -> None:
    said = [
        (MONDAY, "alcohol", "journal a", True, None),
        (MONDAY, "alcohol", "journal b", False, None),
        (MONDAY, "ill", "journal a", True, None),
        (MONDAY, "ill", "person", False, None),
        (MONDAY, "travel", "person", True, None),
    ]
    assert tags_by_day(said) == {MONDAY: frozenset({"alcohol", "travel"})}
    assert tags_by_day(reversed(said)) == tags_by_day(said)


def ring(name: str, day: int, value: float) -> NightRow:
    series, kin = f"oura/a/{name}/hrv", "oura/a/hrv"
    return row("hrv_ms", value, MONDAY + timedelta(days=day), series=series, kin=kin, record=f"{name}{day}")


def test_a_new_ring_is_followed_from_its_first_night() -> None:
    old, new = [ring("old", day, 60) for day in range(5)], [ring("new", day, 50) for day in range(5, 8)]
    result = nights(*old, *new, today=MONDAY + timedelta(days=7))
    assert [night.hrv_ms for night in result] == [60] * 5 + [50] * 3
    assert [night.hrv_series for night in result[4:6]] == ["oura/a/old/hrv", "oura/a/new/hrv"]


def test_two_rings_worn_in_turn_are_not_followed_back_and_forth() -> None:
    worn = [ring("one" if day < 3 or day == 5 else "two", day, 60) for day in range(8)]
    result = nights(*worn, today=MONDAY + timedelta(days=7))
    assert [night.hrv_series[7:10] for night in result] == ["one", "one", "one", "two", "two", "", "two", "two"]


def test_another_vendor_takes_over_only_after_a_week_of_silence() -> None:
    band = [
        row("hrv_ms", 90, MONDAY + timedelta(days=day), series="band/hrv", kin="band/hrv", record=f"b{day}")
        for day in range(3, 12)
    ]
    result = nights(*[ring("old", day, 60) for day in range(3)], *band, today=MONDAY + timedelta(days=11))
    assert [night.hrv_ms for night in result[:11]] == [60, 60, 60] + [None] * 7 + [90]


def test_a_tag_that_lasts_holds_on_each_of_its_days() -> None:
    last = MONDAY + timedelta(days=2)
    held = tags_by_day([(MONDAY, "rest_mode", "oura", True, last), (last, "rest_mode", "person", False, None)])
    assert sorted(held) == [MONDAY, MONDAY + timedelta(days=1)]


def test_a_tag_that_nobody_ended_does_not_last_for_ever() -> None:
    held = tags_by_day([(MONDAY, "rest_mode", "oura", True, MONDAY + timedelta(days=4000))])
    assert len(held) == 91
