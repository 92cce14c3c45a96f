"""What people said of alerts, and how much it takes since to write to them again: two "not useful" raise it a step."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ingest import clock, store
from ingest.models import Alert, Person
from scoring import SENSITIVITY

Verdict = Literal["useful", "not_useful"]

STEP = 0.1  # of threshold, in the person's own nightly scatter
MOST_STEPS = 3
ANSWERS_A_STEP = 2
FALLS_AFTER = timedelta(days=180)  # without another one, a step is taken back


@dataclass(frozen=True, slots=True)
class Level:
    """What is asked of strain before it is told: the threshold, and the steps by which verdicts raised it.

    `rules` names all that a person chose of it; where it changes, what only the change shows is not told.
    """

    threshold: float
    steps: int
    rules: str


def level_of(session: Session, person: Person) -> Level:
    """The threshold in force for this person: their sensitivity, raised by what they said of alerts."""
    steps = steps_after(_not_useful(session, person.id), clock.now())
    rules = f"{person.sensitivity}+{steps}" if steps else person.sensitivity
    return Level(SENSITIVITY[person.sensitivity] + STEP * steps, steps, rules)


def steps_after(not_useful: Iterable[datetime], now: datetime) -> int:
    """How many steps stand at `now`, by the instants at which alerts opened that were not useful, in order."""
    steps, answers, last = 0, 0, now
    for at in not_useful:
        quiet = (at - last) // FALLS_AFTER if at > last else 0
        steps, answers, last = max(steps - quiet, 0), 1 if quiet else answers + 1, at
        if answers == ANSWERS_A_STEP:
            steps, answers = min(steps + 1, MOST_STEPS), 0
    return max(steps - (now - last) // FALLS_AFTER, 0)


def say(session: Session, person: Person, alert: Alert, verdict: Verdict | None) -> None:
    """Note what the person says of an alert, None to take it back; their nights are judged anew where it matters."""
    before = level_of(session, person)
    alert.verdict = verdict
    _judge_anew(session, person, before)


def forget(session: Session, person: Person) -> None:
    """Take back every "not useful" of this person, and with them what they raised."""
    before = level_of(session, person)
    own = (Alert.person == person.id, Alert.verdict == "not_useful")
    session.execute(update(Alert).where(*own).values(verdict=None))
    _judge_anew(session, person, before)


def _judge_anew(session: Session, person: Person, before: Level) -> None:
    session.flush()
    if level_of(session, person) != before:
        store.request_score(session, person.id, "verdict")


def _not_useful(session: Session, person_id: int) -> list[datetime]:
    own = (Alert.person == person_id, Alert.verdict == "not_useful")
    return list(session.scalars(select(Alert.opened_at).where(*own).order_by(Alert.opened_at)))
