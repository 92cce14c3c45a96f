"""The first visit, *today*, and what a person says about their nights."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from ingest import clock, people, questions
from ingest.db import transaction
from ingest.web import causes, made_up, snooze_pages
from ingest.web.render import page
from ingest.web.signed import Signed, Visitor
from ingest.web.today import look

router = APIRouter()
RENEWED = 3


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
        asked = questions.waiting(session, person)
        snoozed = snooze_pages.shown_until(session, person.id, people.language_of(person))
    filling = seen.sources is not None and seen.sources.past is not None
    refresh = RENEWED if (seen.judging or filling) and seen.night is None and not still else 0
    return page(
        request,
        "today.html",
        person=person,
        look=seen,
        causes=causes.CAUSES,
        just=causes.BY_NAME.get(noted),
        asked=asked,
        snoozed=snoozed,
        snooze_choices=snooze_pages.CHOICES,
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
