"""What stands beside the nights of a picture: notes and other causes as flags, training load, values set aside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

from ingest.chart.phrases import SPEAKERS
from scoring import Assessment, Gate, Language

SAID_ALREADY: Mapping[str, frozenset[str]] = {  # what a person or a vendor said, which a gate only follows
    "illness": frozenset({"ill", "rest_mode"}),
    "travel": frozenset({"travel"}),
}
HARD_SHARE, WEEK, WEEKS_8, FEWEST_DAYS = 80, 7, 56, 14  # as in scoring


@dataclass(frozen=True, slots=True)
class Events:
    """By civil day: tags by their stored names, training load of that day itself, and what a signal's value lacks.

    Load is in whatever unit it comes, higher is harder, and `scale` names that unit, so that no two are compared; it is
    drawn against the person's own days alone.
    """

    tags: Mapping[date, Collection[str]] = field(default_factory=dict)
    load: Mapping[date, float] = field(default_factory=dict)
    scale: Mapping[date, str] = field(default_factory=dict)
    aside: Mapping[tuple[date, str], str] = field(default_factory=dict)  # by day and signal: why a value was left out


@dataclass(frozen=True, slots=True)
class Flag:
    """A stretch of days on which the same things stand beside the nights."""

    first: date
    last: date
    labels: tuple[str, ...]

    @property
    def words(self) -> str:
        """Its labels as one: `Ill, Travel`."""
        return ", ".join(self.labels)


NOTHING = Events()


def loads(events: Events) -> list[Mapping[date, float]]:
    """Training load, one mapping a scale, the latest one last."""
    scales: dict[str, dict[date, float]] = {}
    for day in sorted(events.load):
        scales.setdefault(events.scale.get(day, ""), {})[day] = events.load[day]
    return sorted(scales.values(), key=max)


def label(kind: str, name: str, language: Language = "en") -> str | None:
    """How a tag or a gate is called in a picture; None for one that is only told in words beside it."""
    return SPEAKERS[language].sentences.get(f"{kind}.{name}")


def flags(
    events: Events, assessments: Sequence[Assessment], days: Sequence[date], language: Language = "en"
) -> list[Flag]:
    """What to mark on these days, oldest first: the person's own notes, and other causes that were looked for."""
    judged = {each.day: each for each in assessments}
    told = ((day, _labels(events.tags, day, judged.get(day), language)) for day in days)
    return [Flag(run[0][0], run[-1][0], labels) for labels, run in _runs(told) if labels]


def hard_from(load: Mapping[date, float], day: date) -> float | None:
    """The load above which a day is hard for this person, as scoring says it; None under 14 days before a week ago.

    That is what four days in five do not exceed, and half of the days with any training.
    """
    ago = (day - timedelta(days=back) for back in range(WEEK, WEEK + WEEKS_8))
    weeks = sorted(load[each] for each in ago if each in load)
    if len(weeks) < FEWEST_DAYS:
        return None
    trained = [value for value in weeks if value > 0] if 0 in weeks else weeks[:1]
    return max(weeks[(len(weeks) - 1) * HARD_SHARE // 100], trained[(len(trained) - 1) // 2] if trained else 0)


def _labels(
    tags: Mapping[date, Collection[str]], day: date, night: Assessment | None, language: Language
) -> tuple[str, ...]:
    named = [label("tag", tag, language) for tag in sorted(tags.get(day, ()))]
    gates = [gate for gate in night.gates if gate.active] if night else []
    named += [label("gate", gate.name, language) for gate in gates if not _said(tags, gate, day)]
    return tuple(dict.fromkeys(each for each in named if each))


def _said(tags: Mapping[date, Collection[str]], gate: Gate, day: date) -> bool:
    """Whether the spell that a gate is in was said, not seen."""
    spell = (day - timedelta(days=back) for back in range((day - (gate.since or day)).days + 1))
    return any(not SAID_ALREADY.get(gate.name, frozenset()).isdisjoint(tags.get(each, ())) for each in spell)


def _runs(
    told: Iterator[tuple[date, tuple[str, ...]]],
) -> Iterator[tuple[tuple[str, ...], list[tuple[date, tuple[str, ...]]]]]:
    for labels, run in groupby(told, key=lambda pair: pair[1]):
        yield labels, list(run)
