"""What is sent and how readily: what each channel wants, what alerts were worth, and what to expect of a setting."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from ingest import people, verdicts
from ingest.db import transaction
from ingest.models import Alert, Channel, Person
from ingest.nights import nights_of
from ingest.web.render import page
from ingest.web.signed import Signed
from scoring import SENSITIVITY
from scoring.evaluation import own_history

router = APIRouter()
WANTED = ("strained", "recovered", "other_signs", "brief")
LATELY = 730  # nights: what two years say is told within a second or two
Said = Annotated[Literal["useful", "not_useful", "none"], Form()]


@router.post("/channels/{channel_id}/wants")
def wants(person: Signed, channel_id: int, wanted: Annotated[list[str], Form(default_factory=list)]) -> Response:
    """What goes to one channel; kinds that stand elsewhere on the page are left as they are."""
    with transaction() as session:
        own = select(Channel).where(Channel.id == channel_id, Channel.person == person.id)
        channel = session.scalar(own) if 0 < channel_id < 2**63 else None
        if channel is None or not set(WANTED).issuperset(wanted):
            raise HTTPException(404 if channel is None else 422)
        others = [each for each in channel.wants if each not in WANTED]
        channel.wants = [name for name in WANTED if name in wanted] + others
    return RedirectResponse("/channels?saved=true", 303)


@router.post("/alerts/{alert_id}/verdict")
def verdict(person: Signed, alert_id: int, said: Said) -> Response:
    """What one alert was worth; `none` takes it back."""
    with transaction() as session:
        own = select(Alert).where(Alert.id == alert_id, Alert.person == person.id)
        alert = session.scalar(own) if 0 < alert_id < 2**63 else None
        if alert is None:
            raise HTTPException(404)
        verdicts.say(session, session.get_one(Person, person.id), alert, None if said == "none" else said)
    return RedirectResponse(f"/alerts/{alert_id}#worth", 303)


@router.post("/verdicts/forget")
def forget(person: Signed) -> Response:
    """Take back every `not useful`, and what it raised."""
    with transaction() as session:
        verdicts.forget(session, session.get_one(Person, person.id))
    return RedirectResponse("/channels?saved=true#often", 303)


@router.get("/channels/expected")
def expect(request: Request, person: Signed) -> Response:
    """What each setting would have done with the person's own past, where spells of strain are put into it."""
    with transaction() as session:
        nights = nights_of(session, person.id, people.today_of(session, person.id))
        raised = verdicts.STEP * verdicts.level_of(session, person).steps
    levels = {name: level + raised for name, level in SENSITIVITY.items()}
    return page(request, "expected.html", person=person, outlooks=own_history(nights[-LATELY:], levels))
