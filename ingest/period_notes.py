"""First days of periods that a person noted, as tags in their own name; used only while they want it."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import store
from ingest.models import Person, Tag

PERIOD = "period"


def use(session: Session, person_id: int, *, wanted: bool) -> None:
    """Turn the use of what is noted on or off; the nights are judged anew. What was noted stays."""
    person = session.get_one(Person, person_id)
    if person.cycle != wanted:
        person.cycle = wanted
        store.request_score(session, person_id, "cycle")


def used(session: Session, person_id: int) -> list[date]:
    """The noted days, for whoever turned it on; none for anybody else."""
    wanted = session.scalar(select(Person.cycle).where(Person.id == person_id))
    return noted(session, person_id) if wanted else []


def noted(session: Session, person_id: int) -> list[date]:
    """Every day on which the person noted that a period began, oldest first, whether it is used or not."""
    own = (Tag.person == person_id, Tag.name == PERIOD, Tag.source == store.OWN_WORD, Tag.present)
    return list(session.scalars(select(Tag.day).where(*own).order_by(Tag.day)))


def note(session: Session, person: Person, day: date, *, began: bool) -> None:
    """Note one day, or take its note back; changes nothing for whoever did not turn it on."""
    if not person.cycle or began == (day in noted(session, person.id)):
        return
    if began:
        store.tag_days(session, person.id, [day], PERIOD)
    else:
        store.untag_days(session, person.id, [day], PERIOD)


def forget(session: Session, person_id: int) -> None:
    """Remove every note."""
    if days := noted(session, person_id):
        store.untag_days(session, person_id, days, PERIOD)
