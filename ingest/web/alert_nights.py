"""Why an alert came: which nights counted and which did not, what was ruled out, and what would have changed it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ingest import people, words
from ingest.models import Alert, Person
from ingest.nights import histories_of
from ingest.web.alert_words import SPEAKERS
from scoring import Assessment, Language, Night, Policy
from scoring.counterfactual import Without, without
from scoring.deviation import LEANING, REACH, RECENT
from scoring.gates import NOTED
from scoring.words import Speaker

SPEAKING = {"respiratory_rate": "above", "skin_temperature": "above", "oxygen_saturation": "below"}
EXCUSING = frozenset({"illness", "altitude"})
OUTCOMES = frozenset({"watch", "possible_illness", "travel"})
ONLY_THEY_KNOW = {"alcohol": "drinks", "hot_night": "heat", "ill": "feeling"}  # by the tag that tells of it


@dataclass(frozen=True, slots=True)
class Row:
    """One night, and whether it counted on the night the alert began."""

    night: Assessment
    counted: bool
    why: str


@dataclass(frozen=True, slots=True)
class Checks:
    """What else was looked at on the night it began: what spoke, what was as usual, what nobody could look at.

    `unknown` is a list in words, empty where everything was known.
    """

    spoke: list[str]
    ruled_out: list[str]
    unknown: str


def as_led(session: Session, person: Person, alert: Alert) -> list[Night]:
    """The nights until the alert's last, as the account tells them that led when it began."""
    histories = histories_of(session, person.id, people.today_of(session, person.id))
    days = [night.day for night in histories.nights]
    if alert.first_day not in days:
        return []
    nights = histories.told[histories.leads[days.index(alert.first_day)]]
    return [night for night in nights if night.day <= alert.last_day]


def rows(judged: Sequence[Assessment], onset: date, nights: Sequence[Night], language: Language = "en") -> list[Row]:
    """Each of these assessments with what its night counted for."""
    told = SPEAKERS[language]
    notes = {
        night.day + timedelta(days=after): told.say(f"noted.{tag}")
        for tag, lasts in reversed(tuple(NOTED.items()))  # the first one named stands
        for night in nights
        if tag in night.tags
        for after in range(lasts)
    }
    excused = {night.day: _excuse(night, notes) for night in judged}
    since = onset - timedelta(days=REACH)
    known = [n for n in judged if since < n.day <= onset and n.tonight is not None and not excused[n.day]]
    window = known[-RECENT:]
    furthest = max(window, key=lambda night: night.tonight or 0.0, default=None) if len(window) > 1 else None
    found = []
    for night in judged:
        why = _unheard(night, onset, window, furthest, excused[night.day])
        heard = "leaning" if (night.tonight or 0.0) > LEANING else "usual"
        found.append(Row(night, not why, told.say(f"why.{why or heard}", reason=excused[night.day])))
    return found


def checks(onset: Assessment, noted: Collection[str] = (), language: Language = "en") -> Checks:
    """What was looked at beside the two signals; `noted` are the tags the person gave these nights."""
    told = SPEAKERS[language]
    spoke = [gate.reason for gate in onset.gates if gate.active]
    ruled_out: list[str] = []
    unknown: list[str] = []
    for name, speaks in SPEAKING.items():
        given = words.one(onset, name)
        side = words.direction(given) if given else None
        if given is None or side is None:
            unknown.append(words.SIGNALS_IN[language][name].short)
        else:
            (spoke if side == speaks else ruled_out).append(words.range_sentence(given, language))
    if not any(gate.active and gate.name == "travel" for gate in onset.gates):
        ruled_out.append(told.say("clock"))
    unknown += [told.say(f"unknown.{name}") for tag, name in ONLY_THEY_KNOW.items() if tag not in noted]
    return Checks(spoke, ruled_out, _listed(unknown, told))


def what_if(nights: Sequence[Night], alert: Alert, language: Language = "en") -> list[str]:
    """What one other cause would have changed, in sentences; none where nothing can be told."""
    answers = without(nights, alert.first_day, Policy(threshold=alert.threshold)) if nights else []
    return [_said(each, alert.first_day, SPEAKERS[language]) for each in answers]


def _excuse(night: Assessment, notes: Mapping[date, str]) -> str:
    """What explains a night without strain; empty where nothing does."""
    gates = (gate.reason for gate in night.gates if gate.active and gate.name in EXCUSING)
    return notes.get(night.day) or next(gates, "")


def _unheard(
    night: Assessment, onset: date, window: Sequence[Assessment], furthest: Assessment | None, excuse: str
) -> str:
    """Why a night did not count; empty where it did."""
    reasons = (
        (night.day > onset, "later"),
        (not words.recorded(night), "nothing"),
        (bool(excuse), "explained"),
        (night.tonight is None, "no_range"),
        (night not in window, "earlier"),
        (night is furthest, "furthest"),
    )
    return next((why for holds, why in reasons if holds), "")


def _listed(things: Sequence[str], told: Speaker) -> str:
    """`drinks`, `drinks and heat`, `blood oxygen, drinks and heat`; empty for nothing."""
    *earlier, last = things or [""]
    return told.say("listed", earlier=", ".join(earlier), last=last) if earlier else last


def _said(each: Without, onset: date, told: Speaker) -> str:
    nights = _listed([words.short(day, language=told.language) for day in each.nights], told)
    return told.count(f"without.{each.cause}", len(each.nights), nights=nights, outcome=_outcome(each, onset, told))


def _outcome(each: Without, onset: date, told: Speaker) -> str:
    if each.starts is not None:
        kind = "same" if each.starts <= onset else "later"
        return told.say(f"outcome.{kind}", day=words.short(each.starts, language=told.language))
    state = each.state if each.state in OUTCOMES else "usual"
    return told.say(f"outcome.{state}", day=words.short(onset, language=told.language))
