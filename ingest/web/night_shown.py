"""One night as the history page shows it: each value beside its usual range, where it came from, what was noted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import people, period_notes, standings, store, words
from ingest.chart.events import Events, hard_from, label, loads
from ingest.models import DayValue, Person, Series, Tag, VendorAccount
from ingest.source import FILE_RANK
from ingest.web.history_words import SPEAKERS
from ingest.words import cycle as cycle_words
from providers import measures
from scoring import Assessment, Input, Language
from scoring.words import Speaker, grouped

CAN_ADD = (  # what a person can note of a single night here; the check-in asks for more
    *("alcohol", "ill", "travel", "hot_night", "late_meal", "medication", "vaccination"),
    *("new_device", "reset_baseline"),
)
KINDS = {measures.HRV_SDNN.name: "SDNN", measures.HRV_RMSSD.name: "rMSSD"}


@dataclass(frozen=True, slots=True)
class Row:
    """One signal: its value beside its usual range and which series it is, or the reason why it was left out."""

    label: str
    value: str
    compared: str
    source: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """A tag of the night, and whether the person said it."""

    name: str
    label: str
    own: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is said of one night."""

    day: date
    night: Assessment | None
    rows: list[Row]
    noted: list[Noted]
    came: list[str]
    load: str
    before: date | None
    after: date | None


def can_add(person: Person) -> dict[str, str]:
    """What this person can note here, by the tag's name: of the cycle only where they turned it on."""
    language = people.language_of(person)
    said = SPEAKERS[language].sentences
    names = {name: said.get(f"add.{name}") or label("tag", name, language) or name for name in CAN_ADD}
    return names | ({period_notes.PERIOD: cycle_words.SPEAKERS[language].say("period")} if person.cycle else {})


def shown(  # noqa: PLR0913  what is known of a night
    session: Session, person: Person, nights: Sequence[Assessment], day: date, *, events: Events, told: Speaker
) -> Shown:
    """The night of `day`, one of those between the first of `nights` and the last."""
    night = next((each for each in nights if each.day == day), None)
    return Shown(
        day,
        night,
        _rows(night, day, events, told),
        _noted(session, person.id, day, events, told.language),
        _came(session, person.id, day, night, told),
        _load(events, day - timedelta(days=1), told),
        day - timedelta(days=1) if day > nights[0].day else None,
        day + timedelta(days=1) if day < nights[-1].day else None,
    )


def untag(session: Session, person_id: int, day: date, name: str) -> None:
    """Take a tag from a night: the person's own word back, or a no that stands above a vendor's yes."""
    if name in _own_words(session, person_id, day):
        store.untag_days(session, person_id, [day], name)
    else:
        store.tag_days(session, person_id, [day], name, present=False)


def _rows(night: Assessment | None, day: date, events: Events, told: Speaker) -> list[Row]:
    rows = []
    for name, signal in words.SIGNALS_IN[told.language].items():
        given = words.one(night, name) if night else None
        if given is not None and given.value is not None:
            rows.append(_row(given, given.value, told))
        elif name in words.DECIDING:
            rows.append(Row(signal.label, "–", told.say("came_not"), reason=events.aside.get((day, name), "")))
    return rows


def _row(given: Input, value: float, told: Speaker) -> Row:
    language, signal = told.language, words.named(given, told.language)
    usual = words.usual(given, language)
    compared = f"{words.verdict(given, language)} ({usual})" if usual else told.say("no_range")
    shown_value = f"{words.shown(value, given.signal, language)} {signal.unit}"
    return Row(signal.label, shown_value, compared, source_words(given.series))


def source_words(series: str) -> str:
    """A series as a person knows it: `Oura, rMSSD`; empty for one without a vendor."""
    vendor, *rest = series.split("/")
    if not vendor or not rest:
        return ""
    kind = next((word for measure, word in KINDS.items() if measure in rest), "")
    return ", ".join(part for part in (standings.title_of(vendor), kind) if part)


def _noted(session: Session, person_id: int, day: date, events: Events, language: Language) -> list[Noted]:
    own = _own_words(session, person_id, day)
    held = sorted(events.tags.get(day, ()))
    named = {name: label("tag", name, language) or name.replace("_", " ").capitalize() for name in held}
    if day in period_notes.used(session, person_id):
        named[period_notes.PERIOD] = cycle_words.SPEAKERS[language].say("period")
    return [Noted(name, text, name in own) for name, text in named.items()]


def _own_words(session: Session, person_id: int, day: date) -> set[str]:
    said = (Tag.person == person_id, Tag.source == store.OWN_WORD, Tag.day == day, Tag.present)
    return set(session.scalars(select(Tag.name).where(*said)))


def _came(session: Session, person_id: int, day: date, night: Assessment | None, told: Speaker) -> list[str]:
    """When what the night rests on came in, a source each."""
    stored = session.execute(
        select(VendorAccount.vendor, DayValue.source_rank, DayValue.as_of)
        .join(Series, Series.id == DayValue.series)
        .join(VendorAccount, VendorAccount.id == Series.vendor_account)
        .where(Series.person == person_id, Series.measure.in_(KINDS.keys() | {measures.RESTING_HEART_RATE.name}))
        .where(DayValue.day == day, DayValue.value.is_not(None), ~DayValue.gone)
        .order_by(DayValue.as_of)
    )
    latest = {(vendor, rank): at for vendor, rank, at in stored}
    read_from = words.read_from(night) if night else ""
    first = sorted(latest, key=lambda key: (key[0] != read_from, key))
    local = {key: people.local_time(session, person_id, at) for key, at in latest.items()}
    return [_arrival(vendor, rank, local[vendor, rank], told) for vendor, rank in first]


def _arrival(vendor: str, rank: int, at: datetime, told: Speaker) -> str:
    title, day = standings.title_of(vendor), words.day(at.date(), told.language)
    if rank == FILE_RANK:
        return told.say("file", title=title, day=day)
    return told.say("synced", title=title, day=day, time=f"{at:%H:%M}")


def _load(events: Events, day: date, told: Speaker) -> str:
    load = next((each for each in loads(events) if day in each), None)
    if load is None:
        return ""
    limit = hard_from(load, day)
    hard = limit is not None and load[day] > limit
    return told.say("load_hard" if hard else "load", load=grouped(load[day], told.language))
