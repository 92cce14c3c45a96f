"""What *history* draws: the nights of a span for a phone and for a desk, and a vendor's own score beside ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ingest import chart, standings, vendor_scores, words
from ingest.chart import scores
from ingest.chart.frame import Calendar
from ingest.events import beside
from ingest.models import Person
from ingest.web import night_shown
from ingest.web.history_words import SPEAKERS
from ingest.web.today import told_days
from scoring import Assessment, Language

WIDE = (1060, 180)  # where a year fills the page
NARROWEST = 2.5  # pixels a night that a pointer can still hit


@dataclass(frozen=True, slots=True)
class Span:
    """The nights of a person up to `until`, of which those from `first` on are shown."""

    nights: Sequence[Assessment]
    first: date
    until: date
    language: Language

    def calendar(self, width: float) -> Calendar:
        """The days shown, on a drawing so wide."""
        days = [self.first + timedelta(days=k) for k in range((self.until - self.first).days + 1)]
        return Calendar(days, width, self.language)


@dataclass(frozen=True, slots=True)
class Picture:
    """The nights as drawn for a phone and for a desk, what a pointer can choose in each, and the night in full."""

    charts: list[str]
    picks: list[list[tuple[date, str]]]
    shown: night_shown.Shown
    chosen: date | None
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Compared:
    """A vendor's own score beside ours: its title, the pictures, and how far the two agree."""

    title: str
    charts: list[str] = field(default_factory=list)
    finding: str = ""


def picture(session: Session, person: Person, span: Span, asked: date | None) -> Picture:
    """The drawing of these nights; shown in full is the asked one, else the latest."""
    nights, shown = span.nights, [span.calendar(width) for width, _ in (chart.PHONE, WIDE)]
    events = beside(session, person.id, nights, min(span.first, nights[0].day))
    chosen = asked if asked and nights[0].day <= asked <= nights[-1].day else None
    latest = next(each.day for each in reversed(nights) if words.recorded(each))
    told = SPEAKERS[span.language]
    return Picture(
        _charts(session, person, span, events, chosen),
        [_picks(nights, each) for each in shown],
        night_shown.shown(session, person, nights, chosen or latest, events=events, told=told),
        chosen,
        nights[0].day,
        nights[-1].day,
    )


def compared(session: Session, person: Person, span: Span, *, on: bool) -> list[Compared]:
    """Each vendor's own score; drawn only where the person wants to see it."""
    own = vendor_scores.by_day(session, person.id, span.first)
    if not on:
        return [Compared(standings.title_of(vendor)) for vendor in own]
    ours = {each.day: each.score for each in span.nights if each.day >= span.first and each.score is not None}
    return [_beside(standings.title_of(vendor), ours, theirs, span) for vendor, theirs in own.items()]


def finding(title: str, alike: int, days: int, language: Language = "en") -> str:
    """How far the two agree, in words."""
    told = SPEAKERS[language]
    return told.count("agree", days, alike=alike, title=title) if days else told.say("agree.never")


def _charts(session: Session, person: Person, span: Span, events: chart.Events, chosen: date | None) -> list[str]:
    told, days = told_days(session, person), (span.until - span.first).days + 1
    return [
        chart.svg(
            span.nights,
            days=days,
            size=size,
            told=told,
            until=span.until,
            events=events,
            chosen=chosen,
            language=span.language,
        )
        for size in (chart.PHONE, WIDE)
    ]


def _picks(nights: Sequence[Assessment], shown: Calendar) -> list[tuple[date, str]]:
    """The nights that a pointer can choose in the picture, with the words for it to rest on; none where too narrow."""
    if shown.step < NARROWEST:
        return []
    known = {each.day: each for each in nights}
    return [(day, _resting(day, known.get(day), shown.language)) for day in shown.days]


def _resting(day: date, night: Assessment | None, language: Language) -> str:
    told = [words.day(day, language)]
    for given in night.inputs if night else ():
        if given.signal in words.DECIDING and given.value is not None:
            value = words.shown(given.value, given.signal, language)
            told.append(f"{words.named(given, language).short} {value}")
    return ", ".join(told)


def _beside(title: str, ours: Mapping[date, float], theirs: Mapping[date, float], span: Span) -> Compared:
    told = SPEAKERS[span.language]
    agreed = finding(title, *vendor_scores.agreement(ours, theirs), span.language)
    both = {told.say("ours"): ours, told.say("own", title=title): theirs}
    drawn = [scores.svg(both, span.calendar(width), agreed) for width, _ in (chart.PHONE, WIDE)]
    return Compared(title, drawn, agreed)
