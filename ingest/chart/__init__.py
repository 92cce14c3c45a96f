"""The one chart, drawn here as SVG: both deciding signals in their own usual range, for pages and mail.

Above them runs the state of each night, below them notes, other causes and training load. The drawing carries classes
only. A page colours them by `web/static/chart.css`; `png` reads the same rules with the light colours written in, as a
mail client knows no variables.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import lru_cache
from html import escape
from pathlib import Path

import resvg_py

from ingest import words
from ingest.chart import marks, strips
from ingest.chart.dates import AXIS, axis
from ingest.chart.events import NOTHING, Events, Flag, flags, loads
from ingest.chart.frame import Calendar, calendar
from ingest.chart.marks import number
from ingest.chart.panel import bells, panel
from scoring import Assessment, Language

__all__ = ["DESK", "LIGHT", "MAIL", "NOTHING", "PHONE", "Events", "pair", "png", "svg"]

FONT = Path(__file__).parents[1] / "static_fonts" / "Roboto-Regular.ttf"
RULES = Path(__file__).parents[1] / "web" / "static" / "chart.css"
LIGHT: Mapping[str, str] = {
    "ink": "#1b1f24",
    "ink-2": "#525a63",
    "band": "#dce6ee",
    "band-edge": "#6b8398",
    "calm": "#1f6f8b",
    "leaning": "#806000",
    "strained": "#b0244a",
    "signs": "#6a3f87",
    "easing": "#3e6b1f",
    "none": "#5f6670",
    "card": "#ffffff",
    "line": "#d9d6cf",
    "control": "#767c84",
}
GAP, HEAD = 10.0, strips.NAMES + strips.RIBBON + 4
MAIL, PHONE, DESK = (360, 132), (328, 132), (600, 150)  # a panel's width and height, in CSS pixels


def svg(  # noqa: PLR0913  what there can be in the picture
    assessments: Sequence[Assessment],
    *,
    days: int | None = 35,
    size: tuple[int, int] = MAIL,
    told: Collection[date] = (),
    until: date | None = None,
    events: Events = NOTHING,
    chosen: date | None = None,
    language: Language = "en",
) -> str:
    """The nights up to `until`, else to the last one, with a bell where the person was told; all without `days`.

    A line marks the `chosen` night.
    """
    if not assessments:
        return ""
    shown = calendar(assessments, days, until, size[0], language)
    flagged = flags(events, assessments, shown.days, language)
    parts = [strips.ribbon(assessments, shown)]
    for index, signal in enumerate(words.DECIDING):
        parts.append(panel(signal, assessments, shown, (HEAD + index * (size[1] + GAP), size[1]), events.aside))
    parts.append(bells(told, shown, HEAD + 12))
    below, bottom = _below(flagged, events, shown, HEAD + 2 * size[1] + GAP)
    parts += [below, axis(shown, bottom + AXIS)]
    if chosen and shown.shows(chosen):
        parts.append(marks.path("chosen", marks.vertical(shown.x(chosen), strips.NAMES, bottom)))
    told_in_words = [words.finding(assessments, signal, language) for signal in words.DECIDING]
    label = escape(" ".join([*told_in_words, *_marked(flagged, shown)]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {size[0]} {number(bottom + AXIS)}" '
        f'role="img" aria-label="{label}">{_hatch(size[0])}{"".join(parts)}</svg>'
    )


def pair(  # noqa: PLR0913  what there can be in the picture
    assessments: Sequence[Assessment],
    *,
    days: int = 35,
    told: Collection[date] = (),
    until: date | None = None,
    events: Events = NOTHING,
    language: Language = "en",
) -> list[str]:
    """The drawing for a phone and for a desk: one that is stretched would blow its letters up."""
    return [
        svg(assessments, days=days, size=size, told=told, until=until, events=events, language=language)
        for size in (PHONE, DESK)
    ]


def png(  # noqa: PLR0913  what there can be in the picture
    assessments: Sequence[Assessment],
    *,
    days: int = 35,
    told: Collection[date] = (),
    until: date | None = None,
    events: Events = NOTHING,
    language: Language = "en",
) -> bytes:
    """The same drawing for mail, in the light colours, twice as dense as it is shown."""
    drawn = (
        svg(assessments, days=days, told=told, until=until, events=events, language=language)
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


def _below(flagged: Sequence[Flag], events: Events, shown: Calendar, y: float) -> tuple[str, float]:
    """What stands under the two signals, and where it ends; nothing takes room that is not there."""
    parts = []
    if flagged:
        drawn, high = strips.flags(flagged, shown, y)
        parts.append(drawn)
        y += high + 2
    if any(shown.shows(day) for day in events.load):
        parts.append(strips.loads(loads(events), shown, y))
        y += strips.LOAD + 2
    return "".join(parts), y


def _marked(flagged: Sequence[Flag], shown: Calendar) -> list[str]:
    """The flags in words, the latest five."""
    named = "; ".join(strips.dated(each, shown) for each in flagged[-5:])
    return [shown.say("marked", flags=named)] if named else []


def _hatch(width: int) -> str:
    return (
        f'<defs><pattern id="hatch-{width}" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="hatching" d="M0 0V5"/></pattern></defs>'
    )


@lru_cache(maxsize=1)
def _light_rules() -> str:
    rules = re.sub(r"/\*.*?\*/|@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", RULES.read_text(), flags=re.DOTALL)
    return re.sub(r"var\(--([a-z0-9-]+)\)", lambda found: LIGHT[found[1]], rules)
