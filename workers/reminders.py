"""What is told beside the alert itself: one reminder of it, that it has passed, and other signs, where people want it.

Each is decided where nights are judged, on what holds now, and is told once: a reminder and an all-clear for each alert
that was sent, other signs for each spell of them.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from ingest import people, snoozes
from ingest.models import Alert, Delivery, Person, Readiness
from scoring import Assessment
from workers import arrivals, deliveries
from workers.alerts import LATEST, Moment, Seen
from workers.deliveries import Told, about_alert
from workers.outcomes import Unwanted

STRAINED, REMINDER, RECOVERED, OTHER_SIGNS = "strained", "reminder", "recovered", "other_signs"
REMINDED_AFTER = timedelta(days=7)
SOON_AFTER = timedelta(days=30)  # an all-clear belongs to strain that ended lately


def decide(
    session: Session, person: Person, nights: Sequence[Assessment], before: Mapping[date, Seen], moment: Moment
) -> bool:
    """Write what these nights make worth telling now; returns whether any waits to be sent."""
    if moment.newest is None or moment.newest < moment.today - LATEST:
        return False
    lately = [night for night in nights if night.day >= moment.today - LATEST]
    told = [_remind(session, person, lately[-1], moment.today), _recovered(session, person, lately)]
    told += [_signs(session, person, night) for night in lately if _begins(night, lately[-1], before, moment)]
    return any(told)


def reminder_holds(session: Session, delivery: Delivery) -> None:
    """Raise Unwanted where the strain is over."""
    alert = session.get(Alert, delivery.subject)
    if alert is None or alert.state != "open" or _state(session, delivery.person) != STRAINED:
        raise Unwanted("it does not hold any more")
    _lately(session, delivery)


def recovered_holds(session: Session, delivery: Delivery) -> None:
    """Raise Unwanted where the nights are not as usual any more, or were for so long that it is no news."""
    alert = session.get(Alert, delivery.subject)
    if alert is None or alert.state != "closed" or _state(session, delivery.person) != "normal":
        raise Unwanted("it does not hold any more")
    if alert.last_day < people.today_of(session, delivery.person) - SOON_AFTER:
        raise Unwanted("that strain is long past")
    _lately(session, delivery)


def signs_hold(session: Session, delivery: Delivery) -> None:
    """Raise Unwanted where the other signs have passed."""
    if _state(session, delivery.person) != "possible_illness":
        raise Unwanted("it does not hold any more")
    _lately(session, delivery)


def told_at(session: Session, person_id: int, alert_id: int) -> datetime | None:
    """When the first message about this alert went out; None where none did."""
    own = (Delivery.person == person_id, Delivery.status == "sent")
    about = (*own, Delivery.kind == STRAINED, Delivery.subject == alert_id)
    return session.scalar(select(func.min(Delivery.sent_at)).where(*about))


def _remind(session: Session, person: Person, night: Assessment, today: date) -> bool:
    if night.state != STRAINED or snoozes.until(person):
        return False
    alert = session.scalar(select(Alert).where(Alert.person == person.id, Alert.state == "open", Alert.told))
    first = told_at(session, person.id, alert.id) if alert else None
    if alert is None or first is None or _has(session, person.id, REMINDER, alert.id):
        return False
    told_on = people.local_time(session, person.id, first).date()
    due = today - told_on >= REMINDED_AFTER
    return due and deliveries.create(session, person, about_alert(REMINDER, alert.id, STRAINED))


def _recovered(session: Session, person: Person, lately: Sequence[Assessment]) -> bool:
    if lately[-1].state != "normal" or not any(night.notice == RECOVERED for night in lately):
        return False
    ended = (Alert.state == "closed", Alert.told, Alert.last_day >= lately[-1].day - SOON_AFTER)
    latest = select(Alert.id).where(Alert.person == person.id, *ended).order_by(Alert.last_day.desc()).limit(1)
    alert = session.scalar(latest)
    if alert is None or told_at(session, person.id, alert) is None or _has(session, person.id, RECOVERED, alert):
        return False
    return deliveries.create(session, person, about_alert(RECOVERED, alert, RECOVERED))


def _begins(night: Assessment, last: Assessment, before: Mapping[date, Seen], moment: Moment) -> bool:
    """Whether other signs began on this night and still show; not where only other rules make them appear."""
    if night.notice != "illness" or last.state != "possible_illness":
        return False
    seen = before.get(night.day)
    return seen is None or seen.rules == moment.rules


def _signs(session: Session, person: Person, night: Assessment) -> bool:
    spell = night.day.toordinal()
    if _has(session, person.id, OTHER_SIGNS, spell):
        return False
    told = Told(OTHER_SIGNS, spell, f"{OTHER_SIGNS}:{night.day}", f"signs-{night.day}", OTHER_SIGNS)
    return deliveries.create(session, person, told)


def _has(session: Session, person_id: int, kind: str, subject: int) -> bool:
    """Whether this was decided on already; what was called off as it did not hold may come back."""
    about = (Delivery.person == person_id, Delivery.kind == kind, Delivery.subject == subject)
    decided = or_(Delivery.status != "cancelled", Delivery.error.in_(deliveries.FOR_GOOD))
    return bool(session.scalar(select(exists().where(*about, decided))))


def _state(session: Session, person_id: int) -> str | None:
    newest = select(Readiness.state).where(Readiness.person == person_id).order_by(Readiness.day.desc()).limit(1)
    return session.scalar(newest)


def _lately(session: Session, delivery: Delivery) -> None:
    since = people.today_of(session, delivery.person) - LATEST
    if not arrivals.has_night(session, delivery.person, since=since):
        raise Unwanted("its last night is past")
