"""What must be told, as rows: one for each channel that wants it, made in the transaction that decided it."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
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
    now = clock.now()
    wall = people.local_time(session, person.id)
    quiet = after_quiet(wall, person.quiet_from, person.quiet_until)
    when = now + quiet
    within_cap = allowed(_told_at(session, person.id, kind, subject), when)
    status = "cancelled" if not within_cap else "held" if quiet else "waiting"
    wanting = select(Channel.id).where(
        Channel.person == person.id, Channel.state == "on", Channel.wants.contains([kind])
    )
    rows = [
        {
            "person": person.id,
            "channel": channel,
            "kind": kind,
            "subject": subject,
            "key": f"{kind}:{subject}",
            "thread": f"alert-{subject}",
            "not_before": when,
            "status": status,
            "error": None if within_cap else HELD_BACK,
            "created_at": now,
        }
        for channel in session.scalars(wanting)
    ]
    return bool(rows) and _insert(session, rows) and within_cap


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
