"""The dates below a picture, far enough apart to be read."""

from datetime import date
from itertools import pairwise

from ingest import words
from ingest.chart import marks
from ingest.chart.frame import YEAR, Calendar
from ingest.words.dates import MONTHS_IN

AXIS = 18.0
LABEL_WIDTH = 50.0


def axis(shown: Calendar, bottom: float) -> str:
    """Mondays, else first days of months, quarters or years."""
    long = len(shown.days) > YEAR
    for chosen in (_mondays, _months, _quarters, _januaries):
        days = [day for day in shown.days if chosen(day)]
        apart = min(((later - earlier).days for earlier, later in pairwise(days)), default=YEAR) * shown.step
        if apart >= LABEL_WIDTH:
            return "".join(_tick(shown, bottom, day, long=long) for day in days if shown.x(day) >= LABEL_WIDTH / 2)
    return ""


def _tick(shown: Calendar, bottom: float, day: date, *, long: bool) -> str:
    month = MONTHS_IN[shown.language][day.month - 1]
    text, x = f"{month} {day.year}" if long else words.short(day, language=shown.language), shown.x(day)
    line = marks.path("tick", marks.vertical(x, bottom - AXIS, bottom - AXIS + 4))
    return line + marks.text("date", x, bottom - 3, text, "middle")


def _mondays(day: date) -> bool:
    return day.weekday() == 0


def _months(day: date) -> bool:
    return day.day == 1


def _quarters(day: date) -> bool:
    return day.day == 1 and day.month % 3 == 1


def _januaries(day: date) -> bool:
    return day.day == 1 and day.month == 1
