"""The words: what was seen in the person's own units, what it may be, what looks the same, and what to do next.

Rules: signals, strain, usual, may, consider; no medical word, no blame, no comparison with others, no promise. Whenever
confidence is under .6 the doubt is named. How a person feels counts more, and every text about strain says so.
"""

from collections.abc import Callable, Mapping

from .baseline import FEWEST_NIGHTS
from .deviation import FEWEST_RECENT, LEANING, REACH
from .gates import Gate
from .persistence import State
from .readiness import DECIDING, NAMES, START, Assessment, Driver, Reading

DASH = "\N{EN DASH}"
UNSURE = 0.6  # confidence below it is named
FEEL = "How you feel counts more than this."
LOOKALIKES = "a cold coming on, alcohol, heat or short sleep can look the same"

SUGGESTIONS: Mapping[State, str] = {
    "collecting": "Wear it to bed.",
    "normal": "Do what you had planned.",
    "watch": "Keep your plan, and consider adding nothing hard yet.",
    "strained": "Consider swapping the next hard session for an easy one, or rest. Look again in three nights.",
    "recovering": "Consider coming back in steps over two or three days.",
    "possible_illness": "Rest first. If you feel unwell, consider asking a professional.",
    "travel": "Take it as it comes; we hold back for a week after such a shift.",
    "new_normal": "Carry on, and tell us if this is wrong.",
    "insufficient": "Wear it to bed for a few nights.",
}


def shown_points(assessment: Assessment) -> tuple[int, tuple[int, ...], int] | None:
    """Whole numbers that add up: the start, each driver's points, the score; None where no score is shown.

    Each part is rounded, and what rounding left over goes where it distorts least (largest remainder).
    """
    if assessment.score is None:
        return None
    start, end = round(START), round(assessment.score)
    exact = [driver.points for driver in assessment.drivers]
    whole = [round(points) for points in exact]
    while missing := end - start - sum(whole):
        step = 1 if missing > 0 else -1
        furthest = max(range(len(exact)), key=lambda i: step * (exact[i] - whole[i]))
        whole[furthest] += step
    return start, tuple(whole), end


def explain(state: State, reading: Reading, gates: tuple[Gate, ...], context: tuple[str, ...]) -> str:
    """Say what was seen, for how long, against what, what it may be, and what is not known."""
    told = [*_TELL[state](reading), *(gate.reason for gate in gates if gate.active), *context]
    if reading.confidence < UNSURE:
        told += ["We are not sure, and this may change.", *reading.confidence_reasons]
    if state not in ("collecting", "insufficient"):
        told.append(FEEL)
    return " ".join(told)


def suggest(state: State, reading: Reading) -> str:
    """Name the next step: graded, reversible, and the person's to take."""
    if state == "normal" and reading.pattern == "mixed":
        return "Check that the sensor sits well, and do what you had planned."
    return SUGGESTIONS[state]


def _collecting(reading: Reading) -> list[str]:
    nights = max((each.nights for each in reading.inputs if each.signal in DECIDING), default=0)
    if nights >= FEWEST_NIGHTS:
        return ["Your usual range is there; after a few more nights we can compare with it."]
    return [
        f"{nights} of {FEWEST_NIGHTS} nights so far.",
        f"Your usual range needs {FEWEST_NIGHTS} nights that are at least a week old; until then nothing is judged.",
    ]


def _insufficient(reading: Reading) -> list[str]:
    seen = f"Of the last {REACH} nights we could compare {reading.judged_nights}."
    return [seen, f"We need {FEWEST_RECENT} to say anything."]


def _normal(reading: Reading) -> list[str]:
    alone = len(reading.drivers) == 1 and reading.strain is not None and reading.strain > LEANING
    if alone:
        return [_leaning(reading), *_night(reading), "From one signal we cannot tell strain from other causes."]
    return ["Nothing stands out.", *_night(reading)]


def _watch(reading: Reading) -> list[str]:
    return [_leaning(reading), *_night(reading), f"It may pass by itself; {LOOKALIKES}."]


def _strained(reading: Reading) -> list[str]:
    return [
        _leaning(reading),
        *_night(reading),
        f"This pattern often goes with accumulated training strain, but it may be something else: {LOOKALIKES}.",
    ]


def _recovering(reading: Reading) -> list[str]:
    return ["Your nights are moving back towards your usual.", *_night(reading), "A hard day may still set them back."]


def _other_signs(reading: Reading) -> list[str]:
    return [
        "There are other signs of strain, more than training alone would show.",
        *_night(reading),
        "What is behind them we cannot know; many things may be.",
    ]


def _travel(reading: Reading) -> list[str]:
    return ["Travel may move your nights for a week, so we hold back judgement.", *_night(reading)]


def _new_normal(reading: Reading) -> list[str]:
    return [
        "Your nights have stayed at this level for four weeks, so we compare with this new range from now on.",
        *_night(reading),
        "It may have many causes, and it may be wrong: you can tell us.",
    ]


_TELL: Mapping[State, Callable[[Reading], list[str]]] = {
    "collecting": _collecting,
    "normal": _normal,
    "watch": _watch,
    "strained": _strained,
    "recovering": _recovering,
    "possible_illness": _other_signs,
    "travel": _travel,
    "new_normal": _new_normal,
    "insufficient": _insufficient,
}


def _leaning(reading: Reading) -> str:
    """For how many nights: the count that the state rests on, never a single night."""
    names = [NAMES[driver.signal] for driver in reading.drivers]
    what = "HRV and resting heart rate together" if len(names) != 1 else f"your {names[0]}"
    return f"On {reading.outside_nights} of your last {reading.judged_nights} nights {what} leaned towards strain."


def _night(reading: Reading) -> list[str]:
    """The night in the person's own units, beside the usual range."""
    if reading.tonight is None:
        return ["The latest night could not be compared; this stands from the nights before."]
    parts = [_beside_usual(driver) for driver in reading.drivers if driver.value is not None]
    return [f"Latest night: {' and '.join(parts)}."] if parts else []


def _beside_usual(driver: Driver) -> str:
    unit = "ms" if driver.signal == "hrv" else "bpm"
    text = f"{NAMES[driver.signal]} {driver.value:.0f} {unit}"
    if driver.usual_low is None or driver.usual_high is None:
        return text
    return f"{text} (usual {driver.usual_low:.0f}{DASH}{driver.usual_high:.0f})"
