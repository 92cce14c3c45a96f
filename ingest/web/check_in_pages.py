"""The morning check-in: one screen, everything optional, corrected by saving again."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from ingest import check_ins, drive_tests, people, period_notes
from ingest.check_ins import Answers
from ingest.db import transaction
from ingest.models import Person
from ingest.web.render import page
from ingest.web.signed import Signed
from ingest.words import cycle as cycle_words

router = APIRouter()


class Filled(Answers):
    """The form, and the day that it was opened for. The box about a period is there for whoever wants it alone."""

    day: date
    period: bool = False


@router.get("/check-in")
def form(request: Request, person: Signed, saved: bool = False) -> Response:  # noqa: FBT001, FBT002  (a query)
    """Today's answers as they stand, and the ones before, small."""
    return _form(request, person, saved=saved)


@router.post("/check-in")
def save(request: Request, person: Signed, filled: Annotated[Filled, Form()]) -> Response:
    """Note today, or correct it; a form that was opened yesterday changes nothing."""
    answers = Answers(**filled.model_dump(exclude={"day", "period"}))
    try:
        with transaction() as session:
            check_ins.save(session, person.id, filled.day, answers)
            period_notes.note(session, person, filled.day, began=filled.period)
    except check_ins.AnotherDay:
        return _form(request, person, late=filled.day)
    return RedirectResponse("/check-in?saved=true", 303)


@router.post("/check-in/remove")
def remove(person: Signed) -> Response:
    """Take today's check-in back, its tags too."""
    with transaction() as session:
        today = people.today_of(session, person.id)
        check_ins.save(session, person.id, today, Answers())
        period_notes.note(session, person, today, began=False)
    return RedirectResponse("/check-in", 303)


def _form(request: Request, person: Person, *, saved: bool = False, late: date | None = None) -> Response:
    with transaction() as session:
        today = people.today_of(session, person.id)
        listed = check_ins.lately(session, person.id, today)
        began = today in period_notes.used(session, person.id)
        tested = drive_tests.said(session, person.id, today, people.language_of(person))
    stands = dict(listed).get(today)
    return page(
        request,
        "check_in.html",
        status=422 if late else 200,
        person=person,
        today=today,
        answers=stands or Answers(),
        stands=stands is not None or began,
        began=began,
        of_cycle=cycle_words.SPEAKERS[people.language_of(person)],
        before=[(day, answers) for day, answers in listed if day != today],
        tested=tested,
        saved=saved,
        late=late,
        told=check_ins.told,
        check_ins=check_ins,
    )
