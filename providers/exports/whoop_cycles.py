"""physiological_cycles.csv: a row a cycle: the night that began it, the recovery after it, the strain of its day."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.exports import whoop_series as series
from providers.exports.table import Line
from providers.exports.whoop_columns import Columns
from providers.exports.whoop_moments import Moments, SetAside, moments_of, set_aside
from providers.measures import Definition, Measure
from providers.shapes import DayValue, Episode, Rejected, Row, State

OF_THE_NIGHT: Mapping[str, Definition] = {
    "hrv": series.HRV,
    "resting": series.RESTING,
    "breathing": series.BREATHING,
    "skin": series.SKIN,
    "oxygen": series.OXYGEN,
    "asleep": series.ASLEEP,
    "recovery": series.READINESS,
}
OF_THE_DAY: Mapping[str, Definition] = {"strain": series.STRAIN, "energy": series.ENERGY}


def _minutes(name: str) -> Measure:
    return Measure(f"{name}_minutes", "min", 0, 1440)


def _percent(name: str) -> Measure:
    return Measure(f"{name}_percent", "%", 0, 100)


# Totals of the night that are kept with the episode: no series, no baseline.
DETAIL: Mapping[str, Measure] = {
    **{name: _minutes(name) for name in ("asleep", "in_bed", "light", "deep", "rem", "awake", "need", "debt")},
    **{name: _percent(name) for name in ("performance", "efficiency", "consistency")},
}
_READ: Mapping[str, Measure] = {
    **DETAIL,
    **{name: definition.measure for name, definition in (*OF_THE_NIGHT.items(), *OF_THE_DAY.items())},
}
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")


@dataclass(frozen=True, slots=True)
class Cycle:
    """One row that could be read: its times, its plausible numbers, and the numbers that were set aside."""

    moments: Moments
    line: Line
    numbers: Mapping[str, float]
    rejected: tuple[Rejected, ...]

    @property
    def state(self) -> State:
        """Pending while the cycle runs: its strain grows and its night may still be edited."""
        return "final" if self.moments.end else "pending"

    @property
    def rank(self) -> tuple[bool, list[str], str]:
        """Which of two rows of one cycle stands: the finished one, else the larger text; never the later line."""
        return self.state == "final", self.line.cells, self.line.text


def read_cycle(line: Line, columns: Columns, now: datetime) -> Cycle | Rejected:
    """Read one row. What is wrong with a single number leaves the rest of the row in place."""
    try:
        moments = moments_of(line, columns, now)
    except SetAside as verdict:
        return set_aside(line, verdict)
    numbers: dict[str, float] = {}
    rejected: list[Rejected] = []
    for name, measure in _READ.items():
        text = columns.cell(line.cells, name)
        if not text:
            continue
        value, reason = _number(text.replace(",", ".") if columns.decimal_comma else text, measure)
        if reason:
            rejected.append(Rejected(reason, line.text, line.number, columns.title(name), moments.record))
        else:
            numbers[name] = value
    return Cycle(moments, line, numbers, tuple(rejected))


def rows_of(cycle: Cycle) -> Iterator[Row]:
    """The night, the values that hang on it, the values of the day, and what was set aside."""
    night = _night(cycle)
    if night:
        yield night
    for name, definition in OF_THE_NIGHT.items():
        if name in cycle.numbers:
            yield _value(cycle, name, definition, night)
    for name, definition in OF_THE_DAY.items():
        if name in cycle.numbers:
            yield _value(cycle, name, definition, None)
    yield from cycle.rejected


def _night(cycle: Cycle) -> Episode | None:
    moments = cycle.moments
    if moments.onset is None:
        return None
    return Episode(
        stream=series.SLEEP_STREAM,
        record=moments.record,
        kind="sleep",
        starts_at=moments.onset,
        ends_at=moments.wake,
        day=moments.day,
        utc_offset_minutes=moments.offset,
        state=cycle.state,
        detail={measure.name: cycle.numbers[name] for name, measure in DETAIL.items() if name in cycle.numbers},
    )


def _value(cycle: Cycle, name: str, definition: Definition, night: Episode | None) -> DayValue:
    """Of the night's interval where a night is given. Of a night without times, only its start is known."""
    moments = cycle.moments
    of_the_day = definition.context == "day"
    return DayValue(
        definition=definition,
        record=moments.record,
        value=cycle.numbers[name],
        starts_at=night.starts_at if night else moments.start,
        ends_at=night.ends_at if night else moments.end if of_the_day else None,
        day=series.day_of_cycle(moments.start, moments.offset) if of_the_day else moments.day,
        utc_offset_minutes=moments.offset,
        state=cycle.state,
        link=(series.SLEEP_STREAM, moments.record) if night else None,
    )


def _number(text: str, measure: Measure) -> tuple[float, str | None]:
    """The value, and why it cannot stand. The reason tells no number: it is kept in the open, the row is not."""
    if not _NUMBER.fullmatch(text):
        return 0.0, "it is not a number"
    value = float(text)
    if measure.plausible(value):
        return value, None
    reason = "it is negative" if value < 0 else f"it is outside what can be true ({measure.low:g} to {measure.high:g})"
    return value, reason
