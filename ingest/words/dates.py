"""Dates as people write them, in the two languages. Their months carry no dot: a date may end a sentence."""

from collections.abc import Mapping, Sequence
from datetime import date

from scoring import Language

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS_IN: Mapping[Language, Sequence[str]] = {
    "en": WEEKDAYS,
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
MONTHS_IN: Mapping[Language, Sequence[str]] = {
    "en": MONTHS,
    "de": ("Jan", "Feb", "März", "Apr", "Mai", "Juni", "Juli", "Aug", "Sept", "Okt", "Nov", "Dez"),
}
_WEEKDAY_LETTERS: Mapping[Language, int] = {"en": 3, "de": 2}
_DAY: Mapping[Language, str] = {"en": "{day}", "de": "{day}."}


def weekday(value: date, language: Language = "en") -> str:
    """`Sunday`, `Sonntag`."""
    return WEEKDAYS_IN[language][value.weekday()]


def day(value: date, language: Language = "en") -> str:
    """`Sun 22 Nov`, `So 22. Nov`."""
    return f"{weekday(value, language)[: _WEEKDAY_LETTERS[language]]} {short(value, language=language)}"


def short(value: date, beside: date | None = None, language: Language = "en") -> str:
    """`22 Nov`, `22. Nov`, and with its year where that differs from the date it stands beside."""
    year = f" {value.year}" if beside and value.year != beside.year else ""
    return f"{_number(value, language)} {MONTHS_IN[language][value.month - 1]}{year}"


def full(value: date, language: Language = "en") -> str:
    """`22 Nov 2026`, `22. Nov 2026`."""
    return f"{short(value, language=language)} {value.year}"


def span(first: date, last: date, language: Language = "en") -> str:
    """`14–22 Nov`, `28 Oct – 3 Nov`, or one date."""
    if first == last:
        return short(first, language=language)
    if (first.year, first.month) == (last.year, last.month):
        return f"{_number(first, language)}–{short(last, language=language)}"
    return f"{short(first, last, language)} – {short(last, language=language)}"


def clock_time(minutes: int) -> str:
    """Minutes since midnight as `22:00`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _number(value: date, language: Language) -> str:
    return _DAY[language].format(day=value.day)
