"""What happens without anybody asking: silence is noticed, people are judged by a new algorithm, what expired goes."""

from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, Date, DateTime, Integer, case, cast, delete, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from ingest import clock, privacy, signin, store
from ingest.db import transaction
from ingest.grants import hooks
from ingest.models import (
    Alert,
    Channel,
    DayValue,
    Delivery,
    HintReceived,
    Person,
    Raw,
    Readiness,
    Rejected,
    ScoreRequest,
    Series,
    VendorApp,
)
from ingest.nights import DECIDING
from ingest.settings import settings
from ingest.standings import declared
from scoring import ALGORITHM_VERSION
from workers import briefs, outcomes

RECENT = timedelta(days=14)
MOST_AT_ONCE = 500
FEW_AT_ONCE = 20  # some seconds of one worker's time: a fresh night never waits longer

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


def say_nights_are_missing() -> bool:
    """Tell those who want a brief that last night is not here, once it is eleven; returns whether any waits."""
    with transaction() as session:
        late = [session.get_one(Person, person) for person in _late_for_a_brief(session)]
        said = [briefs.say_missing(session, person) for person in late]
    return any(said)


def judge_anew() -> None:
    """Have people judged by the algorithm in force who were judged by another, a few at a time.

    Only while hardly anything waits to be scored, so that no fresh night stands behind it.
    """
    with transaction() as session:
        due = (ScoreRequest.buried_at.is_(None), ScoreRequest.due_at <= clock.now())
        front = select(ScoreRequest.person).where(*due).limit(FEW_AT_ONCE).subquery()
        room = FEW_AT_ONCE - (session.scalar(select(func.count()).select_from(front)) or 0)
        people = judged_otherwise(session, room) if room > 0 else []
        for person in people:
            _judge_again(session, person)
    if people:
        log.info("new_algorithm", people=len(people), version=ALGORITHM_VERSION)


def judged_otherwise(session: Session, most: int) -> list[Person]:
    """People who were judged by another version of the algorithm than the one in force; those at work are left out."""
    other = or_(Person.judged_by.is_(None), Person.judged_by < ALGORITHM_VERSION, Person.judged_by > ALGORITHM_VERSION)
    asked = exists().where(ScoreRequest.person == Person.id)
    found = select(Person).where(Person.state == "active", other, ~asked).order_by(Person.judged_by, Person.id)
    return list(session.scalars(found.limit(most).with_for_update(skip_locked=True, key_share=True)))


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
        # What named no record is taken back by no later version: it goes with the answers it came in.
        nameless = (
            Rejected.record.is_(None),
            Rejected.run.is_(None),
            Rejected.at < clock.now() - timedelta(days=settings().raw_days),
        )
        session.execute(delete(Rejected).where(*nameless))
        raw = session.scalars(delete(Raw).where(Raw.expires_at < clock.now()).returning(Raw.id)).all()
    if raw:
        log.info("raw_expired", rows=len(raw))


def _judge_again(session: Session, person: Person) -> None:
    if session.scalar(select(exists().where(Readiness.person == person.id))):
        store.request_score(session, person.id, "a new algorithm")
    else:
        person.judged_by = ALGORITHM_VERSION


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


def _late_for_a_brief(session: Session) -> list[int]:
    """Whose morning came to eleven or later without last night or a word of it, though nights came of late."""
    now = clock.now()
    wall = _wall_clock(session, now)
    minute = func.extract("hour", wall) * 60 + func.extract("minute", wall)
    mine = (Channel.person == Person.id, Channel.state == "on", Channel.wants.contains(["brief"]))
    ordinal = cast(wall, Date).op("-", return_type=Integer())(literal(date.min)) + date.min.toordinal()
    morning = (Delivery.channel == Channel.id, Delivery.subject == ordinal)
    told = exists().where(*morning, Delivery.kind.in_((briefs.KIND, briefs.MISSING)))
    since = cast(wall, Date) - briefs.SILENT_AFTER
    night = (Series.person == Person.id, DayValue.series == Series.id, Series.measure.in_(DECIDING))
    known = (*night, DayValue.value.is_not(None), ~DayValue.gone)
    lately = exists().where(*known, DayValue.day >= since)
    last_night = exists().where(*known, DayValue.day >= cast(wall, Date))
    awake = or_(Person.snoozed_until.is_(None), Person.snoozed_until <= now)
    late = minute.between(briefs.SAID_FROM * 60, briefs.SAID_UNTIL * 60)
    wanted = (Person.state == "active", awake, late, exists().where(*mine, ~told), lately, ~last_night)
    return list(session.scalars(select(Person.id).where(*wanted).order_by(Person.id).limit(MOST_AT_ONCE)))


def _today(session: Session, now: datetime) -> ColumnElement[date]:
    return cast(_wall_clock(session, now), Date)


def _wall_clock(session: Session, now: datetime) -> ColumnElement[datetime]:
    """The wall clock of each person: by their zone, else by the offset of their latest night."""
    zones = session.scalars(select(Person.zone).distinct().where(Person.zone.is_not(None)))
    clocks = {zone: now.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for zone in zones if zone}
    offset = (
        select(cast(DayValue.utc_offset_minutes, Integer))
        .join(Series, Series.id == DayValue.series)
        .where(Series.person == Person.id, DayValue.utc_offset_minutes.is_not(None), ~DayValue.gone)
        .order_by(DayValue.starts_at.desc(), DayValue.series)
        .limit(1)
        .scalar_subquery()
    )
    minutes = func.make_interval(0, 0, 0, 0, 0, func.coalesce(offset, 0))
    by_offset = func.timezone("UTC", literal(now)) + minutes
    if not clocks:
        return by_offset
    plain = {zone: literal(wall, DateTime(timezone=False)) for zone, wall in clocks.items()}
    return case(plain, value=Person.zone, else_=by_offset)
