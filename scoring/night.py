"""What is known of one person's nights, and the same nights as columns on the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]
SignalName: TypeAlias = Literal[
    "hrv", "resting_heart_rate", "respiratory_rate", "skin_temperature", "oxygen_saturation", "sleep"
]

RESETS = frozenset({"new_device", "reset_baseline"})  # tags after which nothing earlier is usual any more
SHORTEST_SLEEP = 180.0  # minutes; less is a nap, or a device taken off
LONGEST_GAP = 90  # rows kept of a longer silence: no window here is longer than 66 nights


@dataclass(frozen=True, slots=True)
class Session:
    """One training session: minutes, and intensity as a share (0-1) of the person's own maximum."""

    minutes: float
    intensity: float
    starts_minute: float | None = None  # after the local midnight that its day begins with


@dataclass(frozen=True, slots=True)
class Night:
    """One person, one civil day (the day of waking); a day without data is an empty Night."""

    day: date
    hrv_ms: float | None = None  # rMSSD or SDNN, whichever the series is
    resting_heart_rate: float | None = None  # bpm, sleeping where the vendor has it
    respiratory_rate: float | None = None  # breaths/min
    skin_temperature: float | None = None  # °C, absolute or deviation: only differences from the own median are used
    oxygen_saturation: float | None = None  # %
    sleep_minutes: float | None = None
    utc_offset_minutes: int | None = None
    steps: float | None = None  # of the day before
    load: float | None = None  # training load of the day before, any unit
    sessions: tuple[Session, ...] = ()  # the day before
    performance: float | None = None  # output at a given effort, relative to the person's own past; higher is better
    tags: frozenset[str] = frozenset()  # alcohol, ill, travel, new_device, reset_baseline, soreness, heavy_warm_up, …
    cycle_phase: Literal["follicular", "luteal"] | None = None
    hrv_series: str = ""  # opaque; a change restarts that signal's baseline. The same for the next three
    resting_series: str = ""
    respiratory_series: str = ""
    temperature_series: str = ""
    hrv_kind: Literal["rmssd", "sdnn"] = "rmssd"
    hrv_window: Literal["night", "spot"] = "night"
    resting_kind: Literal["sleep", "vendor_day"] = "sleep"
    load_series: str = ""  # opaque: the scale of `load`; a change begins its comparisons anew
    effort: float | None = None  # how hard the day before felt, 0-10, in the person's own word
    heart_rate_recovery: float | None = None  # /min that heart rate fell in the minute after training, the day before


@dataclass(frozen=True, slots=True)
class Source:
    """Where in a Night a signal stands, what is plausible of it, and which fields say that it is another series."""

    value: str
    low: float
    high: float
    identity: tuple[str, ...] = ()


SOURCES: Mapping[SignalName, Source] = {
    "hrv": Source("hrv_ms", 5, 300, ("hrv_series", "hrv_kind", "hrv_window")),
    "resting_heart_rate": Source("resting_heart_rate", 28, 110, ("resting_series", "resting_kind")),
    "respiratory_rate": Source("respiratory_rate", 4, 40, ("respiratory_series",)),
    "skin_temperature": Source("skin_temperature", -20, 50, ("temperature_series",)),
    "oxygen_saturation": Source("oxygen_saturation", 50, 100),
    "sleep": Source("sleep_minutes", 0, 1440),
}


@dataclass(frozen=True, slots=True)
class Diary:
    """Nights as columns: row r is `days[r]`, with a row for every missing day, and NaN where nothing plausible is.

    `since[signal][r]` is the row at which that signal's present series began. Calendar windows thereby are slices.
    """

    nights: Sequence[Night]
    at: list[int]  # the row of each given night
    days: list[date]
    values: dict[SignalName, Floats]
    since: dict[SignalName, Rows]

    def column(self, field: str) -> Floats:
        """Any numeric field of Night over all rows; NaN where it is missing or not a finite number."""
        return self._spread(_numbers(self.nights, field))

    def tagged(self, *tags: str) -> Bools:
        """Rows whose night carries one of these tags."""
        return self.where([not night.tags.isdisjoint(tags) for night in self.nights])

    def where(self, given: Sequence[bool]) -> Bools:
        """Spread a truth about each given night over all rows; False on missing days."""
        column = np.zeros(len(self.days), dtype=np.bool_)
        column[self.at] = given
        return column

    def _spread(self, given: Floats) -> Floats:
        column = np.full(len(self.days), np.nan)
        column[self.at] = given
        return column


def open_diary(nights: Sequence[Night]) -> Diary:
    """Lay nights out on the calendar, leaving out what cannot be true."""
    days, at = _calendar(nights)
    diary = Diary(nights, at, days, {}, {})
    sleep = _plausible(nights, SOURCES["sleep"])
    whole = ~(sleep < SHORTEST_SLEEP)
    for name, source in SOURCES.items():
        given = _plausible(nights, source)
        given = given if name == "sleep" else np.where(whole, given, np.nan)
        diary.values[name] = diary._spread(given)  # noqa: SLF001 - the diary is being filled by its own module
        diary.since[name] = _since(diary, np.isfinite(given), source)
    return diary


def last_row(mask: Bools) -> Rows:
    """For every row, the latest row so far where `mask` holds; -1 before the first."""
    return np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))


def _calendar(nights: Sequence[Night]) -> tuple[list[date], list[int]]:
    days: list[date] = []
    at: list[int] = []
    for night in nights:
        if days:
            before = days[-1]
            gap = (night.day - before).days
            if gap <= 0:
                message = f"nights must ascend by day, one a day: {night.day} follows {before}"
                raise ValueError(message)
            days.extend(before + timedelta(days=k) for k in range(1, min(gap, LONGEST_GAP)))
        at.append(len(days))
        days.append(night.day)
    return days, at


def _numbers(nights: Sequence[Night], field: str) -> Floats:
    column = np.array(list(map(attrgetter(field), nights)), dtype=np.float64)  # None becomes NaN
    column[~np.isfinite(column)] = np.nan
    return column


def _plausible(nights: Sequence[Night], source: Source) -> Floats:
    column = _numbers(nights, source.value)
    column[~((column >= source.low) & (column <= source.high))] = np.nan
    return column


def _since(diary: Diary, known: Bools, source: Source) -> Rows:
    """Row at which the present series began: at a change of identity between two values, or at a person's word."""
    began = np.zeros(len(diary.days), dtype=np.int64)
    current: tuple[str, ...] | None = None
    for night, row, has_value in zip(diary.nights, diary.at, known.tolist(), strict=True):
        key = tuple([getattr(night, field) for field in source.identity]) if has_value else current
        if current is not None and (key != current or not RESETS.isdisjoint(night.tags)):
            began[row] = row
        current = key
    return np.maximum.accumulate(began)
