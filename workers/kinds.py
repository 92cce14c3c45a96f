"""The kinds of message: whether one still holds, what it says as a mail, and the few words that a lock screen may show.

A lock screen is read by whoever is near: no number, no state, no vendor's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

import providers
from ingest import clock, events, people, snoozes, store, words
from ingest.models import Alert, Channel, Connection, Delivery, Person, VendorAccount
from scoring import Assessment, Language
from workers import arrivals, brief_letter, briefs, letters, notes, question_letter, questions, reminders
from workers.alerts import LATEST
from workers.channels.message import DAY
from workers.letters import Letter
from workers.outcomes import Postponed, Unwanted

NEEDING = ("reconnect", "needs_you")
TEST_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message. `holds` raises Unwanted; `letter` takes the address that stops the channel.

    `wanted` is the word by which channels want it; without one it is about the service itself and goes to all, or
    `holds` asks. `waits` kinds keep the quiet hours.
    """

    holds: Callable[[Session, Delivery], None]
    letter: Callable[[Session, Delivery, Channel, str], Letter]
    lock_screen: Mapping[Language, str]  # in every language
    path: str  # of the page that a tap opens; `{}` stands for the subject
    wanted: str | None = None
    waits: bool = True
    lifetime: int = DAY


def _strain_holds(session: Session, delivery: Delivery) -> None:
    alert = session.scalar(select(Alert).where(Alert.id == delivery.subject, Alert.person == delivery.person))
    if alert is None or alert.state != "open":
        raise Unwanted("it does not hold any more")
    # The newest night is to be today's or yesterday's: an alert stays open through twelve silent nights.
    if not arrivals.has_night(session, delivery.person, since=people.today_of(session, delivery.person) - LATEST):
        raise Unwanted("its last night is past")


def _strained(session: Session, delivery: Delivery, channel: Channel, stop: str) -> Letter:
    alert = session.get_one(Alert, delivery.subject)
    shown = store.readiness(session, delivery.person, since=alert.first_day - letters.SHOWN)
    language = notes.language_of(session, delivery)
    known = channel.confirmed_at is not None
    beside = events.beside(session, delivery.person, shown, alert.first_day - letters.SHOWN)
    return letters.strained(shown, alert, stop, with_numbers=known, language=language, events=beside)


def _needs_person(session: Session, delivery: Delivery) -> None:
    own = select(Connection).join(VendorAccount, VendorAccount.id == Connection.vendor_account)
    connection = session.scalar(own.where(Connection.id == delivery.subject, VendorAccount.person == delivery.person))
    if connection is None or connection.state not in NEEDING:
        raise Unwanted("the connection works again")
    if delivery.created_at < connection.state_since:
        raise Unwanted("it worked again meanwhile: a later message says what holds now")


def _reconnect(session: Session, delivery: Delivery, _: Channel, stop: str) -> Letter:
    connection = session.get_one(Connection, delivery.subject)
    vendor = session.get_one(VendorAccount, connection.vendor_account).vendor
    since = people.local_time(session, delivery.person, connection.state_since).date()
    language = notes.language_of(session, delivery)
    return letters.reconnect(providers.get(vendor).title, connection, since, stop, language)


def _still_awaited(_: Session, delivery: Delivery) -> None:
    if clock.now() - delivery.created_at > TEST_LIFE:
        raise Unwanted("the test is an hour old: nobody waits for it any more")


def _test(session: Session, delivery: Delivery, _: Channel, stop: str) -> Letter:
    return letters.test(stop, notes.language_of(session, delivery))


def _unless_snoozed(holds: Callable[[Session, Delivery], None]) -> Callable[[Session, Delivery], None]:
    """What is about nights waits while its person wants to be left alone; whether it holds is asked afterwards."""

    def asked(session: Session, delivery: Delivery) -> None:
        ends = snoozes.until(session.get_one(Person, delivery.person))
        if ends is not None:
            raise Postponed("the person wants to be left alone for a while", until=ends)
        holds(session, delivery)

    return asked


def _reminder(session: Session, delivery: Delivery, channel: Channel, stop: str) -> Letter:
    alert, language = session.get_one(Alert, delivery.subject), notes.language_of(session, delivery)
    if channel.confirmed_at is None:
        return notes.quiet(stop, language)
    return notes.reminder(_lately(session, delivery), alert, stop, language)


def _recovered(session: Session, delivery: Delivery, channel: Channel, stop: str) -> Letter:
    alert, language = session.get_one(Alert, delivery.subject), notes.language_of(session, delivery)
    return notes.recovered(alert, stop, language) if channel.confirmed_at else notes.quiet(stop, language)


def _other_signs(session: Session, delivery: Delivery, channel: Channel, stop: str) -> Letter:
    language = notes.language_of(session, delivery)
    if channel.confirmed_at is None:
        return notes.quiet(stop, language)
    return notes.other_signs(_lately(session, delivery), stop, language)


def _lately(session: Session, delivery: Delivery) -> list[Assessment]:
    return store.readiness(session, delivery.person, since=people.today_of(session, delivery.person) - LATEST)


KINDS: Mapping[str, Kind] = {
    "strained": Kind(
        _unless_snoozed(_strain_holds),
        _strained,
        words.LOCK_SCREEN,
        "/alerts/{}",
        wanted="strained",
    ),
    "reminder": Kind(
        _unless_snoozed(reminders.reminder_holds), _reminder, words.LOCK_SCREEN, "/alerts/{}", wanted="strained"
    ),
    "recovered": Kind(
        _unless_snoozed(reminders.recovered_holds), _recovered, words.LOCK_SCREEN, "/alerts/{}", wanted="recovered"
    ),
    "other_signs": Kind(
        _unless_snoozed(reminders.signs_hold), _other_signs, words.LOCK_SCREEN, "/today", wanted="other_signs"
    ),
    "brief": Kind(
        briefs.holds,
        brief_letter.brief,
        {"en": "Good morning. Your brief is ready.", "de": "Guten Morgen. Dein Bericht ist da."},
        "/today",
        wanted=briefs.KIND,
        lifetime=briefs.LIFE,
    ),
    "brief_missing": Kind(
        briefs.holds,
        brief_letter.brief,
        {"en": "Last night isn't here yet.", "de": "Letzte Nacht fehlt noch."},
        "/today",
        wanted=briefs.KIND,
        lifetime=briefs.LIFE,
    ),
    "question": Kind(
        questions.still_asked,
        question_letter.question,
        question_letter.LOCK_SCREEN,
        "/questions/{}",
        lifetime=questions.LIFE,
    ),
    "reconnect": Kind(
        _needs_person,
        _reconnect,
        {"en": "A connection needs you.", "de": "Eine Verbindung braucht dich."},
        "/connections",
    ),
    "test": Kind(
        _still_awaited,
        _test,
        {
            "en": "This is a test. Messages reach you here.",
            "de": "Das ist ein Test. Nachrichten erreichen dich hier.",
        },
        "/channels",
        waits=False,
        lifetime=int(TEST_LIFE.total_seconds()),
    ),
}
