"""Why an alert came: which nights counted and which did not, what was ruled out, and what would have changed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ingest import people, signals, words
from ingest.models import Alert, Person
from ingest.nights import histories_of
from scoring import Assessment, Night, Policy
from scoring.counterfactual import Cause, Without, without

RECENT, REACH = 8, timedelta(days=12)  # the nights that strain rests on
LEANING = 0.4  # own scales, from which a night counts as leaning
SPEAKING = {"respiratory_rate": "above", "skin_temperature": "above", "oxygen_saturation": "below"}
EXCUSING = frozenset({"illness", "altitude"})
NOTES = {"alcohol": "Drinks noted.", "hot_night": "Heat noted."}
NAMED: Mapping[Cause, tuple[str, str]] = {
    "alcohol": ("Without the nights noted with drinks", "Without the night noted with drinks"),
    "hot_night": ("Without the hot nights", "Without the hot night"),
    "ill": ("Knowing on which nights you were unwell", "Knowing that you were unwell that night"),
    "travel": ("Knowing that you travelled", "Knowing that you travelled"),
    "short_sleep": ("Without the short nights", "Without the short night"),
    "highest": ("Without the three nights furthest from your usual", "Without the night furthest from your usual"),
}
OUTCOMES = {
    "watch": "your nights would have leaned, and nothing would have been sent",
    "possible_illness": "we would have spoken of other signs, not of strain",
    "travel": "we would have held back judgement",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One night, and whether it counted on the night the alert began."""

    night: Assessment
    counted: bool
    why: str


@dataclass(frozen=True, slots=True)
class Checks:
    """What else was looked at on the night it began: what spoke, what was as usual, what nobody could look at."""

    spoke: list[str]
    ruled_out: list[str]
    unknown: list[str]


def as_led(session: Session, person: Person, alert: Alert) -> list[Night]:
    """The nights until the alert's last, as the account tells them that led when it began."""
    histories = histories_of(session, person.id, people.today_of(session, person.id))
    days = [night.day for night in histories.nights]
    if alert.first_day not in days:
        return []
    nights = histories.told[histories.leads[days.index(alert.first_day)]]
    return [night for night in nights if night.day <= alert.last_day]


def rows(judged: Sequence[Assessment], onset: date, nights: Sequence[Night]) -> list[Row]:
    """Each of these assessments with what its night counted for."""
    notes = {night.day: NOTES[tag] for night in nights for tag in NOTES if tag in night.tags}
    excused = {night.day: _excuse(night, notes) for night in judged}
    known = [n for n in judged if onset - REACH < n.day <= onset and n.tonight is not None and not excused[n.day]]
    window = known[-RECENT:]
    furthest = max(window, key=lambda night: night.tonight or 0.0, default=None) if len(window) > 1 else None
    return [_row(night, onset, window, furthest, excused[night.day]) for night in judged]


def checks(onset: Assessment) -> Checks:
    """What was looked at beside the two signals."""
    found = Checks([gate.reason for gate in onset.gates if gate.active], [], [])
    for name, speaks in SPEAKING.items():
        given = words.one(onset, name)
        side = signals.direction(given) if given else None
        if given is None or side is None:
            found.unknown.append(words.SIGNALS[name].label)
        else:
            (found.spoke if side == speaks else found.ruled_out).append(words.range_sentence(given))
    if not any(gate.active and gate.name == "travel" for gate in onset.gates):
        found.ruled_out.append("Clock: no change of three hours or more in the week before.")
    return found


def what_if(nights: Sequence[Night], alert: Alert) -> list[str]:
    """What one other cause would have changed, in sentences; none where nothing can be told."""
    answers = without(nights, alert.first_day, Policy(threshold=alert.threshold)) if nights else []
    return [_said(each, alert.first_day) for each in answers]


def _excuse(night: Assessment, notes: Mapping[date, str]) -> str:
    """What explains a night without strain; empty where nothing does."""
    gates = (gate.reason for gate in night.gates if gate.active and gate.name in EXCUSING)
    return notes.get(night.day) or next(gates, "")


def _row(night: Assessment, onset: date, window: Sequence[Assessment], furthest: Assessment | None, excuse: str) -> Row:
    unheard = (
        (night.day > onset, "after it began"),
        (not words.recorded(night), "no reading"),
        (bool(excuse), f"left out. {excuse}"),
        (night.tonight is None, "no usual range to compare with"),
        (night not in window, "earlier than the eight"),
        (night is furthest, "left out, the furthest of eight"),
    )
    why = next((why for holds, why in unheard if holds), "")
    if why:
        return Row(night, counted=False, why=why)
    return Row(night, counted=True, why="leans towards strain" if (night.tonight or 0.0) > LEANING else "as usual")


def _said(each: Without, onset: date) -> str:
    several, single = NAMED[each.cause]
    named = single if len(each.nights) == 1 else several
    listed = words.listed([words.short(day) for day in each.nights])
    return f"{named} ({listed}): {_outcome(each, onset)}."


def _outcome(each: Without, onset: date) -> str:
    if each.starts is None:
        return OUTCOMES.get(each.state, f"you would have been in your usual range on {words.short(onset)}")
    if each.starts <= onset:
        return "it would have come all the same"
    return f"it would have come later, on {words.short(each.starts)}"
