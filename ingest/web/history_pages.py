"""*History*: every night so far as one picture, a table and CSV; one night in full, and what is noted of it."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response, StreamingResponse

from ingest import people, store, words
from ingest.db import transaction
from ingest.events import beside
from ingest.models import Alert, Person
from ingest.web import history_csv, night_shown
from ingest.web.history_drawn import Span, compared, picture
from ingest.web.history_words import SPEAKERS
from ingest.web.night_shown import can_add
from ingest.web.render import page
from ingest.web.signed import Signed
from ingest.web.today import LOOKED_BACK, SHOWN_DAYS
from scoring import Assessment

router = APIRouter()
RANGES = {"5w": 35, "3m": 92, "1y": 365, "all": None}
USUAL_SPAN = "3m"
MOST_DAYS = 3653  # ten years fit one picture
TABLE_NIGHTS = 400  # a page, not an export


@router.get("/history")
def history(
    request: Request, person: Signed, span: str = USUAL_SPAN, night: date | None = None, vendor: str = ""
) -> Response:
    """The nights so far: picture, states, one night in full, table, alerts."""
    span = span if span in RANGES else USUAL_SPAN
    language = people.language_of(person)
    with transaction() as session:
        until = people.today_of(session, person.id)
        nights = _from_first_recorded(_nights(session, person, span, until))
        shown = Span(nights, _first_shown(nights, span, until), until, language)
        seen = picture(session, person, shown, night) if nights else None
        own = compared(session, person, shown, on=vendor == "on") if nights else []
        alerts = _alerts(session, person)
    return page(
        request,
        "history.html",
        person=person,
        told=SPEAKERS[language],
        ranges=RANGES,
        span=span,
        vendor="on" if vendor == "on" else "",
        nights=[each for each in reversed(nights) if each.day >= shown.first][:TABLE_NIGHTS],
        alerts=alerts,
        today=until,
        can_add=can_add(person),
        compared=own,
        seen=seen,
    )


@router.get("/history.csv")
def download(person: Signed, span: str = "all") -> Response:
    """The same nights as a file for a spreadsheet."""
    days = RANGES.get(span)
    with transaction() as session:
        today = people.today_of(session, person.id)
        since = today - timedelta(days=days - 1) if days else date.min
        events = beside(session, person.id, [], since)
    disposition = f'attachment; filename="vagus-nights-{today}.csv"'
    return StreamingResponse(
        history_csv.lines(person.id, since, events),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": disposition},
    )


class Change(BaseModel):
    """What is noted of one night, or taken back; `span` and `vendor` lead back to the page it stands on."""

    night: date
    add: str = ""
    remove: str = ""
    span: str = USUAL_SPAN
    vendor: str = ""


@router.post("/history/tags")
def tag(person: Signed, change: Annotated[Change, Form()]) -> Response:
    """Note something of one night in the person's own name, or take a tag from it."""
    with transaction() as session:
        today = people.today_of(session, person.id)
        if not 0 <= (today - change.night).days <= MOST_DAYS or (change.add and change.add not in can_add(person)):
            raise HTTPException(422)
        if change.remove:
            night_shown.untag(session, person.id, change.night, change.remove[:100])
        elif change.add:
            store.tag_days(session, person.id, [change.night], change.add)
    span = change.span if change.span in RANGES else USUAL_SPAN
    beside = "&vendor=on" if change.vendor == "on" else ""
    return RedirectResponse(f"/history?span={span}{beside}&night={change.night}#night", 303)


def _nights(session: Session, person: Person, span: str, until: date) -> list[Assessment]:
    return store.readiness(session, person.id, since=until - LOOKED_BACK if RANGES[span] else None)


def _first_shown(nights: list[Assessment], span: str, until: date) -> date:
    days = RANGES[span] or MOST_DAYS
    known = max((until - nights[0].day).days + 1, SHOWN_DAYS) if nights else days
    return until - timedelta(days=min(days, known) - 1)


def _alerts(session: Session, person: Person) -> list[Alert]:
    own = select(Alert).where(Alert.person == person.id, or_(Alert.state != "withdrawn", Alert.told))
    return list(session.scalars(own.order_by(Alert.first_day.desc())))


def _from_first_recorded(nights: list[Assessment]) -> list[Assessment]:
    first = next((index for index, each in enumerate(nights) if words.recorded(each)), len(nights))
    return nights[first:]
