"""The morning brief: one short message when a person wakes and last night is in, for those who asked for it.

It is decided where nights are judged, and waits until usual waking plus twenty minutes. Without last night it says so
at eleven; a night that comes later replaces that on a phone where nobody opened it, and no mail comes twice.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from ingest import clock, people, push, snoozes, waking
from ingest.models import Channel, Delivery, Person
from workers import arrivals, deliveries, leases
from workers.deliveries import Told
from workers.outcomes import Unwanted

KIND, MISSING = "brief", "brief_missing"
LATEST_HOUR = 11
PATIENCE = timedelta(hours=2)  # after usual waking, of those who wake late
STILL_WORTH = timedelta(hours=1)  # after it was due, to say that a night is missing
SAID_FROM, SAID_UNTIL = LATEST_HOUR, 15  # hours in which that is due, whenever people wake
SILENT_AFTER = 3  # mornings without a night: then nothing is said of it any more
LIFE = 6 * 3600  # seconds: worth nothing after noon
ALERTING = ("strained", "reminder")


def decide(session: Session, person: Person, newest: date | None) -> bool:
    """Write this morning's brief once its night is in; returns whether any waits to be sent."""
    wall = people.local_time(session, person.id)
    today = wall.date()
    if newest != today or not _wanted(session, person) or alerted(session, person.id, today):
        return False
    welcome = waking.brief_at(session, person.id, wall)
    when = clock.now() + max(_between(wall, welcome), timedelta(0))
    if wall <= latest(welcome) or _replaced(session, person.id, today):
        return deliveries.create_for(session, person, _morning(KIND, today), when)
    late = _morning(KIND, today, ":late")
    return deliveries.create_for(session, person, late, when, Channel.kind == push.KIND, _unopened(today))


def say_missing(session: Session, person: Person) -> bool:
    """Write that last night is not here, once it is late enough; returns whether any waits to be sent."""
    wall = people.local_time(session, person.id)
    today = wall.date()
    due = latest(waking.brief_at(session, person.id, wall))
    if not due <= wall <= due + STILL_WORTH or arrivals.has_night(session, person.id, since=today):
        return False
    if not _wanted(session, person) or alerted(session, person.id, today):
        return False
    return deliveries.create_for(session, person, _morning(MISSING, today), clock.now())


def latest(welcome: datetime) -> datetime:
    """Until when a brief waits for its night: eleven, or two hours after a later waking."""
    return max(welcome.replace(hour=LATEST_HOUR, minute=0), welcome + PATIENCE)


def holds(session: Session, delivery: Delivery) -> None:
    """Raise Unwanted where this morning is over, belongs to an alert, or its night is not (or is) here after all."""
    person = session.get_one(Person, delivery.person)
    today = people.today_of(session, person.id)
    if delivery.subject != today.toordinal():
        raise Unwanted("that morning is over")
    if snoozes.until(person):
        raise Unwanted("the person wants to be left alone for a while")
    if alerted(session, person.id, today):
        raise Unwanted("an alert is told today")
    if arrivals.has_night(session, person.id, since=today) != (delivery.kind == KIND):
        raise Unwanted("last night is here" if delivery.kind == MISSING else "last night was taken back")


def alerted(session: Session, person_id: int, today: date) -> bool:
    """Whether a message about strain went out today, or waits to."""
    told = (Delivery.person == person_id, Delivery.kind.in_(ALERTING))
    if session.scalar(select(exists().where(*told, Delivery.status.in_(deliveries.PENDING)))):
        return True
    latest_at = select(Delivery.sent_at).where(*told, Delivery.sent_at.is_not(None))
    sent = session.scalar(latest_at.order_by(Delivery.sent_at.desc()).limit(1))
    return sent is not None and people.local_time(session, person_id, sent).date() == today


def _wanted(session: Session, person: Person) -> bool:
    own = (Channel.person == person.id, Channel.state == "on", Channel.wants.contains([KIND]))
    return not snoozes.until(person) and session.scalar(select(exists().where(*own))) is True


def _replaced(session: Session, person_id: int, today: date) -> bool:
    """Let what would say that the night is missing, and is not sent yet, be the brief after all; whether any was."""
    waiting = (Delivery.person == person_id, Delivery.kind == MISSING, Delivery.subject == today.toordinal())
    turned = update(Delivery).where(*waiting, Delivery.status.in_(deliveries.PENDING)).values(kind=KIND)
    return bool(session.scalars(turned.returning(Delivery.id), execution_options=leases.UNTRACKED).all())


def _unopened(today: date) -> ColumnElement[bool]:
    """Whether a channel was told this morning that the night is missing, and nobody opened that."""
    said = (Delivery.channel == Channel.id, Delivery.kind == MISSING, Delivery.subject == today.toordinal())
    return exists().where(*said, Delivery.status == "sent", Delivery.opened_at.is_(None))


def _morning(kind: str, today: date, again: str = "") -> Told:
    """One message a channel and day, of whichever kind; `again` marks the one that replaces it on a phone."""
    return Told(kind, today.toordinal(), f"brief:{today}{again}", f"brief-{today}", KIND)


def _between(earlier: datetime, later: datetime) -> timedelta:
    """Time that passes between two wall clocks of one place; a change of its clocks in between counts."""
    return timedelta(seconds=later.timestamp() - earlier.timestamp())
