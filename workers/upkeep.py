"""What happens without anybody asking: silence is noticed, and what was kept for a time is deleted."""

from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, Date, Integer, case, cast, delete, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from ingest import clock, hooks, privacy, signin, store
from ingest.db import transaction
from ingest.models import Alert, DayValue, HintReceived, Person, Raw, Readiness, ScoreRequest, Series, VendorApp
from ingest.standings import declared
from workers import outcomes

RECENT = timedelta(days=14)
MOST_AT_ONCE = 500

log = structlog.get_logger(__name__)


def notice_silence() -> None:
    """Raise a request for everyone whose day changed since it was judged, with a recent night or an open alert.

    An installation of many spreads over the minutes: the tick takes as many as it finds first, and comes again.
    """
    with transaction() as session:
        people = _unjudged_today(session)
        for person in people:
            store.request_score(session, person, "a new day")
    if people:
        log.info("new_day", people=len(people))


def order_notifications() -> None:
    """See to the subscriptions of each of our registrations that is not held; one that is away is asked next time."""
    with transaction() as session:
        free = select(VendorApp).where(VendorApp.held_at.is_(None)).order_by(VendorApp.id)
        apps = [(app.id, app.vendor) for app in session.scalars(free)]
    for app, vendor in apps:
        provider = declared(vendor)
        if provider and provider.webhook and provider.webhook.subscribing:
            outcomes.tick(f"subscriptions of {vendor}", partial(hooks.ensure_subscriptions, app))


def forget_expired() -> None:
    """Delete raw answers past their retention, spent codes, ended sessions, and addresses whose erasure is over."""
    with transaction() as session:
        signin.forget_expired(session)
        privacy.finish_erasures(session)
        session.execute(delete(HintReceived).where(HintReceived.received_at < clock.now() - RECENT))
        raw = session.scalars(delete(Raw).where(Raw.expires_at < clock.now()).returning(Raw.id)).all()
    if raw:
        log.info("raw_expired", rows=len(raw))


def _unjudged_today(session: Session) -> list[int]:
    now = clock.now()
    judged = select(func.max(Readiness.day)).where(Readiness.person == Person.id).scalar_subquery()
    recent = exists().where(
        Series.person == Person.id,
        DayValue.series == Series.id,
        DayValue.day >= (now - RECENT).date(),
        ~DayValue.gone,
    )
    alerted = exists().where(Alert.person == Person.id, Alert.state == "open")
    asked = exists().where(ScoreRequest.person == Person.id)
    wanted = (Person.state == "active", ~asked, judged < _today(session, now), or_(alerted, recent))
    return list(session.scalars(select(Person.id).where(*wanted).order_by(Person.id).limit(MOST_AT_ONCE)))


def _today(session: Session, now: datetime) -> ColumnElement[date]:
    """The civil date where each person is: by their zone, else by the offset of their latest night."""
    zones = session.scalars(select(Person.zone).distinct().where(Person.zone.is_not(None)))
    dates = {zone: now.astimezone(ZoneInfo(zone)).date() for zone in zones if zone}
    offset = (
        select(cast(DayValue.utc_offset_minutes, Integer))
        .join(Series, Series.id == DayValue.series)
        .where(Series.person == Person.id, DayValue.utc_offset_minutes.is_not(None), ~DayValue.gone)
        .order_by(DayValue.starts_at.desc(), DayValue.series)
        .limit(1)
        .scalar_subquery()
    )
    minutes = func.make_interval(0, 0, 0, 0, 0, func.coalesce(offset, 0))
    by_offset = cast(func.timezone("UTC", literal(now)) + minutes, Date)
    if not dates:
        return by_offset
    return case({zone: literal(day) for zone, day in dates.items()}, value=Person.zone, else_=by_offset)
