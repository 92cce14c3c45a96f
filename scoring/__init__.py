"""Judge a person's nights: `assess` turns them into one Assessment a night. No I/O, no clock, nothing of ours."""

from collections.abc import Sequence

from .baseline import usual
from .context import Context
from .explain import explain, shown_points, suggest
from .gates import Gate, illness, travel
from .night import Night, Session, SignalName, open_diary
from .persistence import State, follow
from .policy import ALGORITHM_VERSION, SENSITIVITY, Policy
from .readiness import Assessment, Driver, Input, Readings

__all__ = [
    "ALGORITHM_VERSION",
    "SENSITIVITY",
    "Assessment",
    "Driver",
    "Gate",
    "Input",
    "Night",
    "Policy",
    "Session",
    "State",
    "assess",
    "shown_points",
]

AROUND: tuple[SignalName, ...] = ("respiratory_rate", "skin_temperature", "oxygen_saturation", "sleep")
DEFAULT = Policy()


def assess(nights: Sequence[Night], policy: Policy = DEFAULT) -> list[Assessment]:
    """One Assessment for each night, in order; each depends on that night and those before it alone.

    Nights ascend by day; a missing day is the same as an empty Night.
    """
    if not nights:
        return []
    diary = open_diary(nights)
    around = {name: usual(diary, name) for name in AROUND}
    gatings = illness(diary, around["respiratory_rate"], around["skin_temperature"]), travel(diary)
    steps, evidence = follow(diary, *gatings, policy)
    readings, context = Readings(diary, evidence, around), Context(diary, around)
    result = []
    for night, row in zip(nights, diary.at, strict=True):
        step, reading = steps[row], readings.at(row, night)
        gates = tuple(gating.at(row, diary.days) for gating in gatings)
        told = context.at(row, night, reading.pattern, training=step.state != "possible_illness")
        result.append(
            Assessment(
                day=night.day,
                state=step.state,
                state_since=diary.days[step.since],
                nights_in_state=(night.day - diary.days[step.since]).days + 1,
                alert=step.alert,
                ended_by=step.ended_by,
                notice=step.notice,
                gates=gates,
                context=told,
                explanation=explain(step.state, reading, gates, told),
                suggestion=suggest(step.state, reading),
                **reading._asdict(),
            )
        )
    return result
