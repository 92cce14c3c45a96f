"""People: who they are by address, and what day it is where they sleep."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Channel, DayValue, Person, Series
from providers.errors import VagusError
from scoring import Language

ADDRESS = re.compile(r"[a-z0-9!#$%&*+/=?^_{|}~.-]{1,64}@[a-z0-9.-]{1,190}")


class UnknownPerson(VagusError):
    """Raised when nobody here has that address."""


class BeingErased(VagusError):
    """Raised when an address is on its way out: its erasure waits for the receipt to be mailed."""


def normal_address(text: str) -> str:
    """The one spelling of a mail address that we store. Raises VagusError where it is none."""
    address = text.strip().lower()
    parts = address.split("@")
    dotted = ".." in address or any(part.startswith(".") or part.endswith(".") for part in parts)
    if not (address.isascii() and ADDRESS.fullmatch(address)) or dotted:
        raise VagusError(f"{text.strip()[:80]!r} is not a mail address: write it like you@example.org")
    return address


def find(session: Session, address: str) -> Person | None:
    """The active person with this address, or None."""
    return session.scalar(select(Person).where(Person.address == normal_address(address), Person.state == "active"))


def get(session: Session, address: str) -> Person:
    """The active person with this address. Raises UnknownPerson."""
    person = find(session, address)
    if person is None:
        raise UnknownPerson(f"nobody here has the address {normal_address(address)}: import a file for them first")
    return person


def ensure(session: Session, address: str, language: Language = "en") -> Person:
    """The person with this address, made with a mail channel if new; two at once make one. Raises BeingErased.

    `language` is that of somebody new: who is here has chosen one.
    """
    normal = normal_address(address)
    made = insert(Person).values(address=normal, language=language, created_at=clock.now()).on_conflict_do_nothing()
    session.execute(made)
    person = find(session, normal)
    if person is None:
        raise BeingErased(f"{normal} is being erased: come back when the receipt was mailed, in a day at most")
    channel = insert(Channel).values(person=person.id, kind="mail", address=normal, created_at=clock.now())
    session.execute(channel.on_conflict_do_nothing())
    return person


def confirm(session: Session, person_id: int) -> None:
    """Note that the person reads mail at their address: numbers may go there from now on."""
    person = session.get_one(Person, person_id)
    own = (Channel.person == person_id, Channel.kind == "mail", Channel.address == person.address)
    for channel in session.scalars(select(Channel).where(*own)):
        channel.confirmed_at = channel.confirmed_at or clock.now()


def language_of(person: Person) -> Language:
    """The language that the person reads us in."""
    return "de" if person.language == "de" else "en"


def local_time(session: Session, person_id: int, at: datetime | None = None) -> datetime:
    """The wall clock of the person: in their zone if they set one, else by the offset of their latest night."""
    person = session.get_one(Person, person_id)
    if person.zone:
        return (at or clock.now()).astimezone(ZoneInfo(person.zone))
    latest = (
        select(DayValue.utc_offset_minutes)
        .join(Series, Series.id == DayValue.series)
        .where(Series.person == person_id, DayValue.utc_offset_minutes.is_not(None), ~DayValue.gone)
        .order_by(DayValue.starts_at.desc(), DayValue.series)
        .limit(1)
    )
    return (at or clock.now()).astimezone(UTC) + timedelta(minutes=session.scalar(latest) or 0)


def today_of(session: Session, person_id: int) -> date:
    """The civil date where the person is."""
    return local_time(session, person_id).date()
