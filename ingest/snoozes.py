"""Leave me alone for a while: until a snooze ends nothing about nights is sent; what still holds then is told, once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import update
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Delivery, Person

Span = Literal["1", "3", "7", "always"]

UNTIL_TOLD = datetime(9000, 1, 1, tzinfo=UTC)
SPANS: Mapping[Span, timedelta | None] = {
    "1": timedelta(days=1),
    "3": timedelta(days=3),
    "7": timedelta(days=7),
    "always": None,
}


def until(person: Person) -> datetime | None:
    """When the snooze of this person ends; None where there is none, UNTIL_TOLD where they end it themselves."""
    ends = person.snoozed_until
    return ends if ends is not None and ends > clock.now() else None


def begin(session: Session, person_id: int, span: Span) -> None:
    """Send this person nothing about nights for so many days, or until they say so."""
    days = SPANS[span]
    _set(session, person_id, clock.now() + days if days else UNTIL_TOLD)


def end(session: Session, person_id: int) -> None:
    """Write to this person again."""
    _set(session, person_id, None)


def _set(session: Session, person_id: int, ends: datetime | None) -> None:
    session.get_one(Person, person_id).snoozed_until = ends
    # The sender asks each of them again, quiet hours and this snooze among it.
    held = (Delivery.person == person_id, Delivery.status == "held")
    session.execute(update(Delivery).where(*held).values(not_before=clock.now()))
