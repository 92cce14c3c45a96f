"""How well the rule does: synthetic people whose truth is known, and a person's own history with strain put into it."""

from collections.abc import Callable, Sequence

from .ablation import WITHHELD, withheld
from .grading import Point, Tally, grade, point
from .own_history import Outlook, own_history
from .people import Person, person
from .sweep import THRESHOLDS, starts, weighing_of
from .worlds import WORLDS, World

__all__ = [
    "THRESHOLDS",
    "WITHHELD",
    "WORLDS",
    "Outlook",
    "Person",
    "Point",
    "Tally",
    "World",
    "evaluate",
    "own_history",
    "person",
    "point",
]


def evaluate(
    world: World,
    seeds: Sequence[int],
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    without: Sequence[str] = (),
    seen: Callable[[int, int], object] = lambda _done, _total: None,
) -> dict[str, dict[float, Tally]]:
    """Tallies by threshold over one person for each seed: under "" as they are, and under each thing withheld.

    `seen` hears how many people are done, and of how many.
    """
    tallies = {what: {threshold: Tally() for threshold in thresholds} for what in ("", *without)}
    for done, seed in enumerate(seeds, 1):
        drawn = person(world, seed)
        for what, sums in tallies.items():
            nights = withheld(drawn.nights, what) if what else drawn.nights
            for threshold, days in starts(weighing_of(nights), thresholds).items():
                sums[threshold] += grade(drawn, [drawn.row(day) for day in days])
        seen(done, len(seeds))
    return tallies
