"""The words: what was seen in the person's own units, what it may be, what looks the same, and what to do next.

Rules: signals, strain, usual, may, consider; no medical word, no blame, no comparison with others, no promise. Whenever
confidence is under .6 the doubt is named. How a person feels counts more, and every text about strain says so. The
sentences stand in `words/`, in each language.
"""

from collections.abc import Callable, Mapping

from .baseline import FEWEST_NIGHTS
from .deviation import FEWEST_RECENT, LEANING, REACH
from .gates import Gate
from .persistence import State
from .readiness import DECIDING, START, Assessment, Driver, Reading
from .words import LANGUAGES, Language, Speaker, speaker
from .words.states import DE, EN

UNSURE = 0.6  # confidence below it is named
THEN: Mapping[str, str] = {"night.latest": "night.then", "night.none": "night.none_then"}  # once the night is past
SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}


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


def explain(
    state: State, reading: Reading, gates: tuple[Gate, ...], context: tuple[str, ...], language: Language = "en"
) -> str:
    """Say what was seen, for how long, against what, what it may be, and what is not known."""
    told = SPEAKERS[language]
    lines = [*_TELL[state](told, reading), *(gate.reason for gate in gates if gate.active), *context]
    if reading.confidence < UNSURE:
        lines += [told.say("unsure"), *reading.confidence_reasons]
    if state not in ("collecting", "insufficient"):
        lines.append(told.say("feeling"))
    return " ".join(lines)


def suggest(state: State, reading: Reading, language: Language = "en") -> str:
    """Name the next step: graded, reversible, and the person's to take."""
    mixed = state == "normal" and reading.pattern == "mixed"
    return SPEAKERS[language].say("next.mixed" if mixed else f"next.{state}")


def without_feeling(explanation: str) -> str:
    """The explanation for a place that itself says that feeling counts more, in whichever language."""
    for told in SPEAKERS.values():
        explanation = explanation.removesuffix(told.say("feeling")).rstrip()
    return explanation


def of_then(explanation: str) -> str:
    """The explanation of a night that is not the latest any more, in whichever language."""
    for told in SPEAKERS.values():
        for latest, then in THEN.items():
            explanation = explanation.replace(told.say(latest), told.say(then))
    return explanation


def _collecting(told: Speaker, reading: Reading) -> list[str]:
    nights = max((each.nights for each in reading.inputs if each.signal in DECIDING), default=0)
    if nights >= FEWEST_NIGHTS:
        return [told.say("collecting.near")]
    far = told.say("collecting.far", nights=nights, fewest=FEWEST_NIGHTS)
    return [far, told.say("collecting.needs", fewest=FEWEST_NIGHTS)]


def _insufficient(told: Speaker, reading: Reading) -> list[str]:
    seen = told.say("insufficient.seen", reach=REACH, judged=reading.judged_nights)
    return [seen, told.say("insufficient.needs", fewest=FEWEST_RECENT)]


def _normal(told: Speaker, reading: Reading) -> list[str]:
    alone = len(reading.drivers) == 1 and reading.strain is not None and reading.strain > LEANING
    if alone:
        return [_leaning(told, reading), *_night(told, reading), told.say("normal.alone")]
    return [told.say("normal"), *_night(told, reading)]


def _watch(told: Speaker, reading: Reading) -> list[str]:
    return [_leaning(told, reading), *_night(told, reading), told.say("watch")]


def _strained(told: Speaker, reading: Reading) -> list[str]:
    """Strain stays open over nights that are too few to be counted."""
    leaning = told.say("strained.few") if reading.strain is None else _leaning(told, reading)
    return [leaning, *_night(told, reading), told.say("strained")]


def _recovering(told: Speaker, reading: Reading) -> list[str]:
    return [told.say("recovering"), *_night(told, reading), told.say("recovering.may")]


def _other_signs(told: Speaker, reading: Reading) -> list[str]:
    return [told.say("possible_illness"), *_night(told, reading), told.say("possible_illness.may")]


def _travel(told: Speaker, reading: Reading) -> list[str]:
    return [told.say("travel"), *_night(told, reading)]


def _new_normal(told: Speaker, reading: Reading) -> list[str]:
    return [told.say("new_normal"), *_night(told, reading), told.say("new_normal.may")]


_TELL: Mapping[State, Callable[[Speaker, Reading], list[str]]] = {
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


def _leaning(told: Speaker, reading: Reading) -> str:
    """For how many nights: the count that the state rests on, never a single night."""
    drivers, resting = reading.drivers, _resting(reading)
    what = f"both.{resting}" if len(drivers) != 1 else "hrv" if drivers[0].signal == "hrv" else resting
    return told.say(f"leaning.{what}", outside=reading.outside_nights, judged=reading.judged_nights)


def _night(told: Speaker, reading: Reading) -> list[str]:
    """The night in the person's own units, beside the usual range."""
    if reading.tonight is None:
        return [told.say("night.none")]
    resting = _resting(reading)
    parts = [_beside_usual(told, driver, resting) for driver in reading.drivers if driver.value is not None]
    if len(parts) > 1:
        return [told.say("night.both", first=parts[0], second=parts[1])]
    return [told.say("night.one", first=parts[0])] if parts else []


def _beside_usual(told: Speaker, driver: Driver, resting: str) -> str:
    what = "hrv" if driver.signal == "hrv" else resting
    if driver.usual_low is None or driver.usual_high is None:
        return told.say(f"value.{what}", value=driver.value)
    return told.say(f"usual.{what}", value=driver.value, low=driver.usual_low, high=driver.usual_high)


def _resting(reading: Reading) -> str:
    """What the heart rate is: measured asleep, or a vendor's value of the whole day."""
    for each in reading.inputs:
        if each.kind:
            return each.kind
    return "sleep"
