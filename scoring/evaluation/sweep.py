"""When alerts would have started, at many thresholds: the nights are weighed once, only the walk is repeated."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from scoring.baseline import usual
from scoring.gates import AROUND, other_causes
from scoring.night import Night, open_diary
from scoring.persistence import Weighing, follow
from scoring.policy import Policy

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5)


def weighing_of(nights: Sequence[Night]) -> Weighing:
    """All of one history that needs no threshold."""
    diary = open_diary(nights)
    return Weighing(diary, other_causes(diary, {name: usual(diary, name) for name in AROUND}))


def starts(weighing: Weighing, thresholds: Iterable[float] = THRESHOLDS) -> Mapping[float, tuple[date, ...]]:
    """Days on which an alert starts, for each threshold; the same as `assess` finds."""
    return {threshold: _starts(weighing, Policy(threshold=threshold)) for threshold in thresholds}


def _starts(weighing: Weighing, policy: Policy) -> tuple[date, ...]:
    steps, _ = follow(weighing, policy)
    return tuple(day for day, step in zip(weighing.diary.days, steps, strict=True) if step.alert == "start")
