"""The morning brief as a mail: state, the two signals, what moved, what today could be, what is missing."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ingest import store, words
from ingest.models import Channel, Delivery, Person
from ingest.settings import settings
from ingest.web.sources import Sources, sources
from scoring import Assessment, Input, Language, shown_points
from scoring.words import LANGUAGES, Speaker, speaker
from workers import notes
from workers.briefs import MISSING
from workers.letters import Letter, Row
from workers.notes import Note

NEWS = 8  # points of score from which a move is worth a sentence
LOOKED_BACK = timedelta(days=45)  # the longest strain, and what eases after it: words rest on no more

EN: Mapping[str, str] = {
    "subject": "This morning: {state}",
    "readiness": "Readiness {score} of 100.",
    "before": "Yesterday: {state}.",
    "up.hrv": "Readiness rose by {points} points since yesterday, mostly by HRV.",
    "up.resting_heart_rate": "Readiness rose by {points} points since yesterday, mostly by heart rate.",
    "down.hrv": "Readiness fell by {points} points since yesterday, mostly by HRV.",
    "down.resting_heart_rate": "Readiness fell by {points} points since yesterday, mostly by heart rate.",
    "alone": "One night alone decides nothing.",
    "same": "Little has moved since yesterday.",
    "today": "Today: {suggestion}",
    "missing": "Not here from last night: {signals}.",
    "needs_you": "{vendor} needs you before new nights can come.",
    "check_in": "Check in, ten seconds",
    "quiet.subject": "Your morning brief",
    "quiet": "Your morning brief is ready. It stands on your page.",
}

DE: Mapping[str, str] = {
    "subject": "Heute Morgen: {state}",
    "readiness": "Bereitschaft {score} von 100.",
    "before": "Gestern: {state}.",
    "up.hrv": "Die Bereitschaft ist seit gestern um {points} Punkte gestiegen, vor allem durch die HRV.",
    "up.resting_heart_rate": "Die Bereitschaft ist seit gestern um {points} Punkte gestiegen, "
    "vor allem durch den Puls.",
    "down.hrv": "Die Bereitschaft ist seit gestern um {points} Punkte gesunken, vor allem durch die HRV.",
    "down.resting_heart_rate": "Die Bereitschaft ist seit gestern um {points} Punkte gesunken, "
    "vor allem durch den Puls.",
    "alone": "Eine Nacht allein entscheidet nichts.",
    "same": "Seit gestern hat sich wenig bewegt.",
    "today": "Heute: {suggestion}",
    "missing": "Von letzter Nacht fehlt: {signals}.",
    "needs_you": "{vendor} braucht dich, bevor neue Nächte kommen.",
    "check_in": "Eintragen, zehn Sekunden",
    "quiet.subject": "Dein Morgenbericht",
    "quiet": "Dein Morgenbericht ist da. Er steht auf deiner Seite.",
}

SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}


def brief(session: Session, delivery: Delivery, channel: Channel, stop_url: str) -> Letter:
    """The mail of one morning. Without numbers it is a sentence and a link, for an address nobody confirmed yet."""
    person = session.get_one(Person, delivery.person)
    told = SPEAKERS[notes.language_of(session, delivery)]
    today = date.fromordinal(delivery.subject or 1)
    nights = store.readiness(session, person.id, since=today - LOOKED_BACK)
    while nights and not words.recorded(nights[-1]):
        nights.pop()
    if channel.confirmed_at is None or not nights:
        why = [notes.unconfirmed(told.language)] if channel.confirmed_at is None else []
        note = _note(told, told.say("quiet.subject"), told.say("quiet"), why)
    else:
        known = sources(session, person)
        note = _late(told, nights, today, known) if delivery.kind == MISSING else _told(told, nights, known)
    return notes.mail(note, stop_url, told.language)


def _told(told: Speaker, nights: Sequence[Assessment], known: Sources) -> Note:
    hero = words.hero(nights, _coming(known, told.language), told.language)
    more = [*_readiness(told, nights[-1]), *_moved(told, nights), told.say("today", suggestion=hero.suggestion)]
    more += [*notes.doubt(nights[-1], told.language), *_not_here(told, nights[-1]), *_needing(told, known)]
    subject = told.say("subject", state=hero.inside)
    return _note(told, subject, f"{hero.word}. {hero.headline}.", more, notes.rows(nights, told.language))


def _late(told: Speaker, nights: Sequence[Assessment], today: date, known: Sources) -> Note:
    hero = _waiting(nights, today, _coming(known, told.language), told.language)
    more = [hero.note, *(_needing(told, known) or [hero.suggestion])]
    return _note(told, hero.headline, f"{hero.headline}.", more)


def _needing(told: Speaker, known: Sources) -> list[str]:
    return [told.say("needs_you", vendor=seen.title) for seen, _ in known.attention]


def _waiting(nights: Sequence[Assessment], today: date, coming: words.Coming, language: Language) -> words.Hero:
    if (today - nights[-1].day).days == 1:
        return words.waiting(nights, coming, language)
    return words.silent(nights, today, coming, language)


def _coming(known: Sources, language: Language) -> words.Coming:
    """How new nights of this person come, in their language."""
    needing = {seen.connection for seen, _ in known.attention}
    well = [seen for seen in known.grants if seen.connection not in needing]
    if well:
        return words.by_vendor(well[0].title, language)
    return words.by_nobody(known.grants[0].title, language) if known.grants else words.by_file(language)


def _readiness(told: Speaker, night: Assessment) -> list[str]:
    points = shown_points(night)
    return [told.say("readiness", score=points[2])] if points else []


def _moved(told: Speaker, nights: Sequence[Assessment]) -> list[str]:
    """What changed since yesterday: the state, or the score and which signal moved it most."""
    if len(nights) < 2 or (nights[-1].day - nights[-2].day).days != 1:  # noqa: PLR2004 - today and yesterday
        return []
    before, night = nights[-2], nights[-1]
    if before.state != night.state:
        return [told.say("before", state=words.HEROES_IN[told.language][before.state].inside)]
    then, now = shown_points(before), shown_points(night)
    if then is None or now is None:
        return []
    moved = now[2] - then[2]
    if abs(moved) < NEWS:
        return [told.say("same")]
    said = told.say(f"{'up' if moved > 0 else 'down'}.{_mostly(before, night, moved)}", points=abs(moved))
    return [f"{said} {told.say('alone')}" if moved < 0 and night.state == "normal" else said]


def _mostly(before: Assessment, night: Assessment, moved: int) -> str:
    """The signal whose points moved most in that direction."""
    then = {driver.signal: driver.points for driver in before.drivers}
    by = {driver.signal: driver.points - then.get(driver.signal, 0.0) for driver in night.drivers}
    return max(by, key=lambda signal: by[signal] * moved)


def _not_here(told: Speaker, night: Assessment) -> list[str]:
    """What has a usual range, and nothing from last night."""
    absent = [words.named(given, told.language) for given in night.inputs if _lacks(given)]
    return [told.say("missing", signals=", ".join(signal.label for signal in absent))] if absent else []


def _lacks(given: Input) -> bool:
    return given.value is None and given.usual_low is not None


def _note(told: Speaker, subject: str, opening: str, more: Sequence[str], rows: Sequence[Row] = ()) -> Note:
    return Note(subject, opening, more, f"{settings().public_url}/check-in", told.say("check_in"), rows)
