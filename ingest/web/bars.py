"""The range bar: a value beside the person's own usual range. The words beside it carry everything."""

from dataclasses import dataclass

from ingest import words
from scoring import Assessment

WIDTH, ROOM = 320.0, 0.9  # units of the drawing; what is shown beyond the range, in widths of it
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


def bars(assessment: Assessment) -> list[Bar]:
    """The deciding signals of a night that have a value."""
    return [_bar(assessment, name) for name in words.DECIDING if (found := words.one(assessment, name)) and found.value]


def _bar(assessment: Assessment, name: str) -> Bar:
    given, signal = words.one(assessment, name), words.SIGNALS[name]
    assert given is not None  # noqa: S101  (chosen by `bars`)
    assert given.value is not None  # noqa: S101
    plain = Bar(signal.label, words.shown(given.value, name), signal.unit, words.verdict(given), words.usual(given))
    low, high = given.usual_low, given.usual_high
    if low is None or high is None or high <= low:
        return plain
    outside = words.direction(given) != "within"
    tone = TONES.get(assessment.state, "outside") if outside else "inside"
    whole = (high - low) * (1 + 2 * ROOM)
    share = (given.value - low + (high - low) * ROOM) / whole
    if not outside:
        edge = ROOM / (1 + 2 * ROOM)
        share = min(max(share, edge), 1 - edge)
    dot = 8 + min(max(share, 0), 1) * (WIDTH - 16)
    left = 8 + ROOM / (1 + 2 * ROOM) * (WIDTH - 16)
    return Bar(
        plain.label,
        plain.number,
        plain.unit,
        plain.verdict,
        plain.usual,
        left=round(left, 1),
        width=round((WIDTH - 16) / (1 + 2 * ROOM), 1),
        dot=round(dot, 1),
        tone=tone,
        young=assessment.provisional,
    )
