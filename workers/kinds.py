"""The kinds of message: whether one still holds, what it says as a mail, and the few words that a lock screen may show.

A lock screen is read by whoever is near: no number, no state, no vendor's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

import providers
from ingest import clock, people, store
from ingest.models import Alert, Channel, Connection, DayValue, Delivery, Series, VendorAccount
from ingest.nights import HRV, RESTING, SIGNALS
from workers import letters
from workers.alerts import LATEST
from workers.channels.message import DAY
from workers.letters import Letter
from workers.outcomes import Unwanted

DECIDING = [measure for measure, signal in SIGNALS.items() if signal in {HRV, RESTING}]
NEEDING = ("reconnect", "needs_you")
TEST_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message. `holds` raises Unwanted; `letter` takes the address that stops the channel.

    `asked` kinds go to the channels that want them, the others are about the service itself and go to all;
    `waits` kinds keep the quiet hours.
    """

    holds: Callable[[Session, Delivery], None]
    letter: Callable[[Session, Delivery, Channel, str], Letter]
    lock_screen: str
    path: str  # of the page that a tap opens; `{}` stands for the subject
    asked: bool = False
    waits: bool = True
    lifetime: int = DAY


def _strain_holds(session: Session, delivery: Delivery) -> None:
    alert = session.scalar(select(Alert).where(Alert.id == delivery.subject, Alert.person == delivery.person))
    if alert is None or alert.state != "open":
        raise Unwanted("it does not hold any more")
    if not _has_recent_night(session, delivery.person):
        raise Unwanted("its last night is past")


def _has_recent_night(session: Session, person_id: int) -> bool:
    """Whether the newest night is today's or yesterday's; an alert stays open through twelve silent nights."""
    since = people.today_of(session, person_id) - LATEST
    lately = select(DayValue.day).join(Series, Series.id == DayValue.series)
    deciding = (Series.measure.in_(DECIDING), DayValue.day >= since, DayValue.value.is_not(None), ~DayValue.gone)
    return session.scalar(lately.where(Series.person == person_id, *deciding).limit(1)) is not None


def _strained(session: Session, delivery: Delivery, channel: Channel, stop: str) -> Letter:
    alert = session.get_one(Alert, delivery.subject)
    shown = store.readiness(session, delivery.person, since=alert.first_day - letters.SHOWN)
    return letters.strained(shown, alert, stop, with_numbers=channel.confirmed_at is not None)


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
    return letters.reconnect(providers.get(vendor).title, connection, since, stop)


def _still_awaited(_: Session, delivery: Delivery) -> None:
    if clock.now() - delivery.created_at > TEST_LIFE:
        raise Unwanted("the test is an hour old: nobody waits for it any more")


def _test(_session: Session, _delivery: Delivery, _channel: Channel, stop: str) -> Letter:
    return letters.test(stop)


KINDS: Mapping[str, Kind] = {
    "strained": Kind(
        _strain_holds,
        _strained,
        "Your recovery trend changed. Tap to see which nights.",
        "/alerts/{}",
        asked=True,
    ),
    "reconnect": Kind(_needs_person, _reconnect, "A connection needs you.", "/connections"),
    "test": Kind(
        _still_awaited,
        _test,
        "This is a test. Messages reach you here.",
        "/channels",
        waits=False,
        lifetime=int(TEST_LIFE.total_seconds()),
    ),
}
