"""How the evaluation is shown in a terminal: operating points, false alerts by cause, and what knowledge is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from providers.errors import Misconfigured
from scoring import SENSITIVITY
from scoring.evaluation import (
    ASKED,
    LEVELS,
    THRESHOLDS,
    WITHHELD,
    WORLDS,
    Asking,
    Outlook,
    Point,
    Tally,
    evaluate,
    point,
)
from workers.terminal import Steps

POINTS = (0.8, 1.0, 1.9, 2.0, 3.0)  # false alerts a person-year
ABLATION_POINTS = (1.0, 2.0)
EACH_WORLD = 100_000  # seeds of one number

Tallies = Mapping[float, Tally]


def evaluated(
    worlds: Sequence[str], people: int, seed: int, *, ablation: bool, asking: Asking | None = None
) -> dict[str, dict[str, Tallies]]:
    """Tallies by world and by what is withheld, with progress on standard error. Raises Misconfigured."""
    unknown = set(worlds) - set(WORLDS)
    if unknown:
        raise Misconfigured(f"there is no world {unknown.pop()}: choose one of {', '.join(WORLDS)}, or all")
    seeds = range(seed * EACH_WORLD, seed * EACH_WORLD + people)
    return {world: _evaluated(world, seeds, WITHHELD if ablation else (), asking) for world in worlds}


def points_table(tallies: Tallies) -> Table:
    """Operating points of one world: what is caught, and how, at so many false alerts a year."""
    table = Table(box=None, pad_edge=False)
    for heading in ("false a year", "threshold", "caught", "median delay", "illness called fatigue"):
        table.add_column(heading, justify="right")
    for each in _points(tallies, POINTS):
        cells = each.false_a_year, each.threshold, each.sensitivity, each.delay, each.called_fatigue
        table.add_row(*(f"{cell:.{places}f}" for cell, places in zip(cells, (1, 2, 3, 1, 3), strict=True)))
    return table


def world_line(world: str) -> str:
    """The name of a world and what it is like."""
    return f"{world}: {WORLDS[world].about}"


def settings_line(tallies: Tallies) -> str:
    """What each setting of the slider comes to."""
    parts = (
        f"{name} ({level:g}) catches {tallies[level].sensitivity:.2f} with {tallies[level].false_a_year:.1f} a year"
        for name, level in SENSITIVITY.items()
    )
    return f"settings: {'; '.join(parts)}"


def asked_line(tallies: Mapping[str, Tallies], asking: Asking) -> str:
    """Who is asked how often, at the balanced setting, and how often the answer names a cause."""
    tally = tallies[ASKED][SENSITIVITY["balanced"]]
    named = tally.named / max(tally.questions, 1)
    return (
        f"the same people asked from a strain of {asking.watch:g}, {asking.answered:.0%} of questions answered: "
        f"{tally.questions_a_year:.1f} questions a year, {named:.0%} answered with a cause"
    )


def causes_line(tallies: Tallies) -> str:
    """False alerts by what truly happened, at the threshold nearest to two a year."""
    threshold, tally = min(tallies.items(), key=lambda each: abs(each[1].false_a_year - 2))
    parts = (f"{cause} {count / tally.years:.2f}" for cause, count in tally.false.most_common())
    return f"false alerts a year at {threshold:g}, by what truly happened: {', '.join(parts)}"


def ablation_table(tallies: Mapping[str, Tallies]) -> Table:
    """The same people with one piece of knowledge withheld at a time."""
    table = Table(box=None, pad_edge=False)
    for heading in ("withheld", "caught at 1", "caught at 2", "illness called fatigue at 2"):
        table.add_column(heading, justify="left" if heading == "withheld" else "right", no_wrap=heading == "withheld")
    for what, sums in tallies.items():
        if what == ASKED:
            continue
        one, two = _points(sums, ABLATION_POINTS)
        shown = (one.sensitivity, two.sensitivity, two.called_fatigue)
        table.add_row(what or "nothing", *(f"{value:.3f}" for value in shown))
    return table


def own_lines(outlooks: Sequence[Outlook]) -> list[str]:
    """One sentence for each setting, or why there is none."""
    if not outlooks:
        return ["There are too few nights yet: sixty that could be compared are needed."]
    return [
        f"{each.setting}: with your data, this setting would have warned you in {each.warned} of {each.spells}, "
        f"with {each.alerts_a_year:.1f} alerts a year"
        for each in outlooks
    ]


def as_plain(tallies: Mapping[str, Tallies]) -> dict[str, Any]:
    """Operating points for a machine, by what is withheld."""
    return {what or "nothing": [asdict(each) for each in _points(sums, POINTS)] for what, sums in tallies.items()}


def _evaluated(world: str, seeds: Sequence[int], without: Sequence[str], asking: Asking | None) -> dict[str, Tallies]:
    levels = sorted({*(LEVELS if asking else THRESHOLDS), *SENSITIVITY.values()})
    with Steps(Console(stderr=True, highlight=False, soft_wrap=True)).progress(f"World {world}") as (step, seen):
        tallies = evaluate(WORLDS[world], seeds, levels, without=without, asking=asking, seen=seen)
        first = next(iter(tallies[""].values()))
        step.detail = f"{first.years:.0f} person-years, {first.fatigue} spells of fatigue"
    return dict(tallies)


def _points(tallies: Tallies, wanted: Sequence[float]) -> list[Point]:
    return [point(tallies, each) for each in wanted]
