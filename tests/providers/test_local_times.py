"""Times and zones as exports print them."""

from datetime import UTC, datetime

import pytest

from providers.exports.local_time import instant, offset_minutes, wall_clock


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01 06:40:11",
        "2026-11-01T06:40:11",
        "2026/11/01 06:40:11",
        "2026/11/1 6:40:11",
        "2026-11-01 06:40:11.123",
        "2026-11-01 06:40:11,5",
    ],
)
def test_a_time_is_read_in_each_form_to_the_second(text):
    assert str(wall_clock(text)) == "2026-11-01 06:40:11"


def test_a_time_may_lack_its_seconds():
    assert str(wall_clock("2026-11-01 06:40")) == "2026-11-01 06:40:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-01",
        "06:40",
        "01/11/2026 06:40",
        "2026-11/01 06:40",
        "2026-13-01 06:40",
        "2026-02-29 06:40",
        "2026-11-01 24:00:00",
        "1999-11-01 06:40",
        "2026-11-01 06:40:11 PM",
        "45962.278",
    ],
)
def test_anything_else_is_no_time(text):
    assert wall_clock(text) is None


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("UTC-08:00", -480),
        ("UTC+05:30", 330),
        ("UTC\N{MINUS SIGN}03:30", -210),
        ("UTCZ", 0),
        ("UTC", 0),
        ("Z", 0),
        ("gmt", 0),
        ("+01:00", 60),
        ("-0930", -570),
        ("GMT+1", 60),
        ("GMT-5", -300),
        ("UTC +14:00", 840),
        ("UTC-00:00", 0),
    ],
)
def test_a_zone_is_read_in_each_form(text, minutes):
    assert offset_minutes(text) == minutes


@pytest.mark.parametrize("text", ["", "PST", "America/Los_Angeles", "UTC+14:01", "UTC+05:75", "+1:2:3", "8"])
def test_anything_else_is_no_zone(text):
    assert offset_minutes(text) is None


def test_a_clock_east_of_utc_shows_an_instant_later():
    shown = datetime.fromisoformat("2026-11-01 06:40:00")
    assert instant(shown, 330) == datetime(2026, 11, 1, 1, 10, tzinfo=UTC)
    assert instant(shown, None) == datetime(2026, 11, 1, 6, 40, tzinfo=UTC)
