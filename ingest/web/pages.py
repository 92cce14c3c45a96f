"""The first visit, *today*, *history*, and what a person says about their nights."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from ingest import chart, clock, people, store, words
from ingest.db import transaction
from ingest.models import Alert
from ingest.web import causes, made_up
from ingest.web.render import page
from ingest.web.ribbon import ribbon
from ingest.web.signed import Signed, Visitor
from ingest.web.today import LOOKED_BACK, SHOWN_DAYS, look, told_days
from scoring import Assessment

router = APIRouter()
RANGES = {"5w": ("5 weeks", 35), "3m": ("3 months", 92), "1y": ("1 year", 365), "all": ("All", None)}
NARROW, WIDE = 360, 720
MOST_DAYS = 3653  # ten years fit one picture
TABLE_NIGHTS = 400  # a page, not an export


@router.get("/")
def first_visit(request: Request, person: Visitor) -> Response:
    """What this is, with the chart of a made-up person."""
    if person:
        return RedirectResponse("/today", 303)
    return page(request, "first.html", chart=made_up.picture(clock.now().date()))


@router.get("/today")
def today(request: Request, person: Signed, noted: str = "") -> Response:
    """The answer at six in the morning."""
    with transaction() as session:
        seen = look(session, person)
    refresh = 3 if seen.judging else 0
    return page(
        request,
        "today.html",
        person=person,
        look=seen,
        causes=causes.CAUSES,
        just=causes.BY_NAME.get(noted),
        refresh=refresh,
    )


@router.post("/tags")
def say(
    person: Signed,
    cause: Annotated[str, Form(max_length=40)],
    first: Annotated[date, Form()],
    last: Annotated[date, Form()],
    undo: Annotated[bool, Form()] = False,  # noqa: FBT002  (a form field)
    alert: Annotated[int | None, Form()] = None,
) -> Response:
    """Note a cause on some nights in the person's own name, or take it back."""
    known = causes.BY_NAME.get(cause)
    with transaction() as session:
        latest = people.today_of(session, person.id) + timedelta(days=1)
        if known is None or not 0 <= (last - first).days < causes.LONGEST or last > latest:
            raise HTTPException(422)
        (causes.take_back if undo else causes.note)(session, person.id, known, first, last)
    back = f"/alerts/{alert}" if alert else "/today"
    return RedirectResponse(back if undo else f"{back}?noted={known.name}", 303)


@router.get("/history")
def history(request: Request, person: Signed, span: str = "3m") -> Response:
    """The nights so far: chart, states, table, alerts."""
    span = span if span in RANGES else "3m"
    days = RANGES[span][1]
    with transaction() as session:
        until = people.today_of(session, person.id)
        nights = store.readiness(session, person.id, since=until - LOOKED_BACK if days else None)
        told = told_days(session, person)
        own = select(Alert).where(Alert.person == person.id, Alert.state != "withdrawn")
        alerts = session.scalars(own.order_by(Alert.first_day.desc())).all()
    nights = _from_first_recorded(nights)
    shown = min(days or MOST_DAYS, max((until - nights[0].day).days + 1, SHOWN_DAYS)) if nights else 0
    first = until - timedelta(days=shown - 1)
    return page(
        request,
        "history.html",
        person=person,
        ranges=RANGES,
        span=span,
        charts=[chart.svg(nights, days=shown, width=width, told=told, until=until) for width in (NARROW, WIDE)],
        ribbons=[ribbon(nights, first, until, width) for width in (NARROW, WIDE)] if nights else [],
        nights=[each for each in reversed(nights) if each.day >= first][:TABLE_NIGHTS],
        alerts=alerts,
        today=until,
    )


def _from_first_recorded(nights: list[Assessment]) -> list[Assessment]:
    first = next((index for index, each in enumerate(nights) if words.recorded(each)), len(nights))
    return nights[first:]
