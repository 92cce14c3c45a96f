"""What *today* says of where nights come from: what needs the person, what is on its way, how new ones come."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ingest import filling, freshness, people, standings, words
from ingest.freshness import Sentence, Standing
from ingest.grants import following
from ingest.models import Connection, Person
from scoring import Language


@dataclass(frozen=True, slots=True)
class Past:
    """A connection whose past is still on its way: nights that came, and how many there can be at most."""

    connection: int
    title: str
    nights: int
    days: int


@dataclass(frozen=True, slots=True)
class Sources:
    """The grants of a person: those that need them, the one that fills, and the words for how new nights come."""

    grants: tuple[Standing, ...]
    attention: tuple[tuple[Standing, Sentence], ...]
    past: Past | None
    coming: words.Coming
    language: Language = "en"

    def hero(self, *, judging: bool) -> words.Hero:
        """The words for a person of whom there is no night yet."""
        if judging or self.past:
            return words.working(self.language)
        if self.grants and len(self.attention) == len(self.grants):
            return words.held_up(self.grants[0].title, self.language)
        if self.grants:
            return words.connected(self.grants[0].title, self.language)
        return words.empty(self.language)


def sources(session: Session, person: Person) -> Sources:
    """Where the nights of a person come from, as it stands now."""
    now, language = standings.here(session, person), people.language_of(person)
    grants = tuple(
        seen
        for seen in standings.of_person(session, person.id)
        if seen.kind == "grant" and seen.state != "disconnected"
    )
    said = {seen.connection: freshness.sentence(seen, now, language) for seen in grants}
    attention = tuple((seen, said[seen.connection]) for seen in grants if said[seen.connection].mood == "needs_you")
    well = [seen for seen in grants if said[seen.connection].mood != "needs_you"]
    coming = words.by_file(language)
    if grants:
        coming = words.by_vendor(well[0].title, language) if well else words.by_nobody(grants[0].title, language)
    return Sources(grants, attention, _past(session, person, grants), coming, language)


def _past(session: Session, person: Person, grants: tuple[Standing, ...]) -> Past | None:
    """Only while nights that decide are missing: what lies further back changes nothing that is told."""
    if not following.filling(session, person.id):
        return None
    for seen in grants:
        provider = standings.declared(seen.vendor)
        if seen.windows_waiting and seen.state == "active" and provider:
            known = filling.of_connection(session, session.get_one(Connection, seen.connection), provider)
            return Past(seen.connection, seen.title, known.nights, known.days)
    return None
