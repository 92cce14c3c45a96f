"""What runs along the two signals: the state of each night above them; notes, other causes and load below."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from statistics import fmean

from ingest import words
from ingest.chart import marks
from ingest.chart.events import Flag, hard_from
from ingest.chart.frame import LEFT, LETTER, RIGHT, YEAR, Calendar
from ingest.chart.marks import number
from scoring import Assessment

RIBBON, NAMES = 12.0, 14.0  # heights: of the strip of states, of their words above it
TALL: Mapping[str, float] = {"strained": 12.0, "possible_illness": 12.0, "watch": 8.0, "recovering": 5.0}
OTHERS = 2.5
NAMED = frozenset({"watch", "strained", "possible_illness", "recovering", "travel", "new_normal"})
FLAGS, ROW, MOST_LINES = 18.0, 15.0, 3
LOAD, LOAD_TITLE = 46.0, 16.0
WEEKLY_BELOW = 1.5  # pixels a day under which load is drawn as the mean of weeks


def ribbon(assessments: Sequence[Assessment], shown: Calendar) -> str:
    """One strip in which height and colour say how much stood out; the states are named where their words fit."""
    parts, written = [], 0.0
    inside = (each for each in assessments if shown.shows(each.day))
    for state, group in groupby(inside, key=lambda each: each.state):
        run = list(group)
        x, long = shown.x(run[0].day) - shown.step / 2, shown.step * ((run[-1].day - run[0].day).days + 1)
        height, look = TALL.get(state, OTHERS), words.HEROES_IN[shown.language][state]
        title = f"<title>{look.word}, {words.span(run[0].day, run[-1].day, shown.language)}</title>"
        sides = (
            f'x="{number(x)}" y="{number(NAMES + RIBBON - height)}" width="{number(long)}" height="{number(height)}"'
        )
        parts.append(f'<rect class="{look.tone}" {sides}>{title}</rect>')
        wide = len(look.word) * LETTER
        at = min(x, shown.width - RIGHT - wide)
        if state in NAMED and at >= written and long + LETTER >= min(wide, 5 * shown.step) and not shown.thin:
            parts.append(marks.text("name", at, NAMES - 3, look.word))
            written = at + wide + LETTER
    return "".join(parts)


def flags(given: Sequence[Flag], shown: Calendar, top: float) -> tuple[str, float]:
    """A flag where something begins, a line for as long as it lasts, its words there or below; and how high that is."""
    floor = top + FLAGS - 4
    drawn, unsaid = [], []
    for each, after in zip(given, [*given[1:], None], strict=True):
        x = shown.x(each.first)
        room = (shown.x(after.first) if after else shown.width) - x - 14
        title = "" if shown.thin else dated(each, shown)
        drawn.append(marks.path("flag", marks.flag(x, floor), title))
        if each.last > each.first:
            end = number(shown.x(each.last) + shown.step / 2)
            drawn.append(marks.path("lasting", f"M{number(x)} {number(floor + 2)}H{end}"))
        if len(each.words) * LETTER <= room:
            drawn.append(marks.text("name", x + 9, floor - 2, each.words))
        else:
            unsaid.append(dated(each, shown))
    lines = [] if shown.thin else _lines(unsaid, shown.width - 2 * LEFT)
    drawn += [marks.text("name", LEFT, top + FLAGS + 12 + k * ROW, line) for k, line in enumerate(lines)]
    return "".join(drawn), FLAGS + len(lines) * ROW


def dated(each: Flag, shown: Calendar) -> str:
    """A flag in words, with its days."""
    return f"{each.words} {words.span(each.first, each.last, shown.language)}"


def _lines(told: Sequence[str], width: float) -> list[str]:
    """As many of these as fit on a few lines, the latest kept."""
    lines: list[str] = []
    for text in told:
        if lines and len(lines[-1]) + len(text) + 3 <= width / LETTER:
            lines[-1] += f" · {text}"
        else:
            lines.append(text)
    return lines[-MOST_LINES:]


def loads(scales: Sequence[Mapping[date, float]], shown: Calendar, top: float) -> str:
    """A bar a day, each scale by its own year; the person's own hard days darker, and the line they begin at."""
    parts = [marks.text("name", LEFT, top + 11, shown.say("load"))]
    for load in scales:
        parts += _bars(load, shown, top + LOAD, last=load is scales[-1])
    return "".join(parts)


def _bars(load: Mapping[date, float], shown: Calendar, floor: float, *, last: bool) -> Iterator[str]:
    weekly = shown.step < WEEKLY_BELOW
    days = _weeks(load, shown) if weekly else [day for day in shown.days if day in load]
    scale = (LOAD - LOAD_TITLE) / _highest(load, shown)
    thick = max(0.6, shown.step * (7 if weekly else 1) * 0.7)
    first = min(load)
    limit = {day: hard_from(load, day) if day >= first else None for day in shown.days}
    kinds: dict[str, list[str]] = {"load": [], "load hard": []}
    for day in days:
        value, hard = fmean(_week(load, day)) if weekly else load[day], limit[day]
        height = min(value * scale, LOAD - LOAD_TITLE)
        bar = f"M{number(shown.x(day) - thick / 2)} {number(floor)}v-{number(height)}h{number(thick)}v{number(height)}Z"
        kinds["load hard" if hard is not None and value > hard else "load"].append(bar)
    yield from (marks.path(kind, "".join(bars)) for kind, bars in kinds.items() if bars)
    yield from _limit(limit, shown, floor, scale, last=last)


def _limit(
    limit: Mapping[date, float | None], shown: Calendar, floor: float, scale: float, *, last: bool
) -> Iterator[str]:
    """The line from which a day is hard; its word at the right."""
    outline, y = "", None
    for known, group in groupby(shown.days, key=lambda day: limit[day]):
        run = list(group)
        if known is None:
            continue
        y = floor - min(known * scale, LOAD - LOAD_TITLE)
        x, end = shown.x(run[0]) - shown.step / 2, shown.x(run[-1]) + shown.step / 2
        outline += f"M{number(x)} {number(y)}H{number(end)}"
    if y is not None:
        yield marks.path("limit", outline, shown.say("limit"))
        yield from [marks.text("value", shown.width - RIGHT + 8, y + 4, shown.say("hard"))] if last else []


def _highest(load: Mapping[date, float], shown: Calendar) -> float:
    """The scale's end, from a year, so that bars do not change their height from day to day."""
    since = min(shown.days[0], shown.days[-1] - timedelta(days=YEAR))
    values = sorted(value for day, value in load.items() if day >= since) or [1.0]
    return max(values[-1 - len(values) // 100], 1e-9)


def _weeks(load: Mapping[date, float], shown: Calendar) -> list[date]:
    return [day for day in shown.days if day.weekday() == 3 and _week(load, day)]  # noqa: PLR2004  (Thursdays are a week's middle)


def _week(load: Mapping[date, float], day: date) -> list[float]:
    return [load[each] for k in range(-3, 4) if (each := day + timedelta(days=k)) in load]
