"""One signal: episodes, the usual range, the mean of the judged nights, and every night with what became of it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from statistics import fmean

from ingest import words
from ingest.chart import marks
from ingest.chart.frame import FLOOR, LEFT, TITLE, Calendar, Frame, Spot, changes, limits, spots
from ingest.chart.marks import number
from ingest.chart.usual import usual
from scoring import Assessment, Input, Language

# Recorded nights that the line averages, among so many calendar nights, at least so many.
JUDGED, REACH, FEWEST = 8, 12, 4
LAST = 1.6  # times larger: last night
CAP = 3.0  # the height of an episode's upper edge
TICKED = 1.5  # pixels a night above which a missing one is still marked in a long history

Aside = Mapping[tuple[date, str], str]


def panel(
    signal: str, assessments: Sequence[Assessment], shown: Calendar, place: tuple[float, float], aside: Aside
) -> str:
    """One signal, from back to front; `place` is its upper edge and its height."""
    top, height = place
    seen = spots(signal, assessments, shown)
    low, high = limits(signal, assessments, shown)
    frame = Frame(signal, top + TITLE, top + height - FLOOR, shown.step, low, high)
    known = _called(signal, seen, shown.language)
    parts = [
        marks.text("title", LEFT, top + 12, f"{known.label}, {known.unit}"),
        *_episodes(frame, seen),
        *usual(frame, shown, seen),
        *(_change(frame, shown, after) for _, after in changes(seen)),
        marks.path("mean", _mean(frame, assessments, seen)),
        *_nights(frame, shown, seen, assessments[0].day, aside),
    ]
    return f"<g>{''.join(parts)}</g>"


def _episodes(frame: Frame, seen: Sequence[Spot]) -> Iterator[str]:
    for tone, run in groupby(seen, key=lambda spot: spot.tone):
        if not tone:
            continue
        xs = [spot.x for spot in run]
        x, width = xs[0] - frame.step / 2, xs[-1] - xs[0] + frame.step
        yield marks.rectangle(f"tint {tone}", x, frame.top - 4, width, frame.bottom - frame.top + 4)
        yield marks.rectangle(tone, x, frame.top - 4, width, CAP)


def _called(signal: str, seen: Sequence[Spot], language: Language) -> words.Signal:
    """How the signal is called: heart rate by what the latest night's series is."""
    latest = next((spot.given for spot in reversed(seen) if spot.given), None)
    return words.named(latest, language) if latest else words.SIGNALS_IN[language][signal]


def _change(frame: Frame, shown: Calendar, after: Spot) -> str:
    outline = marks.vertical(after.x - frame.step / 2, frame.top, frame.bottom)
    return marks.path("change", outline, shown.say("changed"))


def _mean(frame: Frame, assessments: Sequence[Assessment], seen: Sequence[Spot]) -> str:
    """The mean of the judged nights of one series, broken where they are too few; never a line from night to night."""
    known = {each.day: found for each in assessments if (found := words.one(each, frame.signal))}
    outline, pen, series = "", "M", ""
    for spot in seen:
        series = (spot.given.series if spot.given else "") or series
        back = (known.get(spot.day - timedelta(days=k)) for k in range(REACH))
        recent = [each.value for each in back if each and each.value is not None and each.series in {series, ""}]
        if len(recent) < FEWEST:
            pen = "M"
        elif spot.value is not None:
            outline += f"{pen}{number(spot.x)} {number(frame.y(fmean(recent[:JUDGED])))}"
            pen = "L"
    return outline


def _nights(frame: Frame, shown: Calendar, seen: Sequence[Spot], first: date, aside: Aside) -> Iterator[str]:
    if shown.thin:
        yield from _joined(frame, seen, first, aside)
        return
    for spot in seen:
        if spot.given is None or spot.value is None:
            if spot.day >= first:
                yield _gap(frame, shown, spot, aside.get((spot.day, frame.signal)))
            continue
        kind, outline = _shape(spot, spot.given)
        size = min(1.0, max(0.6, frame.step / 8)) * (LAST if spot is seen[-1] else 1.0)
        yield marks.path(kind, outline(spot.x, frame.of(spot.given), size), _named(shown, spot, spot.given))
        yield from _clipped(frame, shown, spot, spot.value)


def _joined(frame: Frame, seen: Sequence[Spot], first: date, aside: Aside) -> Iterator[str]:
    """A long history: one path a kind of night, without words."""
    pieces: dict[str, list[str]] = {}
    size = min(0.55, max(0.3, frame.step * 0.4))
    for spot in seen:
        if spot.given is not None and spot.value is not None:
            kind, outline = _shape(spot, spot.given)
            pieces.setdefault(kind, []).append(outline(spot.x, frame.of(spot.given), size))
        elif spot.day >= first and frame.step >= TICKED:
            kind = "aside" if (spot.day, frame.signal) in aside else "missing"
            pieces.setdefault(kind, []).append(marks.vertical(spot.x, frame.bottom + 4, frame.bottom + 9))
    yield from (marks.path(kind, "".join(drawn)) for kind, drawn in pieces.items())


def _gap(frame: Frame, shown: Calendar, spot: Spot, reason: str | None) -> str:
    """A night that says nothing of this signal: with its reason where a value came and was left out."""
    day = words.day(spot.day, shown.language)
    if reason:
        told = shown.say("aside", day=day, reason=reason)
        return marks.path("aside", marks.division(spot.x, frame.bottom + 7), told)
    told = shown.say("no_night" if spot.alone else f"no_{frame.signal}", day=day)
    return marks.path("missing", marks.cross(spot.x, frame.bottom + 7), told)


def _shape(spot: Spot, given: Input) -> tuple[str, Callable[[float, float, float], str]]:
    """A disc inside the range, hollow where it stands alone; outside, a diamond: filled only within an episode."""
    if words.direction(given) in {"below", "above"}:
        return (f"out {spot.tone}" if spot.tone else "out"), marks.diamond
    return "in alone" if spot.alone else "in", marks.disc


def _clipped(frame: Frame, shown: Calendar, spot: Spot, value: float) -> Iterator[str]:
    """A value beyond the scale, written beside an arrow that points to it."""
    if frame.low <= value <= frame.high:
        return
    up = value > frame.high
    y = frame.top - 5 if up else frame.bottom + 5
    yield marks.path("beyond", marks.arrow(spot.x, y, up=up))
    beside = frame.top + 5 if up else frame.bottom - 1  # the title stands above, the dates below
    yield marks.text("value", spot.x - 8, beside, words.shown(value, frame.signal, shown.language), "end")


def _named(shown: Calendar, spot: Spot, given: Input) -> str:
    language, known = shown.language, words.named(given, shown.language)
    value = words.shown(given.value, given.signal, language) if given.value is not None else ""
    usual_range = words.usual(given, language)
    told = [f"{words.day(spot.day, language)}: {value} {known.unit}"]
    told += [f"{words.verdict(given, language)} ({usual_range})"] if usual_range else []
    return ", ".join([*told, *([shown.say("alone")] if spot.alone else [])])


def bells(told: Collection[date], shown: Calendar, top: float) -> str:
    """A bell on each day on which the person was told."""
    days = sorted(day for day in told if shown.shows(day))
    return "".join(marks.path("bell", marks.bell(shown.x(day), top), shown.say("told")) for day in days)
