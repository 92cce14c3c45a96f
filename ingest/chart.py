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

import resvg_py

from ingest import words
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
LABEL_WIDTH = 46.0


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
        """Height of a night. What prints as within the range is drawn within it: edges are no whole numbers, values are."""
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
    width: int = 360,
    height: int = 132,
    told: Collection[date] = (),
    until: date | None = None,
) -> str:
    """The nights up to `until` (else the last one given), with a bell where the person was told; all when `days` is None."""
    if not assessments:
        return ""
    calendar = _calendar(assessments, days, until)
    whole = 2 * height + GAP + AXIS
    parts = [
        _panel(signal, assessments, calendar, (index * (height + GAP), width, height), told if index == 0 else ())
        for index, signal in enumerate(words.DECIDING)
    ]
    label = escape(" ".join(words.finding(assessments, signal) for signal in words.DECIDING))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {_n(whole)}" '
        f'role="img" aria-label="{label}">'
        '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path class="hatching" d="M0 0V5"/></pattern></defs>'
        f"{''.join(parts)}{_axis(calendar, width, whole)}</svg>"
    )


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
        f'<text class="title" x="{LEFT}" y="{_n(y + 12)}">{known.label}, {known.unit}</text>',
        *_episodes(frame, spots),
        *_usual(frame, spots, width),
        *_changes(frame, spots),
        f'<path class="mean" d="{_mean(frame, assessments, spots)}"/>',
        *_nights(frame, spots, assessments[0].day),
        *(_bell(spot.x, y + TITLE - 10) for spot in spots if spot.day in told),
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
    """The scale, from the last year's values and not from the window, so that the picture does not jump from day to day."""
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
        x, width = _n(xs[0] - frame.step / 2), _n(xs[-1] - xs[0] + frame.step)
        height = _n(frame.bottom - frame.top + 4)
        yield f'<rect class="tint {tone}" x="{x}" y="{_n(frame.top - 4)}" width="{width}" height="{height}"/>'
        yield f'<rect class="{tone}" x="{x}" y="{_n(frame.top - 4)}" width="{width}" height="3"/>'


def _usual(frame: Frame, spots: Sequence[Spot], width: float) -> Iterator[str]:
    """The range a night, as steps, since it drifts; hatched while it is young; its two values at the right."""
    for run in _stretches(frame, spots):
        top, bottom = _steps(run.xs, run.highs, frame.step), _steps(run.xs[::-1], run.lows[::-1], -frame.step)
        yield f'<path class="band" d="M{top}L{bottom}Z"/>'
        yield f'<path class="edge" d="M{top}M{bottom}"/>'
    for young, group in groupby(spots, key=lambda spot: spot.provisional):
        if young:
            for run in _stretches(frame, list(group)):
                top, bottom = _steps(run.xs, run.highs, frame.step), _steps(run.xs[::-1], run.lows[::-1], -frame.step)
                yield f'<path class="young" d="M{top}L{bottom}Z"/>'
    last = next((spot.given for spot in reversed(spots) if spot.given and spot.given.usual_low is not None), None)
    if last and last.usual_low is not None and last.usual_high is not None:
        low, high = frame.y(last.usual_low), frame.y(last.usual_high)
        apart = max(0.0, 12 - (low - high)) / 2
        for y, value in ((high - apart, last.usual_high), (low + apart, last.usual_low)):
            yield f'<text class="value" x="{_n(width - RIGHT + 8)}" y="{_n(y + 4)}">{words.shown(value, frame.signal)}</text>'


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
    path, written = f"{_n(xs[0] - step / 2)} {_n(ys[0])}", _n(ys[0])
    for x, y in zip(xs, ys, strict=True):
        if _n(y) != written:
            path, written = f"{path}H{_n(x - step / 2)}V{_n(y)}", _n(y)
    return f"{path}H{_n(xs[-1] + step / 2)}"


def _changes(frame: Frame, spots: Sequence[Spot]) -> Iterator[str]:
    given = [spot for spot in spots if spot.given and spot.given.value is not None]
    for before, after in pairwise(given):
        if _changed(before.given, after.given):
            x = after.x - frame.step / 2
            yield f'<path class="change" d="M{_n(x)} {_n(frame.top)}V{_n(frame.bottom)}"><title>new source, range restarts</title></path>'


def _mean(frame: Frame, assessments: Sequence[Assessment], spots: Sequence[Spot]) -> str:
    """The mean of the judged nights, broken where there are too few; never a line from night to night."""
    values = {each.day: found.value for each in assessments if (found := words.one(each, frame.signal))}
    path, drawing = "", False
    for spot in spots:
        back = (values.get(spot.day - timedelta(days=k)) for k in range(REACH))
        recent = [value for value in back if value is not None][:JUDGED]
        if len(recent) < FEWEST or (spot.given is None and spot.day not in values):
            drawing = drawing and len(recent) >= FEWEST
            continue
        path += f"{'L' if drawing else 'M'}{_n(spot.x)} {_n(frame.y(sum(recent) / len(recent)))}"
        drawing = True
    return path


def _nights(frame: Frame, spots: Sequence[Spot], first: date) -> Iterator[str]:
    thin = len(spots) > THIN_FROM
    joined: dict[str, list[str]] = {}
    for index, spot in enumerate(spots):
        if spot.given is None or spot.given.value is None:
            if not thin and spot.day >= first:
                yield f'<path class="missing" d="{_cross(spot.x, frame.bottom + 7)}"><title>{words.day(spot.day)}: no night</title></path>'
            continue
        kind, outline = _shape(spot, spot.given)
        size = 1.6 if index == len(spots) - 1 and not thin else 0.55 if thin else 1.0
        drawn = outline(spot.x, frame.of(spot.given), size)
        if thin:
            joined.setdefault(kind, []).append(drawn)
        else:
            yield f'<path class="{kind}" d="{drawn}"><title>{escape(_named(spot.day, spot.given))}</title></path>'
            yield from _clipped(frame, spot, spot.given.value)
    for kind, pieces in joined.items():
        yield f'<path class="{kind}" d="{"".join(pieces)}"/>'


def _shape(spot: Spot, given: Input) -> tuple[str, Callable[[float, float, float], str]]:
    """A disc inside the range; outside, a diamond: hollow on its own, filled within an episode."""
    if words.direction(given) in {"below", "above"}:
        return (f"out {spot.tone}" if spot.tone else "out"), _diamond
    return "in", _disc


def _clipped(frame: Frame, spot: Spot, value: float) -> Iterator[str]:
    """A value beyond the scale, written beside an arrow that points to it."""
    if frame.low <= value <= frame.high:
        return
    up = value > frame.high
    y = frame.top - 5 if up else frame.bottom + 5
    tip = -5 if up else 5
    yield f'<path class="beyond" d="M{_n(spot.x - 3.5)} {_n(y)}h7l-3.5 {tip}Z"/>'
    yield f'<text class="value" x="{_n(spot.x - 8)}" y="{_n(y + 3)}" text-anchor="end">{words.shown(value, frame.signal)}</text>'


def _axis(calendar: Sequence[date], width: float, bottom: float) -> str:
    """Dates far enough apart to be read: Mondays, else first days of months, quarters or years."""
    step = (width - LEFT - RIGHT) / len(calendar)
    long = len(calendar) > YEAR
    ticks: list[str] = []
    for chosen in (_mondays, _months, _quarters, _januaries):
        days = [(index, day) for index, day in enumerate(calendar) if chosen(day)]
        apart = min((later[0] - earlier[0] for earlier, later in pairwise(days)), default=YEAR) * step
        if apart >= LABEL_WIDTH:
            ticks = [_tick(LEFT + step * (index + 0.5), bottom, day, long=long) for index, day in days]
            break
    return "".join(ticks)


def _tick(x: float, bottom: float, day: date, *, long: bool) -> str:
    text = f"{words.MONTHS[day.month - 1]} {day.year}" if long else words.short(day)
    return (
        f'<path class="tick" d="M{_n(x)} {_n(bottom - AXIS)}v4"/>'
        f'<text class="date" x="{_n(x)}" y="{_n(bottom - 3)}" text-anchor="{"start" if x < 20 else "middle"}">{text}</text>'
    )


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


def _disc(x: float, y: float, size: float) -> str:
    r = 3 * size
    return f"M{_n(x - r)} {_n(y)}a{_n(r)} {_n(r)} 0 1 0 {_n(2 * r)} 0a{_n(r)} {_n(r)} 0 1 0 {_n(-2 * r)} 0Z"


def _diamond(x: float, y: float, size: float) -> str:
    r = _n(4 * size)
    return f"M{_n(x)} {_n(y - 4 * size)}l{r} {r}l-{r} {r}l-{r} -{r}Z"


def _cross(x: float, y: float) -> str:
    return f"M{_n(x - 2.5)} {_n(y - 2.5)}l5 5m0-5l-5 5"


def _bell(x: float, y: float) -> str:
    body = f"M{_n(x - 5)} {_n(y + 3)}h10c-1.5-1.2-1.7-2.6-1.7-4.5a3.3 3.3 0 0 0-6.6 0c0 1.9-.2 3.3-1.7 4.5Z"
    clapper = f"M{_n(x - 1.4)} {_n(y + 4.4)}a1.5 1.5 0 0 0 2.8 0Z"
    return f'<path class="bell" d="{body}{clapper}"><title>you were told</title></path>'


def _n(number: float) -> str:
    """One decimal, and none where it is zero."""
    return (
        f"{number:.1f}".removesuffix(".0").replace("-0", "0")
        if abs(number) < 0.05
        else f"{number:.1f}".removesuffix(".0")
    )
