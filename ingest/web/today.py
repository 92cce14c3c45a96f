"""What the page *today* shows of one person: which of its designs holds, and the numbers, all from the same rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import chart, intraday, people, store, words
from ingest.chart import day as day_chart
from ingest.events import beside
from ingest.models import Alert, Delivery, Person
from ingest.web import causes
from ingest.web.bars import Bar, bars
from ingest.web.causes import Noted
from ingest.web.sources import Sources, sources
from scoring import Assessment, Language, shown_points

LOOKED_BACK = timedelta(days=400)  # a year for the chart's scale, and what stands before it
SHOWN_DAYS = 35


@dataclass(frozen=True, slots=True)
class Points:
    """Whole numbers that add up: from the score of a usual night, by each signal, to this night's."""

    start: int
    parts: list[tuple[str, int]]
    end: int


@dataclass(frozen=True, slots=True)
class Look:
    """All that *today* shows."""

    today: date
    hero: words.Hero
    waiting: bool = False
    judging: bool = False
    night: Assessment | None = None
    bars: list[Bar] = field(default_factory=list)
    points: Points | None = None
    charts: list[str] = field(default_factory=list)
    nights: list[Assessment] = field(default_factory=list)
    run: tuple[date, date] | None = None
    noted: list[Noted] = field(default_factory=list)
    alert: int | None = None
    told: bool = False
    sources: Sources | None = None
    inside: list[str] = field(default_factory=list)
    inside_words: str = ""


def look(session: Session, person: Person) -> Look:
    """The page for now, by the calendar of the person."""
    today = people.today_of(session, person.id)
    judging = not store.scored(session, person.id)
    every = store.readiness(session, person.id, since=today - LOOKED_BACK)
    last = next((index for index in reversed(range(len(every))) if words.recorded(every[index])), None)
    known = sources(session, person)
    if last is None:
        return Look(today, known.hero(judging=judging), judging=judging, sources=known)
    inside = intraday.of_night(session, person.id, today) if every[last].day == today else None
    alert = session.scalar(select(Alert).where(Alert.person == person.id, Alert.state == "open").limit(1))
    seen = every[: last + 1]
    since = today - timedelta(days=SHOWN_DAYS)
    events = beside(session, person.id, seen, since)
    return replace(
        arrange(seen, today, told_days(session, person), known.coming, known.language, events=events),
        judging=judging,
        noted=causes.noted(session, person.id, today - timedelta(days=SHOWN_DAYS), today),
        alert=alert.id if alert else None,
        told=alert is not None and alert.told,
        sources=known,
        inside=day_chart.pair(inside, known.language) if inside else [],
        inside_words=day_chart.finding(inside, known.language) if inside else "",
    )


def arrange(  # noqa: PLR0913  what a page can show
    nights: Sequence[Assessment],
    today: date,
    told: Collection[date] = (),
    coming: words.Coming | None = None,
    language: Language = "en",
    *,
    events: chart.Events = chart.NOTHING,
) -> Look:
    """The page for these nights, of which the last has data. Old nights never pass as today's."""
    last = nights[-1]
    silence = (today - last.day).days
    hero = words.hero(nights, coming, language)
    if silence == 1:
        hero = words.waiting(nights, coming, language)
    elif silence > 1:
        hero = words.silent(nights, today, coming, language)
    return Look(
        today,
        hero,
        waiting=silence > 0,
        night=last,
        bars=bars(last, language),
        points=_points(last, language),
        charts=chart.pair(nights, days=SHOWN_DAYS, told=told, until=today, events=events, language=language),
        nights=list(reversed(nights[-SHOWN_DAYS:])),
        run=causes.run(nights) if silence <= 1 else None,
    )


def told_days(session: Session, person: Person) -> set[date]:
    """The days on which a message about strain reached the person."""
    sent = select(Delivery.sent_at).where(
        Delivery.person == person.id, Delivery.kind == "strained", Delivery.status == "sent"
    )
    return {people.local_time(session, person.id, at).date() for at in session.scalars(sent).all() if at}


def _points(last: Assessment, language: Language) -> Points | None:
    whole = shown_points(last)
    if whole is None:
        return None
    start, parts, end = whole
    given = {each.signal: each for each in last.inputs}
    named = [words.named(given[driver.signal], language).label for driver in last.drivers]
    return Points(start, list(zip(named, parts, strict=True)), end)
