"""What must be told, as rows: one for each channel that wants it, made in the transaction that decided it."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock, people
from ingest.models import Channel, Delivery, Person
from workers.alerts import after_quiet, allowed

HELD_BACK = "held back: no more than one such message a week and three a month"
PENDING = ("waiting", "held")

log = structlog.get_logger(__name__)


def create(session: Session, person: Person, kind: str, subject: int) -> bool:
    """Write a delivery for each channel that is on and wants this kind; returns whether any waits to be sent.

    One that was cancelled because its subject did not hold comes back; one that was sent never does. What would exceed
    the cap is written as cancelled with its reason: it is not told later.
    """
    when = clock.now() + _quiet(session, person)
    within_cap = allowed(_told_at(session, person.id, kind, subject), when)
    told = {"kind": kind, "subject": subject, "key": f"{kind}:{subject}", "thread": f"alert-{subject}"}
    if not within_cap:
        told |= {"status": "cancelled", "error": HELD_BACK}
    rows = _rows(session, person, when, told, Channel.wants.contains([kind]))
    return bool(rows) and _insert(session, rows) and within_cap


def create_service(session: Session, person: Person, kind: str, subject: int, key: str) -> bool:
    """Write a delivery about the service itself for each channel that is on, whatever it wants and beyond any cap.

    Quiet hours hold. `key` makes it one for ever; returns whether any waits to be sent.
    """
    told = {"kind": kind, "subject": subject, "key": key, "thread": f"{kind}-{subject}"}
    rows = _rows(session, person, clock.now() + _quiet(session, person), told)
    return bool(rows) and _insert(session, rows)


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
    again = {name: getattr(new.excluded, name) for name in ("not_before", "status", "error")}
    revived = new.on_conflict_do_update(
        index_elements=[Delivery.channel, Delivery.key],
        set_=again | {"attempts": 0, "lease_token": None, "lease_until": None},
        where=Delivery.status == "cancelled",
    )
    written = session.scalars(revived.returning(Delivery.id), rows).all()
    log.info("deliveries_written", deliveries=list(written), status=rows[0]["status"], not_before=rows[0]["not_before"])
    return bool(written)


def _told_at(session: Session, person_id: int, kind: str, subject: int) -> list[datetime]:
    """When the person was, or will be, told of other subjects of this kind."""
    at = func.max(func.coalesce(Delivery.sent_at, Delivery.not_before))
    rows = select(at).where(
        Delivery.person == person_id,
        Delivery.kind == kind,
        Delivery.subject != subject,
        Delivery.status.in_((*PENDING, "sent")),
    )
    return list(session.scalars(rows.group_by(Delivery.subject)))
