"""The usual range a night, as steps, since it drifts: hatched while it is young, paler while it is doubted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ingest import words
from ingest.chart import marks
from ingest.chart.frame import LINE, RIGHT, Calendar, Frame, Spot, changed
from ingest.chart.marks import number

CARRIED = 14  # nights without data over which the usual range is still drawn


@dataclass(slots=True)
class Usual:
    """One unbroken stretch of the usual range, as heights a night."""

    xs: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)


def usual(frame: Frame, shown: Calendar, spots: Sequence[Spot]) -> Iterator[str]:
    """The range with its dashed edges, and its two values of today at the right."""
    for run in _stretches(frame, spots):
        yield marks.path("band", _area(frame, run))
    for doubted, group in groupby(spots, key=lambda spot: spot.doubted):
        for run in _stretches(frame, list(group)) if doubted else ():
            yield marks.path("doubted", _area(frame, run))
    for young, group in groupby(spots, key=lambda spot: spot.provisional):
        for run in _stretches(frame, list(group)) if young else ():
            yield f'<path fill="url(#hatch-{number(shown.width)})" d="{_area(frame, run)}"/>'
    for run in _stretches(frame, spots):
        top, bottom = _edges(frame, run)
        yield marks.path("edge", f"M{top}M{bottom}")
    yield from _values(frame, shown, spots)


def _values(frame: Frame, shown: Calendar, spots: Sequence[Spot]) -> Iterator[str]:
    last = next((spot.given for spot in reversed(spots) if spot.given and spot.given.usual_low is not None), None)
    if last and last.usual_low is not None and last.usual_high is not None:
        low, high = frame.y(last.usual_low), frame.y(last.usual_high)
        apart = max(0.0, LINE - (low - high)) / 2
        for y, value in ((high - apart, last.usual_high), (low + apart, last.usual_low)):
            yield marks.text("value", shown.width - RIGHT + 8, y + 4, words.shown(value, frame.signal, shown.language))


def _area(frame: Frame, run: Usual) -> str:
    top, bottom = _edges(frame, run)
    return f"M{top}L{bottom}Z"


def _edges(frame: Frame, run: Usual) -> tuple[str, str]:
    """The upper edge from left to right, the lower one from right to left."""
    return _steps(run.xs, run.highs, frame.step), _steps(run.xs[::-1], run.lows[::-1], -frame.step)


def _stretches(frame: Frame, spots: Sequence[Spot]) -> Iterator[Usual]:
    """Unbroken stretches of the range: carried over a short silence, broken at a change of series."""
    run, kept, silent = Usual(), None, 0
    for spot in spots:
        given = spot.given if spot.given and spot.given.usual_low is not None else None
        silent = 0 if given else silent + 1
        if run.xs and (changed(kept, spot.given) or silent > CARRIED):
            yield run
            run, kept = Usual(), None
        kept = given or kept
        if kept and kept.usual_low is not None and kept.usual_high is not None:
            run.xs.append(spot.x)
            run.lows.append(frame.y(kept.usual_low))
            run.highs.append(frame.y(kept.usual_high))
    if run.xs:
        yield run


def _steps(xs: Sequence[float], ys: Sequence[float], step: float) -> str:
    """A path that keeps one height through each night; only corners are written."""
    path, written = f"{number(xs[0] - step / 2)} {number(ys[0])}", number(ys[0])
    for x, y in zip(xs, ys, strict=True):
        if number(y) != written:
            path, written = f"{path}H{number(x - step / 2)}V{number(y)}", number(y)
    return f"{path}H{number(xs[-1] + step / 2)}"
