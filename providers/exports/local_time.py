"""Times as files print them: a wall clock's reading in one column, its offset from UTC in another."""

import re
from datetime import UTC, datetime, timedelta

_TIME = re.compile(r"(20\d\d)([-/])(\d{1,2})\2(\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?")
_ZONE = re.compile(r"(?:UTC|GMT)?\s*(?:Z|([+-])(\d{1,2})(?::?([0-5]\d))?)?", re.IGNORECASE)
_WIDEST_OFFSET = 14 * 60  # minutes; Kiribati


def wall_clock(text: str) -> datetime | None:
    """A naive local time, to the second; None if this is not one. Years before 2000 are no wearable's."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    year, _, month, day, hour, minute, second = found.groups("0")
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001 - local
    except ValueError:
        return None


def offset_minutes(text: str) -> int | None:
    """Minutes east of UTC of `UTC-08:00`, `UTCZ`, `Z`, `+0530` or `GMT+1`; None if unreadable or empty."""
    found = _ZONE.fullmatch(text.replace("\N{MINUS SIGN}", "-"))
    if not found or not text:
        return None
    sign, hours, minutes = found.groups("0")
    offset = int(hours) * 60 + int(minutes)
    if offset > _WIDEST_OFFSET:
        return None
    return -offset if sign == "-" else offset


def instant(local: datetime, offset: int | None) -> datetime:
    """The moment, in UTC, at which a clock `offset` minutes east of UTC shows `local`; without an offset, UTC's."""
    return local.replace(tzinfo=UTC) - timedelta(minutes=offset or 0)
