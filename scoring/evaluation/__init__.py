"""How well the rule does: synthetic people whose truth is known, and a person's own history with strain put into it."""

from collections.abc import Callable, Sequence

from .ablation import WITHHELD, withheld
from .asking import LEVELS, Asking, asked_tally
from .grading import Point, Tally, grade, point
from .own_history import Outlook, own_history
from .people import Person, person
from .sweep import THRESHOLDS, starts, weighing_of
from .worlds import WORLDS, World

__all__ = [
    "ASKED",
    "LEVELS",
    "THRESHOLDS",
    "WITHHELD",
    "WORLDS",
    "Asking",
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

ASKED = "asking"  # what the tallies of those who are asked stand under


def evaluate(  # noqa: PLR0913  each is a choice of who evaluates
    world: World,
    seeds: Sequence[int],
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    without: Sequence[str] = (),
    asking: Asking | None = None,
    seen: Callable[[int, int], object] = lambda _done, _total: None,
) -> dict[str, dict[float, Tally]]:
    """Tallies by threshold over one person for each seed: under "" as they are, and under each thing withheld.

    Where `asking` is given, the same people are asked the quiet question besides, under ASKED; that takes much longer.
    `seen` hears how many people are done, and of how many.
    """
    whats = ("", *without, *([ASKED] if asking else ()))
    tallies = {what: {threshold: Tally() for threshold in thresholds} for what in whats}
    for done, seed in enumerate(seeds, 1):
        drawn = person(world, seed)
        for what, sums in tallies.items():
            if what == ASKED and asking:
                graded = {threshold: asked_tally(drawn, seed, threshold, asking) for threshold in thresholds}
            else:
                graded = _graded(drawn, what, thresholds)
            for threshold, tally in graded.items():
                sums[threshold] += tally
        seen(done, len(seeds))
    return tallies


def _graded(drawn: Person, what: str, thresholds: Sequence[float]) -> dict[float, Tally]:
    nights = withheld(drawn.nights, what) if what else drawn.nights
    found = starts(weighing_of(nights), thresholds)
    return {threshold: grade(drawn, [drawn.row(day) for day in days]) for threshold, days in found.items()}
