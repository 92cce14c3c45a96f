"""Sending: ask again whether a delivery is still wanted, send it, mark it. At least once, at most one visible."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ingest import clock, people, privacy, push
from ingest.channels import unsubscribe_token
from ingest.db import transaction
from ingest.models import Alert, Channel, Delivery, Erasure, Person
from ingest.settings import settings
from providers.errors import DeliveryFailed
from workers import leases, letters, notes
from workers.alerts import after_quiet
from workers.channels import CHANNELS, Message
from workers.deliveries import PENDING
from workers.kinds import KINDS, Kind
from workers.leases import Outcome, Work
from workers.outcomes import Postponed, Unwanted

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A message, and the channel that takes it."""

    channel: str
    message: Message
    is_receipt: bool = False  # of an erasure: the address goes once this is sent


def _failed(session: Session, key: int, outcome: Outcome, error: Exception, reason: str) -> Mapping[str, Any]:
    if isinstance(error, DeliveryFailed) and error.permanent:
        refused = [Channel.id == select(Delivery.channel).where(Delivery.id == key).scalar_subquery()]
        if error.address is not None:  # a browser may have renewed itself while its former address was tried
            refused.append(Channel.address == error.address)
        session.execute(update(Channel).where(*refused).values(state="off", reason=reason))
        log.warning("channel_off", delivery=key, reason=reason)
    match outcome.name:
        case "cancel":
            return {"status": "cancelled", "error": reason}
        case "bury":
            return {"status": "failed", "error": reason}
        case _:
            again = {"not_before": clock.now() + outcome.after, "error": reason}
            if isinstance(error, Postponed):
                return again | {"status": "held", "failing_since": None}
            return again | {"status": "waiting", "failing_since": func.coalesce(Delivery.failing_since, clock.now())}


DELIVERIES = Work(
    name="delivery",
    task="notify.deliver",
    key=Delivery.id,
    order=Delivery.not_before,
    due=lambda now: Delivery.status.in_(PENDING) & (Delivery.not_before <= now),
    takes=timedelta(minutes=3),  # longer than a relay that answers each step at the last moment
    room=50,
    failed=_failed,
)


def deliver(delivery_id: int, token: str) -> None:
    """Send one delivery. Raises Unwanted, Postponed, LeaseLost, and what its channel raises."""
    with transaction() as session:
        ready = _ready(session, delivery_id)
    CHANNELS[ready.channel](ready.message)
    with transaction() as session:
        _mark_sent(session, delivery_id, token)
        if ready.is_receipt:
            privacy.finish_erasures(session)
    log.info("delivery_sent", delivery=delivery_id, channel=ready.channel)


def _ready(session: Session, delivery_id: int) -> Ready:
    """The message as of now, if its subject still holds and somebody is there to read it."""
    delivery, channel, person = session.execute(
        select(Delivery, Channel, Person)
        .join(Channel, Channel.id == Delivery.channel)
        .join(Person, Person.id == Delivery.person)
        .where(Delivery.id == delivery_id)
    ).one()
    if delivery.kind == privacy.RECEIPT and person.state == "erasing":
        return Ready(channel.kind, _receipt(session, delivery, channel, person), is_receipt=True)
    if person.state != "active":
        raise Unwanted("the person is leaving")
    kind = KINDS[delivery.kind]
    if channel.state != "on" or (kind.wanted and kind.wanted not in channel.wants):
        raise Unwanted("the channel was turned off")
    kind.holds(session, delivery)
    wait = after_quiet(people.local_time(session, person.id), person.quiet_from, person.quiet_until)
    if kind.waits and wait:
        raise Postponed("quiet hours", until=clock.now() + wait)
    write = _note if channel.kind == push.KIND else _mail
    return Ready(channel.kind, write(session, kind, delivery, channel))


def _receipt(session: Session, delivery: Delivery, channel: Channel, person: Person) -> Message:
    erasure = session.get_one(Erasure, delivery.subject)
    day = people.local_time(session, person.id, erasure.at).date()
    letter = letters.erased(erasure.counts, day, people.language_of(person))
    key = f"{privacy.RECEIPT}.{delivery.subject}"
    return Message(channel.address, key, key, letter.subject, letter.text, letter.html)


def _mail(session: Session, kind: Kind, delivery: Delivery, channel: Channel) -> Message:
    stop = f"{settings().public_url}/u/{unsubscribe_token(channel.id)}"
    letter = kind.letter(session, delivery, channel, stop)
    return Message(
        address=channel.address,
        key=_key(delivery),
        thread=delivery.thread,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        image=letter.image,
        unsubscribe_url=stop,
    )


def _note(session: Session, kind: Kind, delivery: Delivery, channel: Channel) -> Message:
    """A few words for a lock screen. Raises DeliveryFailed where the browser subscribed with another key of ours."""
    if channel.settings["key"] != push.key_mark():
        raise DeliveryFailed("the key of this server changed: turn it on again in that browser", permanent=True)
    language = notes.language_of(session, delivery)
    return Message(
        address=channel.address,
        key=_key(delivery),
        thread=delivery.thread,
        subject="Vagus",
        text=kind.lock_screen[language],
        language=language,
        url=settings().public_url + kind.path.format(delivery.subject),
        lifetime=kind.lifetime,
        receipt=push.receipt_token(delivery.id),
        keys=push.opened_keys(channel),
    )


def _key(delivery: Delivery) -> str:
    return f"{delivery.key.replace(':', '.')}.{delivery.channel}"


def _mark_sent(session: Session, delivery_id: int, token: str) -> None:
    told = (Delivery.id == delivery_id, Delivery.subject == Alert.id, Delivery.kind == Alert.kind)
    session.execute(update(Alert).where(*told).values(told=True), execution_options=leases.UNTRACKED)
    sent = {"status": "sent", "sent_at": clock.now(), "error": None, "failing_since": None}
    leases.give_back(session, DELIVERIES, delivery_id, token, sent)
