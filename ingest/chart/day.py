"""A night from within, drawn as SVG: one quiet line a signal over the hours, broken where nothing was measured."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from html import escape

from ingest.chart import marks
from ingest.chart.marks import number
from ingest.intraday import Inside, Trace
from scoring import Language
from scoring.words import LANGUAGES, Speaker, speaker

PHONE, DESK = (328, 64), (600, 72)  # a panel's width and height, in CSS pixels
LEFT, RIGHT, TITLE, FLOOR, AXIS = 6.0, 44.0, 20.0, 6.0, 18.0
BREAK = 15  # minutes without a value over which no line is drawn
LINE = 13.0  # the height of a line of letters
LABEL_WIDTH = 50.0
EN: Mapping[str, str] = {
    "title.hrv": "HRV through the night, ms",
    "title.resting_heart_rate": "Heart rate through the night, bpm",
    "hrv": "HRV {low:.0f}–{high:.0f} ms.",
    "resting_heart_rate": "Heart rate {low:.0f}–{high:.0f} bpm, lowest at {slowest}.",
    "whole": "{began} to {ended}. {signals}",
}
DE: Mapping[str, str] = {
    "title.hrv": "HRV in der Nacht, ms",
    "title.resting_heart_rate": "Puls in der Nacht, bpm",
    "hrv": "HRV {low:.0f}–{high:.0f} ms.",
    "resting_heart_rate": "Puls {low:.0f}–{high:.0f} bpm, am niedrigsten um {slowest}.",
    "whole": "{began} bis {ended}. {signals}",
}
SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}


def pair(inside: Inside, language: Language = "en") -> list[str]:
    """The drawing for a phone and for a desk."""
    return [svg(inside, size, language) for size in (PHONE, DESK)]


def svg(inside: Inside, size: tuple[int, int], language: Language = "en") -> str:
    """One panel a signal, the hours below."""
    (width, height), told = size, SPEAKERS[language]
    whole = height * len(inside.traces) + AXIS
    panels = "".join(_panel(inside, trace, index * height, size, told) for index, trace in enumerate(inside.traces))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {number(whole)}" '
        f'role="img" aria-label="{escape(finding(inside, language))}">{panels}{_hours(inside, width, whole)}</svg>'
    )


def finding(inside: Inside, language: Language = "en") -> str:
    """What the picture shows, in words: each signal's span, and when the heart was slowest."""
    told, ended = SPEAKERS[language], inside.began + timedelta(minutes=inside.minutes)
    signals = " ".join(_span(inside, trace, told) for trace in inside.traces)
    return told.say("whole", began=f"{inside.began:%H:%M}", ended=f"{ended:%H:%M}", signals=signals)


def _span(inside: Inside, trace: Trace, told: Speaker) -> str:
    slowest = inside.began + timedelta(minutes=int(trace.minutes[int(trace.value.argmin())]))
    low, high = float(trace.value.min()), float(trace.value.max())
    return told.say(trace.signal, low=low, high=high, slowest=f"{slowest:%H:%M}")


def _panel(inside: Inside, trace: Trace, y: float, size: tuple[int, int], told: Speaker) -> str:
    width, height = size
    low, high = float(trace.value.min()), float(trace.value.max())
    top, bottom = y + TITLE, y + height - FLOOR
    scale = (bottom - top) / (high - low if high > low else 1.0)
    across = (width - LEFT - RIGHT) / inside.minutes
    lowest = bottom if high > low else (top + bottom) / 2
    outline = "".join(
        f"{pen}{number(LEFT + across * minute)} {number(lowest - scale * (value - low))}"
        for pen, minute, value in _pens(trace)
    )
    values = [marks.text("value", width - RIGHT + 8, top + 5, f"{high:.0f}")]
    if bottom - top >= LINE and f"{low:.0f}" != f"{high:.0f}":
        values.append(marks.text("value", width - RIGHT + 8, bottom + 3, f"{low:.0f}"))
    title = marks.text("title", LEFT, y + 12, told.say(f"title.{trace.signal}"))
    return f"<g>{title}{marks.path('trace', outline)}{''.join(values)}</g>"


def _pens(trace: Trace) -> Iterator[tuple[str, int, float]]:
    """Each value with the pen that leads to it: lifted at first, and over a gap."""
    before = None
    for minute, value in zip(trace.minutes.tolist(), trace.value.tolist(), strict=True):
        yield ("M" if before is None or minute - before > BREAK else "L"), minute, value
        before = minute


def _hours(inside: Inside, width: float, whole: float) -> str:
    """Full hours, far enough apart to be read."""
    across = (width - LEFT - RIGHT) / inside.minutes
    every = next(hours for hours in (1, 2, 3, 6, 12) if hours * 60 * across >= LABEL_WIDTH or hours == 12)  # noqa: PLR2004
    first = inside.began.replace(minute=0, second=0) + timedelta(hours=1)
    ticks = []
    for hour in range(inside.minutes // 60 + 1):
        at = first + timedelta(hours=hour)
        x = LEFT + across * ((at - inside.began).total_seconds() / 60)
        if at.hour % every == 0 and LABEL_WIDTH / 2 <= x <= width - RIGHT:
            ticks.append(marks.path("tick", marks.vertical(x, whole - AXIS, whole - AXIS + 4)))
            ticks.append(marks.text("date", x, whole - 3, f"{at:%H:%M}", "middle"))
    return "".join(ticks)
