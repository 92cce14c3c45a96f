"""Leave me alone for a while: from a page, or by the link in a mail, which opens buttons and does nothing by itself."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import channels, people, snoozes, words
from ingest.db import transaction
from ingest.models import Channel, Person
from ingest.web import page_words
from ingest.web.render import page
from ingest.web.signed import Signed
from scoring import Language

router = APIRouter()
CHOICES = ("1", "3", "7", "always")
Page = Annotated[str, Form(pattern=r"^/(today|channels|alerts/\d{1,18})$")]
Chosen = Annotated[Literal["1", "3", "7", "always", "end"], Form()]


@router.post("/snooze")
def snooze(person: Signed, span: Chosen, back: Page) -> Response:
    """Send nothing about nights for so long, or write again."""
    with transaction() as session:
        _set(session, person.id, span)
    return RedirectResponse(f"{back}#snooze", 303)


@router.get("/u/{token}/pause")
def ask(request: Request, token: str) -> Response:
    """Buttons; opening the link changes nothing."""
    with transaction() as session:
        return _page(request, session, token)


@router.post("/u/{token}/pause")
def pause(request: Request, token: str, span: Chosen) -> Response:
    """Pause, or write again, for whoever holds the token of one of the person's channels."""
    with transaction() as session:
        _set(session, _person(session, token).id, span)
        session.flush()
        return _page(request, session, token)


def shown_until(session: Session, person_id: int, language: Language = "en") -> str:
    """Until when nothing is sent to a person, as a sentence; empty where they are not snoozed."""
    ends, told = snoozes.until(session.get_one(Person, person_id)), page_words.SPEAKERS[language]
    if ends is None:
        return ""
    if ends == snoozes.UNTIL_TOLD:
        return told.say("snoozed.always")
    wall = people.local_time(session, person_id, ends)
    return told.say("snoozed.until", weekday=words.weekday(wall.date(), language), time=f"{wall:%H:%M}")


def _set(session: Session, person_id: int, span: Literal["1", "3", "7", "always", "end"]) -> None:
    if span == "end":
        snoozes.end(session, person_id)
    else:
        snoozes.begin(session, person_id, span)


def _page(request: Request, session: Session, token: str) -> Response:
    person = _person(session, token)
    language = people.language_of(person)
    snoozed = shown_until(session, person.id, language)
    return page(request, "pause.html", reader=language, token=token, snoozed=snoozed, snooze_choices=CHOICES)


def _person(session: Session, token: str) -> Person:
    number = channels.channel_of(token)
    channel = session.get(Channel, number) if number is not None else None
    person = session.get_one(Person, channel.person) if channel else None
    if person is None or person.state != "active":
        raise HTTPException(404)
    return person
