"""One person's nights, judged anew: readiness, alerts and what must be told, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from ingest import clock, people, store, verdicts
from ingest.db import transaction
from ingest.grants import following
from ingest.models import Alert, Delivery, Person, ScoreRequest
from ingest.nights import Histories, histories_of
from ingest.runs import LeaseLost
from scoring import ALGORITHM_VERSION, Assessment, Language, Night, Policy, assess
from workers import alerts, briefs, deliveries, leases, questions, reminders
from workers.alerts import Change, Decided, Moment, Seen
from workers.deliveries import about_alert
from workers.leases import Outcome, Work

KIND = "strained"

log = structlog.get_logger(__name__)


def _failed(session: Session, person_id: int, outcome: Outcome, _: Exception, reason: str) -> Mapping[str, Any]:
    now = clock.now()
    tries = select(ScoreRequest.attempts).where(ScoreRequest.person == person_id).with_for_update()
    if session.scalar(tries) == 0:  # asked anew while this try failed: that deserves tries of its own
        return {"due_at": now + outcome.after, "attempts": 0, "error": reason}
    if outcome.name in {"bury", "cancel"}:
        return {"buried_at": now, "error": reason}
    return {"due_at": now + outcome.after, "error": reason}


SCORES = Work(
    name="score",
    task="score.person",
    key=ScoreRequest.person,
    order=ScoreRequest.due_at,
    due=lambda now: ScoreRequest.buried_at.is_(None) & (ScoreRequest.due_at <= now),
    takes=leases.QUEUED,
    room=200,
    failed=_failed,
)


def score_person(person_id: int, token: str) -> bool:
    """Judge all nights of a person; returns whether something is to be told. Raises LeaseLost, with nothing written."""
    with transaction() as session:
        person = session.scalar(
            select(Person).where(Person.id == person_id, Person.state == "active").with_for_update(key_share=True)
        )
        if person is None:
            session.execute(delete(ScoreRequest).where(*leases.held(SCORES, person_id, token)))
            return False
        # The version is read before the nights: what is saved meanwhile raises it, and the request stays due.
        version = session.scalar(select(ScoreRequest.version).where(*leases.held(SCORES, person_id, token)))
        if version is None:
            raise LeaseLost(f"score {person_id} belongs to another worker")
        telling = _judge(session, person)
        _settle(session, person_id, token, version)
    return telling


def _judge(session: Session, person: Person) -> bool:
    today = people.today_of(session, person.id)
    histories = histories_of(session, person.id, today)
    level = verdicts.level_of(session, person)
    policy = Policy(threshold=level.threshold)
    assessments = judged(histories, policy, people.language_of(person))
    person.judged_by = ALGORITHM_VERSION
    if following.filling(session, person.id):  # what the nights on their way will say is not known: nothing is decided
        assessments = [replace(each, provisional=True) for each in assessments]
        changed = store.save_readiness(session, person.id, assessments, store.UNDECIDED)
        log.info("scored_provisionally", person=person.id, nights=len(assessments), rows_changed=changed)
        return False
    stands = store.standing(session, person.id)
    before = _seen(stands)
    changed = store.save_readiness(session, person.id, assessments, level.rules, stands)
    newest = _newest(histories.nights)
    moment = Moment(today, newest, (ALGORITHM_VERSION, level.rules), policy.cooldown_nights)
    changes = alerts.decide(assessments, _standing(session, person.id), before, moment)
    telling = [_write(session, person, change, policy.threshold) for change in changes]
    telling += [reminders.decide(session, person, assessments, before, moment), briefs.decide(session, person, newest)]
    telling.append(questions.consider(session, person, assessments, histories.nights))
    log.info("scored", person=person.id, nights=len(assessments), rows_changed=changed, alerts_changed=len(changes))
    return any(telling)


def judged(histories: Histories, policy: Policy, language: Language = "en") -> list[Assessment]:
    """One assessment a night, each by the past of the account that leads on it.

    A device that takes over is thereby judged by its own nights from its first day on, and what was said of the nights
    before stays as it was.
    """
    found = {lead: assess(nights, policy, language) for lead, nights in histories.told.items()}
    return [found[lead][place] for place, lead in enumerate(histories.leads)]


def _settle(session: Session, person_id: int, token: str, version: int) -> None:
    """Remove the request where it still is the one that was read; leave it due where it has grown since."""
    fence = leases.held(SCORES, person_id, token)
    answered = delete(ScoreRequest).where(*fence, ScoreRequest.version == version).returning(ScoreRequest.person)
    if session.scalar(answered) is not None:
        return
    free = {"lease_token": None, "lease_until": None, "attempts": 0}
    if session.scalar(update(ScoreRequest).where(*fence).values(free).returning(ScoreRequest.person)) is None:
        raise LeaseLost(f"score {person_id} belongs to another worker")


def _seen(stands: Mapping[date, store.Stands]) -> dict[date, Seen]:
    """What was decided on before, by day; a night without a value is nobody's."""
    decided = {day: each for day, each in stands.items() if each.policy != store.UNDECIDED}
    return {
        day: Seen(said["state"], (said["algorithm_version"], policy), _read_from(said["inputs"]))
        for day, (said, policy) in decided.items()
    }


def _read_from(inputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    had = [given for given in inputs if given["value"] is not None]
    return alerts.accounts((given["signal"], given["series"]) for given in had)


def _newest(nights: Sequence[Night]) -> date | None:
    """The last day that brought a signal which decides."""
    with_data = (night.day for night in reversed(nights) if (night.hrv_ms, night.resting_heart_rate) != (None, None))
    return next(with_data, None)


def _standing(session: Session, person_id: int) -> list[Decided]:
    decided = or_(Delivery.status != "cancelled", Delivery.error.in_(deliveries.FOR_GOOD))
    own = (Delivery.kind == KIND, Delivery.person == person_id, Delivery.subject == Alert.id)
    sent = select(Delivery.id).where(*own, decided)
    columns: tuple[Any, ...] = (Alert.id, Alert.first_day, Alert.last_day, Alert.state, Alert.told, sent.exists())
    rows = session.execute(select(*columns).where(Alert.person == person_id, Alert.kind == KIND).order_by(Alert.id))
    return [Decided(*row) for row in rows]


def _write(session: Session, person: Person, change: Change, threshold: float) -> bool:
    """Write one change of the alerts; returns whether deliveries wait because of it."""
    now, new = clock.now(), change.alert
    alert = session.get_one(Alert, new.id) if new.id else _opened(session, person.id, threshold, now)
    was = alert.state
    alert.first_day, alert.last_day, alert.state = new.first_day, new.last_day, new.state
    alert.told = alert.told or new.told  # a message may have gone out since the alerts were read
    if was != new.state:
        alert.closed_at = None if new.state == "open" else now
    session.flush()
    log.info("alert_written", alert=alert.id, was=was, now=new.state, told=new.told)
    return change.tell and deliveries.create(session, person, about_alert(KIND, alert.id, KIND))


def _opened(session: Session, person_id: int, threshold: float, now: datetime) -> Alert:
    alert = Alert(person=person_id, kind=KIND, threshold=threshold, opened_at=now)
    session.add(alert)
    return alert
