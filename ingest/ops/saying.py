"""How spans, shares and counts are said to those who run the service."""

from datetime import timedelta

MINUTE, HOUR, DAY = 60, 3600, 86_400
SHORT, LONG = 2 * MINUTE, 2 * DAY


def lasting(span: timedelta) -> str:
    """A span as people say it: `40 s`, `22 min`, `2 h 10 min`, `3 days`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < SHORT:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < LONG:
        minutes = seconds % HOUR // MINUTE
        return f"{seconds // HOUR} h {minutes} min" if minutes else f"{seconds // HOUR} h"
    return f"{seconds // DAY} days"


def share(part: int, whole: int) -> str:
    """A part of a whole: `61 %`, and `<1 %` for what is there at all."""
    if part and part * 100 < whole:
        return "<1 %"
    return f"{part * 100 // whole if whole else 0} %"


def many(count: int, one: str, more: str) -> str:
    """`1 person`, `1,204 people`."""
    return f"{count:,} {one if count == 1 else more}"
