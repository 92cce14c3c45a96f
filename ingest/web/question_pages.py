"""The quiet question: a page of big buttons by link or signed in, what a push's buttons post, and its setting.

No GET answers anything: scanners follow links, and one that submits a form presses no button.
"""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import people, questions
from ingest.db import transaction
from ingest.models import Channel, Person, Question
from ingest.questions import Answer
from ingest.web.render import page
from ingest.web.signed import Signed

router = APIRouter()


class Reply(BaseModel):
    """What was pressed; with `nights`, the nights with drinks as corrected."""

    said: Answer | Literal["nights", "undo"] | None = None
    nights: list[date] = Field(default_factory=list, max_length=31)


class Pressed(BaseModel):
    """What a worker in a browser posts when somebody presses a button on a push."""

    receipt: str = Field(max_length=64)
    answer: Answer


@router.post("/questions/pressed")
def pressed(given: Pressed) -> Response:
    """An answer from a push; the token that it carried is all it needs, as nobody may be signed in there."""
    with transaction() as session:
        question = _active(session, questions.of_receipt(session, given.receipt))
        try:
            questions.answer(session, question, given.answer)
        except questions.Passed:
            return Response(status_code=410)
    return Response(status_code=204)


@router.post("/questions/setting")
def setting(
    person: Signed,
    asks: Annotated[bool, Form()] = False,  # noqa: FBT002  (a form field)
    mail: Annotated[bool, Form()] = False,  # noqa: FBT002  (a form field)
) -> Response:
    """Whether we may ask, and whether by mail where no browser hears from us."""
    with transaction() as session:
        session.get_one(Person, person.id).asks = asks
        for channel in session.scalars(select(Channel).where(Channel.person == person.id, Channel.kind == "mail")):
            others = [each for each in channel.wants if each != questions.KIND]
            channel.wants = [*others, questions.KIND] if mail else others
    return RedirectResponse("/channels?saved=true", 303)


@router.get("/questions/{question_id}")
def own(request: Request, person: Signed, question_id: int) -> Response:
    """The question of somebody who is signed in."""
    with transaction() as session:
        return _page(request, session, _own(session, person, question_id), f"/questions/{question_id}", person)


@router.post("/questions/{question_id}")
def answer_own(person: Signed, question_id: int, reply: Annotated[Reply, Form()]) -> Response:
    """Answer it, correct the nights, or take it back."""
    with transaction() as session:
        _change(session, _own(session, person, question_id), reply)
    return RedirectResponse(f"/questions/{question_id}", 303)


@router.get("/q/{token}")
def linked(request: Request, token: str) -> Response:
    """The question behind a link in a mail."""
    with transaction() as session:
        question = _active(session, questions.of_token(session, token))
        return _page(request, session, question, f"/q/{questions.token(question.id)}", None)


@router.post("/q/{token}")
def answer_linked(token: str, reply: Annotated[Reply, Form()]) -> Response:
    """Answer this one question, for whoever holds its token."""
    with transaction() as session:
        question = _active(session, questions.of_token(session, token))
        _change(session, question, reply)
        back = f"/q/{questions.token(question.id)}"
    return RedirectResponse(back, 303)


def _change(session: Session, question: Question, reply: Reply) -> None:
    """Do what was pressed; a question that has passed says so on its page."""
    try:
        match reply.said:
            case None:
                return
            case "undo":
                questions.undo(session, question)
            case "nights":
                questions.drank(session, question, reply.nights)
            case said:
                questions.answer(session, question, said)
    except questions.Passed:
        return


def _page(request: Request, session: Session, question: Question, action: str, person: Person | None) -> Response:
    return page(
        request,
        "question.html",
        person=person,
        reader=people.language_of(session.get_one(Person, question.person)),
        action=action,
        asked=questions.seen(session, question),
    )


def _own(session: Session, person: Person, question_id: int) -> Question:
    wanted = select(Question).where(Question.id == question_id, Question.person == person.id)
    question = session.scalar(wanted) if 0 < question_id < 2**63 else None
    if question is None:
        raise HTTPException(404)
    return question


def _active(session: Session, question: Question | None) -> Question:
    """The question, while its person is here."""
    if question is None or session.get_one(Person, question.person).state != "active":
        raise HTTPException(404)
    return question
