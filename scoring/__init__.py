"""Judge a person's nights: `assess` turns them into one Assessment a night. No I/O, no clock, nothing of ours."""

from collections.abc import Sequence

from .baseline import usual
from .context import Context
from .explain import explain, shown_points, suggest
from .gates import AROUND, Gate, other_causes
from .night import Night, Session, open_diary
from .persistence import State, Weighing, follow
from .policy import ALGORITHM_VERSION, SENSITIVITY, Policy
from .readiness import Assessment, Driver, Input, Readings
from .words import Language

__all__ = [
    "ALGORITHM_VERSION",
    "SENSITIVITY",
    "Assessment",
    "Driver",
    "Gate",
    "Input",
    "Language",
    "Night",
    "Policy",
    "Session",
    "State",
    "assess",
    "shown_points",
]

DEFAULT = Policy()


def assess(nights: Sequence[Night], policy: Policy = DEFAULT, language: Language = "en") -> list[Assessment]:
    """One Assessment for each night, in order; each depends on that night and those before it alone.

    Nights ascend by day; a missing day is the same as an empty Night. The sentences are in `language`.
    """
    if not nights:
        return []
    diary = open_diary(nights)
    around = {name: usual(diary, name) for name in AROUND}
    causes = other_causes(diary, around, language)
    steps, evidence = follow(Weighing(diary, causes), policy)
    readings, context = Readings(diary, evidence, around, language), Context(diary, around, evidence, language)
    result = []
    for night, row in zip(nights, diary.at, strict=True):
        step, reading = steps[row], readings.at(row, night)
        gates = causes.at(row, diary.days)
        told = context.at(row, night, gates, training=step.state != "possible_illness")
        result.append(
            Assessment(
                day=night.day,
                state=step.state,
                state_since=diary.days[step.since],
                nights_in_state=(night.day - diary.days[step.since]).days + 1,
                alert=step.alert,
                ended_by=step.ended_by,
                notice=step.notice,
                load=night.load,
                load_series=night.load_series,
                gates=gates,
                context=told,
                explanation=explain(step.state, reading, gates, told, language),
                suggestion=suggest(step.state, reading, language),
                **reading._asdict(),
            )
        )
    return result
