"""The first visit, *today*, *history*, and what a person says about their nights."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import or_, select
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
WIDE = (1060, 180)  # where a year fills the page
MOST_DAYS = 3653  # ten years fit one picture
RENEWED = 3
TABLE_NIGHTS = 400  # a page, not an export


@router.get("/")
def first_visit(request: Request, person: Visitor) -> Response:
    """What this is, with the chart of a made-up person."""
    if person:
        return RedirectResponse("/today", 303)
    return page(request, "first.html", charts=made_up.pictures(clock.now().date()))


@router.get("/today")
def today(request: Request, person: Signed, noted: str = "", still: bool = False) -> Response:  # noqa: FBT001, FBT002
    """The answer at six in the morning. It renews itself only while there is nothing else to read on it."""
    with transaction() as session:
        seen = look(session, person)
    filling = seen.sources is not None and seen.sources.past is not None
    refresh = RENEWED if (seen.judging or filling) and seen.night is None and not still else 0
    return page(
        request,
        "today.html",
        person=person,
        look=seen,
        causes=causes.CAUSES,
        just=causes.BY_NAME.get(noted),
        refresh=refresh,
    )


class Said(BaseModel):
    """What the cause buttons send; `alert` is the page they stand on, else *today*."""

    cause: str
    first: date
    last: date
    undo: bool = False
    alert: int | None = None


@router.post("/tags")
def say(person: Signed, said: Annotated[Said, Form()]) -> Response:
    """Note a cause on some nights in the person's own name, or take it back."""
    cause = causes.BY_NAME.get(said.cause)
    with transaction() as session:
        tomorrow = people.today_of(session, person.id) + timedelta(days=1)
        if cause is None or not 0 <= (said.last - said.first).days < causes.LONGEST or said.last > tomorrow:
            raise HTTPException(422)
        change = causes.take_back if said.undo else causes.note
        change(session, person.id, cause, said.first, said.last)
    back = f"/alerts/{said.alert}" if said.alert else "/today"
    return RedirectResponse(f"{back}#explain" if said.undo else f"{back}?noted={cause.name}#explain", 303)


@router.get("/history")
def history(request: Request, person: Signed, span: str = "3m") -> Response:
    """The nights so far: chart, states, table, alerts."""
    span = span if span in RANGES else "3m"
    days = RANGES[span][1]
    with transaction() as session:
        until = people.today_of(session, person.id)
        nights = store.readiness(session, person.id, since=until - LOOKED_BACK if days else None)
        told = told_days(session, person)
        own = select(Alert).where(Alert.person == person.id, or_(Alert.state != "withdrawn", Alert.told))
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
        charts=[chart.svg(nights, days=shown, size=size, told=told, until=until) for size in (chart.PHONE, WIDE)],
        ribbons=[ribbon(nights, first, until, size[0]) for size in (chart.PHONE, WIDE)] if nights else [],
        nights=[each for each in reversed(nights) if each.day >= first][:TABLE_NIGHTS],
        alerts=alerts,
        today=until,
    )


def _from_first_recorded(nights: list[Assessment]) -> list[Assessment]:
    first = next((index for index, each in enumerate(nights) if words.recorded(each)), len(nights))
    return nights[first:]
