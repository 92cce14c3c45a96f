"""Are people being told? What went out on each kind of channel, what waits, what failed; alerts that stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from ingest.grants.replay import without_addresses
from ingest.models import Alert, Channel, Delivery, Person, ScoreRequest
from scoring import ALGORITHM_VERSION

DAY = timedelta(days=1)
MINUTES_A_DAY = 24 * 60
PENDING = ("waiting", "held")
ON_PURPOSE = ("brief", "brief_missing")  # kinds that wait for the hour at which they are welcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """Deliveries on one kind of channel (mail, push).

    `sent`, `shown` and `opened` are of today; `waiting` are due and not sent, the oldest since `oldest`; `held` rest
    until quiet hours end, `retrying` until another try; `failed` were given up and stand until replayed or discarded.
    Of `channels`, `off` were switched off. `last_error` is what one that waits for another try was refused with.
    """

    kind: str
    sent: int
    shown: int
    opened: int
    waiting: int
    oldest: datetime | None
    held: int
    retrying: int
    retrying_since: datetime | None
    failed: int
    off: int
    channels: int
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Channels, worst first, and what stands behind them.

    `p95` is the seconds from decided to sent of 95 % of the last day's, those decided in quiet hours apart; None where
    there is none. `scores_oldest` is since when the oldest score that could be computed waits; `outdated` are people
    whose nights another version of the algorithm judged last.
    """

    channels: Sequence[ChannelKind]
    p95: float | None
    open_alerts: int
    told_today: int
    scores_due: int
    scores_oldest: datetime | None
    outdated: int


def told(session: Session, now: datetime) -> Told:
    """What people were told, as of `now`; today begins at midnight in its zone."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due = select(func.count(), func.min(ScoreRequest.due_at))
    scores, oldest = session.execute(due.where(ScoreRequest.buried_at.is_(None), ScoreRequest.due_at <= now)).one()
    people = func.count(Delivery.person.distinct())
    another = (Person.state == "active", Person.judged_by.is_distinct_from(ALGORITHM_VERSION))
    return Told(
        channels=_channels(session, now, today),
        p95=_p95(session, now),
        open_alerts=session.scalar(select(func.count()).where(Alert.state == "open")) or 0,
        told_today=session.scalar(select(people).where(Delivery.sent_at >= today, Delivery.kind == "strained")) or 0,
        scores_due=scores,
        scores_oldest=oldest,
        outdated=session.scalar(select(func.count()).where(*another)) or 0,
    )


def _channels(session: Session, now: datetime, today: datetime) -> Sequence[ChannelKind]:
    kinds = session.execute(
        select(Channel.kind, func.count(), func.count().filter(Channel.state == "off")).group_by(Channel.kind)
    )
    sent, pending, failed = _sent(session, today), _pending(session, now), _failed(session)
    found = [
        ChannelKind(
            kind=kind,
            channels=channels,
            off=off,
            failed=failed.get(kind, 0),
            **sent.get(kind, NONE_SENT),
            **pending.get(kind, NONE_PENDING),
        )
        for kind, channels, off in kinds
    ]
    return sorted(found, key=lambda each: (each.oldest or each.retrying_since or now, -each.failed, each.kind))


NONE_SENT: Mapping[str, Any] = {"sent": 0, "shown": 0, "opened": 0}
NONE_PENDING: Mapping[str, Any] = {
    "waiting": 0,
    "oldest": None,
    "held": 0,
    "retrying": 0,
    "retrying_since": None,
    "last_error": None,
}


def _sent(session: Session, today: datetime) -> Mapping[str, Mapping[str, Any]]:
    columns = (
        func.count().label("sent"),
        func.count().filter(Delivery.shown_at.is_not(None)).label("shown"),
        func.count().filter(Delivery.opened_at.is_not(None)).label("opened"),
    )
    rows = select(Channel.kind, *columns).join(Delivery, Delivery.channel == Channel.id)
    found = session.execute(rows.where(Delivery.sent_at >= today).group_by(Channel.kind)).mappings()
    return {row["kind"]: {name: row[name] for name in NONE_SENT} for row in found}


def _pending(session: Session, now: datetime) -> Mapping[str, Mapping[str, Any]]:
    due = Delivery.not_before <= now
    retrying = and_(Delivery.status == "waiting", Delivery.error.is_not(None))
    columns = (
        func.count().filter(due).label("waiting"),
        func.min(Delivery.not_before).filter(due).label("oldest"),
        func.count().filter(Delivery.status == "held", ~due).label("held"),
        func.count().filter(retrying, ~due).label("retrying"),
        func.min(Delivery.failing_since).filter(retrying).label("retrying_since"),
        func.min(Delivery.error).filter(retrying).label("last_error"),
    )
    rows = select(Channel.kind, *columns).join(Delivery, Delivery.channel == Channel.id)
    found = session.execute(rows.where(Delivery.status.in_(PENDING)).group_by(Channel.kind)).mappings()
    return {row["kind"]: _shown({name: row[name] for name in NONE_PENDING}) for row in found}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Mail servers name in their refusals whom they refuse."""
    return row | {"last_error": row["last_error"] and without_addresses(row["last_error"])}


def _failed(session: Session) -> Mapping[str, int]:
    rows = select(Channel.kind, func.count()).join(Delivery, Delivery.channel == Channel.id)
    return dict(session.execute(rows.where(Delivery.status == "failed").group_by(Channel.kind)).all())


def _p95(session: Session, now: datetime) -> float | None:
    took = Delivery.sent_at - Delivery.created_at
    lately = (Delivery.sent_at > now - DAY, Delivery.created_at > now - DAY, Delivery.kind.not_in(ON_PURPOSE))
    rows = select(func.percentile_disc(0.95).within_group(took)).join(Person, Person.id == Delivery.person)
    longest: timedelta | None = session.scalar(rows.where(*lately, ~_quiet(session, now)))
    return longest.total_seconds() if longest is not None else None


def _quiet(session: Session, now: datetime) -> ColumnElement[bool]:
    """Whether a delivery was decided in its person's quiet hours, by their zone; without one, by UTC."""
    zones = session.scalars(select(Person.zone).distinct().where(Person.zone.is_not(None)))
    east = {zone: _minutes_east(zone, now) for zone in zones if zone}
    offset = case(east, value=Person.zone, else_=0) if east else literal(0)
    utc = func.timezone("UTC", Delivery.created_at)
    minute = cast(func.extract("hour", utc) * 60 + func.extract("minute", utc), Integer)
    here = (minute + offset + MINUTES_A_DAY) % MINUTES_A_DAY
    after, before = here >= Person.quiet_from, here < Person.quiet_until
    within = case((Person.quiet_from < Person.quiet_until, and_(after, before)), else_=or_(after, before))
    return func.coalesce(and_(Person.quiet_from != Person.quiet_until, within), False)


def _minutes_east(zone: str, now: datetime) -> int:
    offset = now.astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) // 60 if offset else 0
