"""WHOOP's data export of a synthetic person, in WHOOP's columns: newest first, times local in the cycle's zone."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from providers.simulator.people import SyntheticNight

CYCLE_COLUMNS = [
    "Cycle start time",
    "Cycle end time",
    "Cycle timezone",
    "Recovery score %",
    "Resting heart rate (bpm)",
    "Heart rate variability (ms)",
    "Skin temp (celsius)",
    "Blood oxygen %",
    "Day Strain",
    "Energy burned (cal)",
    "Max HR (bpm)",
    "Average HR (bpm)",
    "Sleep onset",
    "Wake onset",
    "Sleep performance %",
    "Respiratory rate (rpm)",
    "Asleep duration (min)",
    "In bed duration (min)",
    "Light sleep duration (min)",
    "Deep (SWS) duration (min)",
    "REM duration (min)",
    "Awake duration (min)",
    "Sleep need (min)",
    "Sleep debt (min)",
    "Sleep efficiency %",
    "Sleep consistency %",
]
SLEEP_COLUMNS = [*CYCLE_COLUMNS[:3], *CYCLE_COLUMNS[12:], "Nap"]
JOURNAL_COLUMNS = ["Cycle start time", "Cycle end time", "Cycle timezone", "Question text", "Answered yes", "Notes"]
QUESTIONS = {
    "alcohol": "Have any alcoholic drinks?",
    "ill": "Feeling sick or ill?",
    "travel": "Traveled on a plane?",
}
CAFFEINE = "Consumed caffeine?"  # answered yes on every day: most of a real journal is of no use to us
SLEEP_NEED, SLEEP_CONSISTENCY = 470, 80  # minutes, percent
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: equal people make equal bytes


def cycles_csv(nights: Sequence[SyntheticNight], *, last_is_open: bool = True, older: bool = False) -> str:
    """physiological_cycles.csv; with `last_is_open` as exported on the last morning, whose cycle has no end yet.

    An `older` strap knows neither skin temperature nor oxygen.
    """
    rows = [_cycle(*spanned) for spanned in _newest_first(nights, last_is_open=last_is_open)]
    if older:
        rows = [[*row[:6], "", "", *row[8:]] for row in rows]
    return _table(CYCLE_COLUMNS, rows)


def sleeps_csv(nights: Sequence[SyntheticNight], *, last_is_open: bool = True) -> str:
    """sleeps.csv: the same nights once more, without naps."""
    rows = (
        [*_cycle(night, end)[:3], *_cycle(night, end)[12:], "false"]
        for night, end in _newest_first(nights, last_is_open=last_is_open)
        if night.worn
    )
    return _table(SLEEP_COLUMNS, rows)


def journal_csv(nights: Sequence[SyntheticNight], *, last_is_open: bool = True) -> str:
    """journal_entries.csv: the person answers every question every morning, and truthfully."""
    rows = (
        [*_span(night, end), question, str(tag is None or tag in night.tags).lower(), ""]
        for night, end in _newest_first(nights, last_is_open=last_is_open)
        for tag, question in [(None, CAFFEINE), *QUESTIONS.items()]
    )
    return _table(JOURNAL_COLUMNS, rows)


def export_zip(nights: Sequence[SyntheticNight], *, last_is_open: bool = True, older: bool = False) -> bytes:
    """The ZIP that WHOOP mails. Stored, not packed: packed bytes would depend on the machine's zlib."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, written in (
            ("physiological_cycles.csv", cycles_csv(nights, last_is_open=last_is_open, older=older)),
            ("sleeps.csv", sleeps_csv(nights, last_is_open=last_is_open)),
            ("journal_entries.csv", journal_csv(nights, last_is_open=last_is_open)),
        ):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), written)
    return buffer.getvalue()


def highest_heart_rate(night: SyntheticNight) -> int:
    """The highest of the day that a night's waking begins."""
    return 100 + round(4 * night.strain)


def mean_heart_rate(night: SyntheticNight) -> int:
    """The mean of the day that a night's waking begins."""
    return 62 + round(night.strain)


def sleep_performance(night: SyntheticNight) -> int:
    """How much of the sleep that was needed was had, in percent."""
    return min(100, round(100 * night.asleep_minutes / SLEEP_NEED))


def sleep_efficiency(night: SyntheticNight) -> int:
    """How much of the time in bed was slept, in percent."""
    return round(100 * night.asleep_minutes / night.in_bed_minutes)


def _newest_first(
    nights: Sequence[SyntheticNight], *, last_is_open: bool
) -> Iterable[tuple[SyntheticNight, datetime | None]]:
    """Each night with the end of its cycle, which is the next falling asleep, read on this cycle's own clock."""
    ends: list[datetime | None] = [
        following.onset - timedelta(minutes=following.utc_offset_minutes - night.utc_offset_minutes)
        for night, following in pairwise(nights)
    ]
    ends += [None if last_is_open else night.onset + timedelta(days=1) for night in nights[-1:]]
    return reversed(list(zip(nights, ends, strict=True)))


def _span(night: SyntheticNight, end: datetime | None) -> list[str]:
    sign = "-" if night.utc_offset_minutes < 0 else "+"
    hours, minutes = divmod(abs(night.utc_offset_minutes), 60)
    return [str(night.onset), str(end or ""), f"UTC{sign}{hours:02}:{minutes:02}"]


def _cycle(night: SyntheticNight, end: datetime | None) -> list[object]:
    day = [night.strain, night.energy_kcal, highest_heart_rate(night), mean_heart_rate(night)]
    if not night.worn:
        return [*_span(night, end), *[""] * 5, *day, *[""] * 14]
    return [
        *_span(night, end),
        night.recovery,
        night.resting_heart_rate,
        night.hrv_ms,
        night.skin_temperature,
        night.oxygen_saturation,
        *day,
        night.onset,
        night.wake,
        sleep_performance(night),
        night.respiratory_rate,
        night.asleep_minutes,
        night.in_bed_minutes,
        night.light_minutes,
        night.deep_minutes,
        night.rem_minutes,
        night.awake_minutes,
        SLEEP_NEED,
        max(0, SLEEP_NEED - night.asleep_minutes),
        sleep_efficiency(night),
        SLEEP_CONSISTENCY,
    ]


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return written.getvalue()
