"""Our score and a vendor's own, one below the other, each a thin line on its own scale: to compare, never to judge."""

from collections.abc import Iterator, Mapping
from datetime import date
from html import escape
from statistics import median

from ingest.chart import marks
from ingest.chart.dates import AXIS, axis
from ingest.chart.frame import LEFT, RIGHT, Calendar
from ingest.chart.marks import number

HEIGHT, TITLE = 76.0, 20.0
BREAK = 3  # days without a score over which no line is drawn


def svg(scores: Mapping[str, Mapping[date, float]], shown: Calendar, label: str) -> str:
    """One strip a score, in the order given, by its title; the dashed line is the middle of what is shown."""
    parts = [_strip(title, score, shown, index * HEIGHT) for index, (title, score) in enumerate(scores.items())]
    whole = HEIGHT * len(parts) + AXIS
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {number(shown.width)} {number(whole)}" '
        f'role="img" aria-label="{escape(label)}">{"".join(parts)}{axis(shown, whole)}</svg>'
    )


def _strip(title: str, score: Mapping[date, float], shown: Calendar, top: float) -> str:
    known = {day: score[day] for day in shown.days if day in score}
    parts = [marks.text("title", LEFT, top + 12, title)]
    if not known:
        return "".join([*parts, marks.text("name", LEFT, top + 36, shown.say("nothing"))])
    low, high = min(known.values()), max(known.values())
    floor, scale = top + HEIGHT - 6, (HEIGHT - TITLE - 6) / max(high - low, 1.0)
    heights = {day: floor - (value - low) * scale for day, value in known.items()}
    middle = floor - (median(known.values()) - low) * scale
    parts.append(marks.path("limit", f"M{number(LEFT)} {number(middle)}H{number(shown.width - RIGHT)}"))
    parts.append(marks.path("score", "".join(_outline(heights, shown))))
    x = shown.width - RIGHT + 8
    parts.append(marks.text("value", x, floor - (high - low) * scale + 5, f"{high:.0f}"))
    parts += [marks.text("value", x, floor + 4, f"{low:.0f}")] if round(high) > round(low) else []
    return f"<g>{''.join(parts)}</g>"


def _outline(heights: Mapping[date, float], shown: Calendar) -> Iterator[str]:
    before = None
    for day, y in heights.items():
        pen = "M" if before is None or (day - before).days > BREAK else "L"
        yield f"{pen}{number(shown.x(day))} {number(y)}"
        before = day
