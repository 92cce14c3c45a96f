"""The picture for a terminal: both signals in their usual range, states, notes and load, in characters of one width.

It says the same without colours, and in ASCII where the terminal knows no more.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rich.text import Text

from ingest import words
from ingest.chart.events import NOTHING, Events, Flag, flags, hard_from, loads
from ingest.chart.frame import Calendar, Spot, calendar, changes, limits, spots
from scoring import Assessment

NIGHTS, CELL, RIGHT = 35, 2, 6  # most nights, characters a night, and beside them for the edges of the range
ROWS = 9  # of one signal
LEVELS = 8
STYLES: Mapping[str, str] = {
    "strained": "red",
    "possible_illness": "magenta",
    "watch": "yellow",
    "recovering": "green",
    "normal": "cyan",
    "new_normal": "cyan",
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters of one kind of terminal."""

    states: Mapping[str, str]
    inside: str
    alone: str
    outside: str
    episode: str
    missing: str
    aside: str
    band: str
    pale: str
    change: str
    told: str
    flag: str
    bars: str
    limits: str  # above and below a value that the scale does not hold


FULL = Marks(
    {
        "normal": "○",
        "watch": "◆",
        "strained": "▲",
        "possible_illness": "■",
        "recovering": "△",
        "travel": "→",
        "new_normal": "◎",
    },
    "●",
    "◦",
    "◇",
    "◆",
    "×",
    "÷",
    "░",
    "·",
    "┊",
    "!",
    "⚑",
    " ▁▂▃▄▅▆▇█",
    "▴▾",
)
ASCII = Marks(
    {
        "normal": "o",
        "watch": "l",
        "strained": "S",
        "possible_illness": "#",
        "recovering": "e",
        "travel": "t",
        "new_normal": "n",
    },
    "o",
    "'",
    "x",
    "X",
    "-",
    "/",
    ":",
    ".",
    "|",
    "!",
    "^",
    " .,-=+*%@",
    "^v",
)


def plot(  # noqa: PLR0913  what there can be in the picture
    assessments: Sequence[Assessment],
    *,
    told: Collection[date] = (),
    until: date | None = None,
    events: Events = NOTHING,
    width: int = 80,
    marks: Marks = FULL,
) -> Text:
    """The last nights, at most five weeks of them, as lines of at most `width` characters; nothing without nights."""
    if not assessments:
        return Text("")
    days = min(NIGHTS, max(7, (width - RIGHT) // CELL))
    shown = calendar(assessments, days, until, width)
    flagged = flags(events, assessments, shown.days)
    lines = [_states(assessments, shown, marks), *_bells(told, shown, marks)]
    for signal in words.DECIDING:
        lines += _panel(signal, assessments, shown, events, marks)
    lines += [*_flags(flagged, shown, marks), *_load(events, shown, marks), _dates(shown), Text("")]
    lines += _wrapped([*_legend(marks, flagged, events), *_notes(flagged, marks)], width)
    return Text("\n").join(lines)


def _states(assessments: Sequence[Assessment], shown: Calendar, marks: Marks) -> Text:
    known = {each.day: each.state for each in assessments}
    line = Text()
    for day in shown.days:
        state = known.get(day, "")
        mark = marks.states.get(state, marks.pale if state else " ")
        line.append(f"{mark} ", STYLES.get(state, "dim"))
    return line


def _bells(told: Collection[date], shown: Calendar, marks: Marks) -> list[Text]:
    if not any(shown.shows(day) for day in told):
        return []
    return [Text("".join(f"{marks.told if day in told else ' '} " for day in shown.days).rstrip(), "bold")]


def _panel(
    signal: str, assessments: Sequence[Assessment], shown: Calendar, events: Events, marks: Marks
) -> Iterator[Text]:
    """A title, the rows from high to low, and the floor on which gaps are marked."""
    seen, (low, high) = spots(signal, assessments, shown), limits(signal, assessments, shown)
    changed = {after.day for _, after in changes(seen)}
    latest = next((spot.given for spot in reversed(seen) if spot.given), None)
    known = words.named(latest) if latest else words.SIGNALS[signal]
    yield Text("")
    yield Text(f"{known.label}, {known.unit}", "bold")
    edges = _edges(signal, seen, low, high)
    for row in reversed(range(ROWS)):
        line = Text()
        for spot in seen:
            line.append_text(_cell(spot, row, (low, high), marks, changed=spot.day in changed))
        yield line.append(f" {edges[row]}" if row in edges else "")
    first = assessments[0].day
    yield Text("".join(_gap(spot, first, events, signal, marks) for spot in seen).rstrip(), "dim")


def _edges(signal: str, seen: Sequence[Spot], low: float, high: float) -> dict[int, str]:
    """By row: the two edges of the latest usual range."""
    last = next((spot.given for spot in reversed(seen) if spot.given and spot.given.usual_low is not None), None)
    values = (last.usual_low, last.usual_high) if last else ()
    return {_row(value, low, high): words.shown(value, signal) for value in values if value is not None}


def _cell(spot: Spot, row: int, scale: tuple[float, float], marks: Marks, *, changed: bool) -> Text:
    """Two characters of one night at one height: a mark, else the usual range, else nothing."""
    low, high = scale
    given, ground, style = spot.given, " ", "blue"
    if given and given.usual_low is not None and given.usual_high is not None:
        inside = _row(given.usual_low, low, high) <= row <= _row(given.usual_high, low, high)
        ground = (marks.pale if spot.provisional or spot.doubted else marks.band) if inside else " "
    second = marks.change if changed else ground
    if given is None or given.value is None or _row(given.value, low, high) != row:
        return Text(second + ground, style)
    mark = _mark(spot, marks)
    if not low <= given.value <= high:
        mark = marks.limits[0 if given.value > high else 1]
    return Text().append(mark, _style(spot)).append(ground, style)


def _mark(spot: Spot, marks: Marks) -> str:
    if spot.given and words.direction(spot.given) in {"below", "above"}:
        return marks.episode if spot.tone else marks.outside
    return marks.alone if spot.alone else marks.inside


def _style(spot: Spot) -> str:
    outside = spot.given is not None and words.direction(spot.given) in {"below", "above"}
    return {"strained": "bold red", "signs": "bold magenta"}.get(spot.tone, "bold") if outside else "cyan"


def _row(value: float, low: float, high: float) -> int:
    share = (value - low) / (high - low)
    return min(max(int(share * ROWS), 0), ROWS - 1)


def _gap(spot: Spot, first: date, events: Events, signal: str, marks: Marks) -> str:
    if spot.value is not None or spot.day < first:
        return " " * CELL
    return f"{marks.aside if (spot.day, signal) in events.aside else marks.missing} "


def _flags(flagged: Sequence[Flag], shown: Calendar, marks: Marks) -> list[Text]:
    if not flagged:
        return []
    begins = {each.first for each in flagged}
    return [Text("".join(f"{marks.flag if day in begins else ' '} " for day in shown.days).rstrip())]


def _load(events: Events, shown: Calendar, marks: Marks) -> list[Text]:
    """One row of bars, each scale by its own highest; a hard day is two characters wide."""
    line = Text()
    scales = loads(events)
    highest = [max((load[day] for day in shown.days if day in load), default=0.0) for load in scales]
    if not any(highest):
        return []
    for day in shown.days:
        place = next((place for place, load in enumerate(scales) if day in load), None)
        if place is None:
            line.append(" " * CELL)
            continue
        value, limit = scales[place][day], hard_from(scales[place], day)
        bar = marks.bars[round(value / (highest[place] or 1.0) * LEVELS)]
        hard = limit is not None and value > limit
        line.append(bar * CELL if hard else f"{bar} ", "bold" if hard else "dim")
    return [line.append(" load")]


def _dates(shown: Calendar) -> Text:
    """The Mondays."""
    line, written = [" "] * (len(shown.days) * CELL), 0
    for place, day in enumerate(shown.days):
        text = words.short(day)
        if day.weekday() == 0 and place * CELL >= written and place * CELL + len(text) <= len(line):
            line[place * CELL : place * CELL + len(text)] = text
            written = place * CELL + len(text) + 1
    return Text("".join(line).rstrip(), "dim")


def _legend(marks: Marks, flagged: Sequence[Flag], events: Events) -> list[str]:
    states = [f"{mark} {words.HEROES[state].word.lower()}" for state, mark in marks.states.items()]
    nights = [
        f"{marks.inside} a night",
        f"{marks.alone} one signal alone",
        f"{marks.outside} outside",
        f"{marks.episode} outside within strain",
        f"{marks.missing} no night",
        f"{marks.aside} left out",
    ]
    ranges = [f"{marks.band} your usual", f"{marks.pale} not sure yet", f"{marks.change} new source"]
    rest = [f"{marks.told} you were told"] + ([f"{marks.flag} noted"] if flagged else [])
    rest += ["wide bar: a hard day"] if events.load else []
    return ["Top: " + ", ".join(states), ", ".join(nights), ", ".join([*ranges, *rest])]


def _notes(flagged: Sequence[Flag], marks: Marks) -> list[str]:
    told = [f"{each.words} {words.span(each.first, each.last)}" for each in flagged]
    return [f"{marks.flag} {' · '.join(told) if marks is FULL else '; '.join(told)}"] if told else []


def _wrapped(lines: Sequence[str], width: int) -> Iterator[Text]:
    """Words broken where they end."""
    for line in lines:
        written = ""
        for word in line.split(" "):
            if written and len(written) + 1 + len(word) > width:
                yield Text(written, "dim")
                written = word
            else:
                written = f"{written} {word}" if written else word
        yield Text(written, "dim")


def since(last: date) -> date:
    """From when on what stands beside the nights is needed."""
    return last - timedelta(days=NIGHTS)
