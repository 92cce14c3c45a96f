"""What tests of messages share: a person's nights, judged and sent from without a broker between."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.models import Channel, DayValue, Delivery, Person, Series
from tests.workers.peers import live_nights, make_person, night_row, story
from tests.workers.sync_stage import send_due
from workers import leases, score


def owner(wants=("strained",), *, nights=None, language="en", **person):
    """Somebody with these nights up to the clock's day."""
    with transaction() as session:
        made = make_person(session, **person)
        session.execute(update(Channel).values(wants=list(wants)))
        session.execute(update(Person).values(language=language))
        live_nights(session, made, the_clock.now().date(), story() if nights is None else nights)
    return made


def judge(person, clock, at=None):
    """Judge the person's nights; whether anything is to be told."""
    clock(at or the_clock.now() + timedelta(minutes=1))
    with transaction() as session:
        store.request_score(session, person, "test", delay=timedelta(0))
    with transaction() as session:
        ((key, token),) = leases.claim(session, score.SCORES)
    assert leases.begin(score.SCORES, key, token) == 1
    return score.score_person(key, token)


def send(clock, at=None):
    """Send what is due."""
    if at:
        clock(at)
    send_due()


def arrive(day, hrv, pulse):
    """One more night, of each signal."""
    with transaction() as session:
        for series in session.scalars(select(Series)):
            value = hrv if series.measure.startswith("heart_rate_variability") else pulse
            session.add(DayValue(**night_row(series.id, day, value)))


def breathe(person):
    """A breathing rate for each of these nights, and last night's far above it."""
    with transaction() as session:
        about = {"measure": "respiratory_rate", "definition": "test", "context": "sleep"}
        series = Series(person=person, created_at=the_clock.now(), **about)
        session.add(series)
        session.flush()
        for back in range(78):
            rate = 14.5 + 0.1 * (back % 3) + (0 if back else 4)
            day = the_clock.now().date() - timedelta(days=back)
            session.add(DayValue(**night_row(series.id, day, rate)))


def live_on(person, clock, nights, hour=9):
    """Each night comes on its own morning, is judged, and what is to be told is sent."""
    for hrv, pulse in nights:
        morning = (the_clock.now() + timedelta(days=1)).replace(hour=hour, minute=0)
        clock(morning)
        arrive(morning.date(), hrv, pulse)
        judge(person, clock)
        send(clock, morning + timedelta(minutes=5))


def told(kind=None):
    """Kinds and states of all deliveries, in order."""
    with transaction() as session:
        rows = session.execute(select(Delivery.kind, Delivery.status).order_by(Delivery.id)).all()
    return [status for each, status in rows if each == kind] if kind else [tuple(row) for row in rows]


def plain(mail):
    """The words of a mail."""
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def moment(text):
    """An instant in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")
