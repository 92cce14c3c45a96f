"""When a row of WHOOP's files happened: its cycle, its sleep, its zone, and the civil day it belongs to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from providers.exports.local_time import instant, offset_minutes, wall_clock
from providers.exports.table import Line
from providers.exports.whoop_columns import Columns
from providers.exports.whoop_series import LONGEST_SLEEP, day_of_cycle
from providers.shapes import Rejected

CLOCK_ERROR = timedelta(days=1)  # a phone's clock or zone may be wrong by this much
EARLIEST = datetime(2012, 1, 1, tzinfo=UTC)  # WHOOP was founded in that year; one such row would make empty decades


class SetAside(Exception):
    """Raised when a row cannot be kept; the text is the reason, `record` its key where that could be read."""

    def __init__(self, reason: str, record: str | None = None) -> None:
        """Keep the key, so that a later good version of the row is known to replace it."""
        super().__init__(reason)
        self.record = record


@dataclass(frozen=True, slots=True)
class Moments:
    """Instants in UTC, the civil day, and the offset in minutes. A night is both onset and wake, or neither."""

    record: str
    start: datetime
    end: datetime | None
    onset: datetime | None
    wake: datetime | None
    day: date
    offset: int | None

    @property
    def latest(self) -> datetime:
        """The last instant at which the cycle is known to have run: its end, or while it runs its start."""
        return self.end or self.start


def moments_of(line: Line, columns: Columns, now: datetime) -> Moments:
    """Read the times of one row; raises SetAside."""
    if line.fault:
        raise SetAside(line.fault)
    offset = _offset(line, columns)
    local_start = _local(line, columns, "start", None)
    if local_start is None:
        raise SetAside("it has no cycle start")
    start = instant(local_start, offset)
    record = key_of(start)
    local_end = _local(line, columns, "end", record)
    local_onset, local_wake = _local(line, columns, "onset", record), _local(line, columns, "wake", record)
    if local_onset is None or local_wake is None:
        local_onset = local_wake = None
    reason = _impossible(local_start, local_end, local_onset, local_wake)
    if reason:
        raise SetAside(reason, record)
    end, onset, wake = (instant(local, offset) if local else None for local in (local_end, local_onset, local_wake))
    if max(known for known in (start, end, wake) if known) > now + CLOCK_ERROR:
        raise SetAside("it lies in the future", record)
    if start < EARLIEST:
        raise SetAside("it lies before there was a WHOOP", record)
    # A row without a night falls on the day on which its night would have ended, and a journal answer on the day of the
    # morning it was given.
    day = local_wake.date() if local_wake else day_of_cycle(start, offset)
    return Moments(record, start, end, onset, wake, day, offset)


def key_of(start: datetime) -> str:
    """The record's key: its cycle's start in UTC, which no zone, language or later edit of values changes."""
    return f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def set_aside(line: Line, verdict: SetAside) -> Rejected:
    """A whole row as it is reported."""
    return Rejected(str(verdict), line.text, line=line.number, record=verdict.record)


def _offset(line: Line, columns: Columns) -> int | None:
    if "zone" not in columns.at:
        return None
    offset = offset_minutes(columns.cell(line.cells, "zone"))
    if offset is None:
        raise SetAside(f"its {columns.title('zone')} is not one such as UTC-08:00")
    return offset


def _local(line: Line, columns: Columns, name: str, record: str | None) -> datetime | None:
    text = columns.cell(line.cells, name)
    local = wall_clock(text)
    if text and local is None:
        raise SetAside(f"its {columns.title(name)} is not a time such as 2026-11-01 06:40:11", record)
    return local


def _impossible(start: datetime, end: datetime | None, onset: datetime | None, wake: datetime | None) -> str | None:
    if end and end <= start:
        return "cycle end is not after cycle start"
    if onset and wake and wake <= onset:
        return "wake onset is not after sleep onset"
    if onset and wake and wake - onset > LONGEST_SLEEP:
        return "its sleep is longer than 24 hours"
    return None
