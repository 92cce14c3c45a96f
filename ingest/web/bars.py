"""The range bar: a value beside the person's own usual range. The words beside it carry everything."""

from dataclasses import dataclass, replace

from ingest import words
from scoring import Assessment, Input, Language

WIDTH, EDGE = 320.0, 8.0  # of the drawing; the dot's radius stays inside it
ROOM = 0.9  # what is shown beyond the range on each side, in widths of it
SHARE = 1 / (1 + 2 * ROOM)  # of the drawing that the range takes
TONES = {"strained": "strained", "possible_illness": "signs"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One signal: its words, and where its range and its dot lie in the drawing; no drawing without a range."""

    label: str
    number: str
    unit: str
    verdict: str
    usual: str
    left: float = 0
    width: float = 0
    dot: float = 0
    tone: str = "inside"
    young: bool = False
    beside: str = ""


def bars(assessment: Assessment, language: Language = "en") -> list[Bar]:
    """The deciding signals of a night that have a value."""
    known = (words.one(assessment, name) for name in words.DECIDING)
    return [_bar(assessment, given, given.value, language) for given in known if given and given.value is not None]


def _bar(assessment: Assessment, given: Input, value: float, language: Language) -> Bar:
    signal, usual, told = words.named(given, language), words.usual(given, language), words.SPEAKERS[language]
    shown = words.shown(value, given.signal, language)
    beside = told.say("bar.usual", usual=usual) if usual else told.say("bar.none")
    plain = Bar(signal.label, shown, signal.unit, words.verdict(given, language), usual, beside=beside)
    low, high = given.usual_low, given.usual_high
    if low is None or high is None or high <= low:
        return plain
    at = ROOM * SHARE + (value - low) / (high - low) * SHARE
    outside = words.direction(given) != "within"
    first, last = (0.0, 1.0) if outside else (ROOM * SHARE, 1 - ROOM * SHARE)
    return replace(
        plain,
        left=_place(ROOM * SHARE),
        width=round((WIDTH - 2 * EDGE) * SHARE, 1),
        dot=_place(min(max(at, first), last)),
        tone=TONES.get(assessment.state, "outside") if outside else "inside",
        young=assessment.provisional,
    )


def _place(share: float) -> float:
    return round(EDGE + share * (WIDTH - 2 * EDGE), 1)
