"""The one chart, drawn here as SVG: both deciding signals in their own usual range, for pages, terminal and mail.

The drawing carries classes only. A page colours them by `web/static/chart.css`; `png` reads the same rules with the
light colours written in, as a mail client knows no variables.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from html import escape
from itertools import groupby, pairwise
from pathlib import Path
from statistics import fmean

import resvg_py

from ingest import marks, words
from ingest.marks import number
from scoring import Assessment, Input

FONT = Path(__file__).parent / "static_fonts" / "Roboto-Regular.ttf"
RULES = Path(__file__).parent / "web" / "static" / "chart.css"
LIGHT: Mapping[str, str] = {
    "ink": "#1b1f24",
    "ink-2": "#525a63",
    "band": "#dce6ee",
    "band-edge": "#6b8398",
    "calm": "#1f6f8b",
    "strained": "#b0244a",
    "signs": "#6a3f87",
    "none": "#5f6670",
    "card": "#ffffff",
    "line": "#d9d6cf",
}
LEFT, RIGHT, TITLE, FLOOR, GAP, AXIS = 6.0, 44.0, 22.0, 14.0, 10.0, 18.0
EPISODES = {"strained": "strained", "possible_illness": "signs"}
THIN_FROM = 120  # shown days from which marks are joined into one path a kind, to keep a page small
JUDGED, REACH, FEWEST = (
    8,
    12,
    4,
)  # recorded nights that the line averages, among so many calendar nights, at least so many
CARRIED = 14  # nights without data over which the usual range is still drawn
YEAR = 365
MAIL, PHONE, DESK = (360, 132), (328, 132), (600, 150)  # a panel's width and height, in CSS pixels
LABEL_WIDTH = 50.0
LAST = 1.6  # times larger: last night
CAP, LINE = 3.0, 13.0  # heights: of an episode's upper edge, of a line of letters
TOLD, CHANGED = "you were told", "a new source: your range starts again"


@dataclass(frozen=True, slots=True)
class Spot:
    """One calendar night on the x axis: the signal's input where there is one, and what the night was part of."""

    day: date
    x: float
    given: Input | None
    tone: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot of one signal: where it lies, and how a value becomes a height."""

    signal: str
    top: float
    bottom: float
    step: float
    low: float
    high: float

    def of(self, given: Input) -> float:
        """Height of a night. What prints as within the range is drawn within it: values are whole, edges are not."""
        value, low, high = given.value or 0.0, given.usual_low, given.usual_high
        if low is not None and high is not None and words.direction(given) == "within":
            value = min(max(value, low), high)
        return self.y(value)

    def y(self, value: float) -> float:
        """Height of a value; what lies outside the scale stays at its edge."""
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top)


@dataclass(slots=True)
class Usual:
    """One unbroken stretch of the usual range, as heights a night."""

    xs: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)


def svg(
    assessments: Sequence[Assessment],
    *,
    days: int | None = 35,
    size: tuple[int, int] = MAIL,
    told: Collection[date] = (),
    until: date | None = None,
) -> str:
    """The nights up to `until`, else to the last one, with a bell where the person was told; all without `days`."""
    if not assessments:
        return ""
    width, height = size
    calendar = _calendar(assessments, days, until)
    whole = 2 * height + GAP + AXIS
    parts = [
        _panel(signal, assessments, calendar, (index * (height + GAP), width, height), told if index == 0 else ())
        for index, signal in enumerate(words.DECIDING)
    ]
    label = escape(" ".join(words.finding(assessments, signal) for signal in words.DECIDING))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {number(whole)}" '
        f'role="img" aria-label="{label}">'
        f'<defs><pattern id="hatch-{width}" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)">'
        '<path class="hatching" d="M0 0V5"/></pattern></defs>'
        f"{''.join(parts)}{_axis(calendar, width, whole)}</svg>"
    )


def pair(
    assessments: Sequence[Assessment], *, days: int = 35, told: Collection[date] = (), until: date | None = None
) -> list[str]:
    """The drawing for a phone and for a desk: one that is stretched would blow its letters up."""
    return [svg(assessments, days=days, size=size, told=told, until=until) for size in (PHONE, DESK)]


def png(
    assessments: Sequence[Assessment], *, days: int = 35, told: Collection[date] = (), until: date | None = None
) -> bytes:
    """The same drawing for mail, in the light colours, twice as dense as it is shown."""
    drawn = (
        svg(assessments, days=days, told=told, until=until)
        or '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
    )
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=drawn,
            background=LIGHT["card"],
            zoom=2,
            skip_system_fonts=True,
            font_files=[str(FONT)],
            font_family="Roboto",
            style_sheet=_light_rules(),
        )
    )


@lru_cache(maxsize=1)
def _light_rules() -> str:
    rules = re.sub(r"/\*.*?\*/|@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", RULES.read_text(), flags=re.DOTALL)
    return re.sub(r"var\(--([a-z0-9-]+)\)", lambda found: LIGHT[found[1]], rules)


def _calendar(assessments: Sequence[Assessment], days: int | None, until: date | None) -> list[date]:
    last = max(until or assessments[-1].day, assessments[-1].day)
    shown = days or (last - assessments[0].day).days + 1
    return [last - timedelta(days=back) for back in range(shown - 1, -1, -1)]


def _panel(
    signal: str,
    assessments: Sequence[Assessment],
    calendar: Sequence[date],
    place: tuple[float, float, float],
    told: Collection[date],
) -> str:
    """One signal, from back to front: episode, usual range, mean, nights."""
    y, width, height = place
    step = (width - LEFT - RIGHT) / len(calendar)
    spots = _spots(signal, assessments, calendar, step)
    low, high = _limits(signal, assessments, calendar)
    frame = Frame(signal, y + TITLE, y + height - FLOOR, step, low, high)
    known = words.SIGNALS[signal]
    parts = [
        marks.text("title", LEFT, y + 12, f"{known.label}, {known.unit}"),
        *_episodes(frame, spots),
        *_usual(frame, spots, width),
        *_changes(frame, spots),
        marks.path("mean", _mean(frame, assessments, spots)),
        *_nights(frame, spots, assessments[0].day),
        *(marks.path("bell", marks.bell(spot.x, y + TITLE - 10), TOLD) for spot in spots if spot.day in told),
    ]
    return f"<g>{''.join(parts)}</g>"


def _spots(signal: str, assessments: Sequence[Assessment], calendar: Sequence[date], step: float) -> list[Spot]:
    known = {each.day: each for each in assessments}
    spots = []
    for index, day in enumerate(calendar):
        each = known.get(day)
        given = words.one(each, signal) if each else None
        tone = EPISODES.get(each.state, "") if each else ""
        spots.append(Spot(day, LEFT + step * (index + 0.5), given, tone, bool(each and each.provisional)))
    return spots


def _limits(signal: str, assessments: Sequence[Assessment], calendar: Sequence[date]) -> tuple[float, float]:
    """The scale, from the last year and not from the window, so that the picture does not jump from day to day."""
    since = min(calendar[0], calendar[-1] - timedelta(days=YEAR))
    given = [found for each in assessments if each.day >= since and (found := words.one(each, signal))]
    values = sorted(found.value for found in given if found.value is not None)
    if not values:
        return 0.0, 1.0
    edges = [edge for found in given[-YEAR:] for edge in (found.usual_low, found.usual_high) if edge is not None]
    low = min([values[len(values) // 100], *edges])
    high = max([values[-1 - len(values) // 100], *edges])
    room = max((high - low) * 0.1, 0.5)
    return low - room, high + room


def _episodes(frame: Frame, spots: Sequence[Spot]) -> Iterator[str]:
    for tone, run in groupby(spots, key=lambda spot: spot.tone):
        if not tone:
            continue
        xs = [spot.x for spot in run]
        x, width = xs[0] - frame.step / 2, xs[-1] - xs[0] + frame.step
        yield marks.rectangle(f"tint {tone}", x, frame.top - 4, width, frame.bottom - frame.top + 4)
        yield marks.rectangle(tone, x, frame.top - 4, width, CAP)


def _usual(frame: Frame, spots: Sequence[Spot], width: float) -> Iterator[str]:
    """The range a night, as steps, since it drifts; hatched while it is young; its two values at the right."""
    for run in _stretches(frame, spots):
        top, bottom = _edges(frame, run)
        yield marks.path("band", f"M{top}L{bottom}Z")
        yield marks.path("edge", f"M{top}M{bottom}")
    for young, group in groupby(spots, key=lambda spot: spot.provisional):
        for run in _stretches(frame, list(group)) if young else ():
            top, bottom = _edges(frame, run)
            yield f'<path fill="url(#hatch-{number(width)})" d="M{top}L{bottom}Z"/>'
    last = next((spot.given for spot in reversed(spots) if spot.given and spot.given.usual_low is not None), None)
    if last and last.usual_low is not None and last.usual_high is not None:
        low, high = frame.y(last.usual_low), frame.y(last.usual_high)
        apart = max(0.0, LINE - (low - high)) / 2
        for y, value in ((high - apart, last.usual_high), (low + apart, last.usual_low)):
            yield marks.text("value", width - RIGHT + 8, y + 4, words.shown(value, frame.signal))


def _edges(frame: Frame, run: Usual) -> tuple[str, str]:
    """The upper edge from left to right, the lower one from right to left."""
    return _steps(run.xs, run.highs, frame.step), _steps(run.xs[::-1], run.lows[::-1], -frame.step)


def _stretches(frame: Frame, spots: Sequence[Spot]) -> Iterator[Usual]:
    """Unbroken stretches of the range: carried over a short silence, broken at a change of series."""
    run, kept, silent = Usual(), None, 0
    for spot in spots:
        given = spot.given if spot.given and spot.given.usual_low is not None else None
        silent = 0 if given else silent + 1
        if run.xs and (_changed(kept, given) or silent > CARRIED):
            yield run
            run, kept = Usual(), None
        kept = given or kept
        if kept and kept.usual_low is not None and kept.usual_high is not None:
            run.xs.append(spot.x)
            run.lows.append(frame.y(kept.usual_low))
            run.highs.append(frame.y(kept.usual_high))
    if run.xs:
        yield run


def _changed(before: Input | None, after: Input | None) -> bool:
    """Whether both are known and are different series."""
    return bool(before and after and before.series and after.series and before.series != after.series)


def _steps(xs: Sequence[float], ys: Sequence[float], step: float) -> str:
    """A path that keeps one height through each night; only corners are written."""
    path, written = f"{number(xs[0] - step / 2)} {number(ys[0])}", number(ys[0])
    for x, y in zip(xs, ys, strict=True):
        if number(y) != written:
            path, written = f"{path}H{number(x - step / 2)}V{number(y)}", number(y)
    return f"{path}H{number(xs[-1] + step / 2)}"


def _changes(frame: Frame, spots: Sequence[Spot]) -> Iterator[str]:
    given = [spot for spot in spots if spot.given and spot.given.value is not None]
    for before, after in pairwise(given):
        if _changed(before.given, after.given):
            yield marks.path("change", marks.vertical(after.x - frame.step / 2, frame.top, frame.bottom), CHANGED)


def _mean(frame: Frame, assessments: Sequence[Assessment], spots: Sequence[Spot]) -> str:
    """The mean of the judged nights of one series, broken where they are too few; never a line from night to night."""
    known = {each.day: found for each in assessments if (found := words.one(each, frame.signal))}
    outline, pen, series = "", "M", ""
    for spot in spots:
        series = (spot.given.series if spot.given else "") or series
        back = (known.get(spot.day - timedelta(days=k)) for k in range(REACH))
        recent = [each.value for each in back if each and each.value is not None and each.series in {series, ""}]
        if len(recent) < FEWEST:
            pen = "M"
        elif spot.given is not None and spot.given.value is not None:
            outline += f"{pen}{number(spot.x)} {number(frame.y(fmean(recent[:JUDGED])))}"
            pen = "L"
    return outline


def _nights(frame: Frame, spots: Sequence[Spot], first: date) -> Iterator[str]:
    thin = len(spots) > THIN_FROM
    joined: dict[str, list[str]] = {}
    for index, spot in enumerate(spots):
        if spot.given is None or spot.given.value is None:
            if not thin and spot.day >= first:
                yield marks.path("missing", marks.cross(spot.x, frame.bottom + 7), f"{words.day(spot.day)}: no night")
            continue
        kind, outline = _shape(spot, spot.given)
        size = 0.55 if thin else min(1.0, max(0.6, frame.step / 8)) * (LAST if index == len(spots) - 1 else 1.0)
        drawn = outline(spot.x, frame.of(spot.given), size)
        if thin:
            joined.setdefault(kind, []).append(drawn)
        else:
            yield marks.path(kind, drawn, _named(spot.day, spot.given))
            yield from _clipped(frame, spot, spot.given.value)
    for kind, pieces in joined.items():
        yield marks.path(kind, "".join(pieces))


def _shape(spot: Spot, given: Input) -> tuple[str, Callable[[float, float, float], str]]:
    """A disc inside the range; outside, a diamond: hollow on its own, filled within an episode."""
    if words.direction(given) in {"below", "above"}:
        return (f"out {spot.tone}" if spot.tone else "out"), marks.diamond
    return "in", marks.disc


def _clipped(frame: Frame, spot: Spot, value: float) -> Iterator[str]:
    """A value beyond the scale, written beside an arrow that points to it."""
    if frame.low <= value <= frame.high:
        return
    up = value > frame.high
    y = frame.top - 5 if up else frame.bottom + 5
    yield marks.path("beyond", marks.arrow(spot.x, y, up=up))
    beside = frame.top + 5 if up else frame.bottom - 1  # the title stands above, the dates below
    yield marks.text("value", spot.x - 8, beside, words.shown(value, frame.signal), "end")


def _axis(calendar: Sequence[date], width: float, bottom: float) -> str:
    """Dates far enough apart to be read: Mondays, else first days of months, quarters or years."""
    step = (width - LEFT - RIGHT) / len(calendar)
    long = len(calendar) > YEAR
    ticks: list[str] = []
    for chosen in (_mondays, _months, _quarters, _januaries):
        days = [(index, day) for index, day in enumerate(calendar) if chosen(day)]
        apart = min((later[0] - earlier[0] for earlier, later in pairwise(days)), default=YEAR) * step
        if apart >= LABEL_WIDTH:
            xs = [(LEFT + step * (index + 0.5), day) for index, day in days]
            ticks = [_tick(x, bottom, day, long=long) for x, day in xs if x >= LABEL_WIDTH / 2]
            break
    return "".join(ticks)


def _tick(x: float, bottom: float, day: date, *, long: bool) -> str:
    text = f"{words.MONTHS[day.month - 1]} {day.year}" if long else words.short(day)
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


def _named(day: date, given: Input) -> str:
    known = words.SIGNALS[given.signal]
    value = words.shown(given.value, given.signal) if given.value is not None else ""
    compared = f", {words.verdict(given)} ({words.usual(given)})" if words.usual(given) else ""
    return f"{words.day(day)}: {value} {known.unit}{compared}"
