"""One alert: why it came, by which rule, on which nights, what was checked, and what the person can say to it."""

from datetime import date, timedelta

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from ingest import chart, people, store
from ingest.db import transaction
from ingest.events import beside
from ingest.models import Alert, Delivery, Person
from ingest.web import alert_nights, causes, snooze_pages
from ingest.web.alert_words import SPEAKERS
from ingest.web.render import page
from ingest.web.signed import Signed
from ingest.web.today import LOOKED_BACK, told_days

router = APIRouter()
BEFORE = timedelta(days=7)  # strain rests on the eight nights that end with the first strained one
AFTER = timedelta(days=14)
MOST_NIGHTS = 42
SHOWN = timedelta(days=35)  # what the picture may show before


@router.get("/alerts/{alert_id}")
def alert(request: Request, person: Signed, alert_id: int, noted: str = "") -> Response:
    """Answer `Why did I get this?`."""
    language = people.language_of(person)
    with transaction() as session:
        found = _alert(session, person, alert_id)
        today = people.today_of(session, person.id)
        nights = store.readiness(session, person.id, since=found.first_day - LOOKED_BACK)
        told = told_days(session, person)
        sent = _sent(session, person, alert_id)
        first = found.first_day - BEFORE
        events = beside(session, person.id, nights, first - SHOWN)
        said = causes.noted(session, person.id, first, found.last_day)
        past = alert_nights.as_led(session, person, found)
        snoozed = snooze_pages.shown_until(session, person.id, language)
    until = min(today, found.last_day + AFTER)
    seen = [each for each in nights if each.day <= until]
    judged = [each for each in seen if first <= each.day <= found.last_day][:MOST_NIGHTS]
    onset = next((each for each in judged if each.day == found.first_day), None)
    days = max(35, (until - first).days + 1)
    return page(
        request,
        "alert.html",
        person=person,
        told=SPEAKERS[language],
        alert=found,
        sent=sent,
        today=today,
        charts=chart.pair(seen, days=days, told=told, until=until, events=events, language=language),
        nights=alert_nights.rows(judged, found.first_day, past, language),
        onset=onset,
        next_step=nights[-1].suggestion if nights and found.state == "open" else "",
        checked=alert_nights.checks(onset, {each.cause.name for each in said}, language) if onset else None,
        what_if=alert_nights.what_if(past, found, language),
        snoozed=snoozed,
        snooze_choices=snooze_pages.CHOICES,
        said=said,
        run=causes.run(judged) or (found.first_day, found.last_day),
        causes=causes.CAUSES,
        just=causes.BY_NAME.get(noted),
    )


def _alert(session: Session, person: Person, alert_id: int) -> Alert:
    wanted = select(Alert).where(Alert.id == alert_id, Alert.person == person.id)
    found = session.scalar(wanted) if 0 < alert_id < 2**63 else None
    if found is None:
        raise HTTPException(404)
    return found


def _sent(session: Session, person: Person, alert_id: int) -> list[date]:
    """The days, where the person is, on which a message about this alert went out."""
    about = select(Delivery.sent_at).where(
        Delivery.person == person.id,
        Delivery.subject == alert_id,
        Delivery.kind == "strained",
        Delivery.status == "sent",
    )
    return sorted({people.local_time(session, person.id, at).date() for at in session.scalars(about).all() if at})
