"""What must be told, as rows: one for each channel that wants it, made in the transaction that decided it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock, people, snoozes
from ingest.grants.replay import DISCARDED
from ingest.models import Channel, Delivery, Person
from workers import leases
from workers.alerts import after_quiet, allowed

HELD_BACK = "held back: no more than one such message a week and three a month"
REPLACED = "a later message of its kind takes its place"
FOR_GOOD = (HELD_BACK, DISCARDED)  # called off by a decision, not because it did not hold
PENDING = ("waiting", "held")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What a message is about; `wanted` is the word by which channels want it, `key` makes it one for ever."""

    kind: str
    subject: int
    key: str
    thread: str
    wanted: str


def about_alert(kind: str, alert_id: int, wanted: str) -> Told:
    """One message of its kind about an alert; on a phone it replaces the one before."""
    return Told(kind, alert_id, f"{kind}:{alert_id}", f"alert-{alert_id}", wanted)


def create(session: Session, person: Person, told: Told) -> bool:
    """Write a delivery for each channel that is on and wants this; returns whether any waits to be sent.

    One that was cancelled because its subject did not hold comes back; one that was sent, or discarded by an operator,
    never does. What would exceed the cap is written as cancelled with its reason: it is not told later. A snooze
    holds it until it ends. What of its kind still waits to tell of something else gives way to it.
    """
    when = max(clock.now() + _quiet(session, person), snoozes.until(person) or clock.now())
    within_cap = allowed(_told_at(session, person.id, told), when)
    fate = {} if within_cap else {"status": "cancelled", "error": HELD_BACK}
    rows = _rows(session, person, when, _values(told) | fate, Channel.wants.contains([told.wanted]))
    if rows and within_cap:
        _give_way(session, person.id, told)
    return bool(rows) and _insert(session, rows) and within_cap


def create_for(session: Session, person: Person, told: Told, when: datetime, *of: ColumnElement[bool]) -> bool:
    """Write a delivery at `when`, beyond any cap, for the channels that want it, of which `of` may choose.

    Quiet hours hold; returns whether any waits to be sent.
    """
    later = max(when, clock.now() + _quiet(session, person))
    rows = _rows(session, person, later, _values(told), Channel.wants.contains([told.wanted]), *of)
    return bool(rows) and _insert(session, rows)


def create_service(session: Session, person: Person, kind: str, subject: int, key: str) -> bool:
    """Write a delivery about the service itself for each channel that is on, whatever it wants and beyond any cap.

    Quiet hours hold. `key` makes it one for ever; returns whether any waits to be sent.
    """
    told = {"kind": kind, "subject": subject, "key": key, "thread": f"{kind}-{subject}"}
    rows = _rows(session, person, clock.now() + _quiet(session, person), told)
    return bool(rows) and _insert(session, rows)


def _values(told: Told) -> dict[str, Any]:
    return {"kind": told.kind, "subject": told.subject, "key": told.key, "thread": told.thread}


def _quiet(session: Session, person: Person) -> timedelta:
    return after_quiet(people.local_time(session, person.id), person.quiet_from, person.quiet_until)


def _rows(
    session: Session, person: Person, when: datetime, told: dict[str, Any], *wanting: ColumnElement[bool]
) -> list[dict[str, Any]]:
    now = clock.now()
    channels = select(Channel.id).where(Channel.person == person.id, Channel.state == "on", *wanting)
    due = {"not_before": when, "status": "held" if when > now else "waiting", "error": None, "created_at": now}
    return [{"person": person.id, "channel": channel, **due, **told} for channel in session.scalars(channels)]


def _insert(session: Session, rows: list[dict[str, Any]]) -> bool:
    new = insert(Delivery)
    again = {name: getattr(new.excluded, name) for name in ("kind", "not_before", "status", "error")}
    revived = new.on_conflict_do_update(
        index_elements=[Delivery.channel, Delivery.key],
        set_=again | {"attempts": 0, "failing_since": None, "lease_token": None, "lease_until": None},
        where=and_(Delivery.status == "cancelled", *(Delivery.error.is_distinct_from(reason) for reason in FOR_GOOD)),
    )
    written = session.scalars(revived.returning(Delivery.id), rows).all()
    log.info("deliveries_written", deliveries=list(written), status=rows[0]["status"], not_before=rows[0]["not_before"])
    return bool(written)


def _told_at(session: Session, person_id: int, told: Told) -> list[datetime]:
    """When the person was told, or is being told now, of other subjects of this kind."""
    at = func.max(func.coalesce(Delivery.sent_at, Delivery.not_before))
    being_sent = and_(Delivery.status.in_(PENDING), Delivery.lease_token.is_not(None))
    rows = select(at).where(*_of_others(person_id, told), or_(Delivery.status == "sent", being_sent))
    return list(session.scalars(rows.group_by(Delivery.subject)))


def _give_way(session: Session, person_id: int, told: Told) -> None:
    """Call off what waits of other subjects of this kind: a snooze may hold it long after it has passed."""
    waiting = (*_of_others(person_id, told), Delivery.status.in_(PENDING), Delivery.lease_token.is_(None))
    called_off = update(Delivery).where(*waiting).values(status="cancelled", error=REPLACED)
    session.execute(called_off, execution_options=leases.UNTRACKED)


def _of_others(person_id: int, told: Told) -> tuple[ColumnElement[bool], ...]:
    return Delivery.person == person_id, Delivery.kind == told.kind, Delivery.subject != told.subject
