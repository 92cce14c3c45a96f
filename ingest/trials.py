"""A test message: a person asks whether a channel works, and the ordinary sender answers."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Channel, Delivery
from providers.errors import VagusError

KIND = "test"
PAUSE = timedelta(minutes=1)
MOST_A_DAY = 10
DAY = timedelta(days=1)


def ask(session: Session, channel: Channel) -> None:
    """Write a test message for this channel, at once and in quiet hours too.

    Raises VagusError where the channel is off, or one was asked for a minute ago, or ten today.
    """
    session.execute(select(Channel.id).where(Channel.id == channel.id).with_for_update())
    if channel.state != "on":
        raise VagusError("That channel is off. Turn it on first.")
    now = clock.now()
    tests = (Delivery.channel == channel.id, Delivery.kind == KIND)
    count, latest = session.execute(select(func.count(), func.max(Delivery.created_at)).where(*tests)).one()
    today = session.scalar(select(func.count()).where(*tests, Delivery.created_at > now - DAY)) or 0
    if count and now - latest < PAUSE:
        raise VagusError("One test a minute is enough. It should be there soon.")
    if today >= MOST_A_DAY:
        raise VagusError("That is enough tests for a day.")
    session.add(
        Delivery(
            person=channel.person,
            channel=channel.id,
            kind=KIND,
            subject=channel.id,
            key=f"{KIND}:{count + 1}",
            thread=f"{KIND}-{channel.id}",
            not_before=now,
            status="waiting",
            created_at=now,
        )
    )
