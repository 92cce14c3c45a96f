"""Which device the nights are read from, where a person wears several, and the choice of another."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from ingest import people, store, worn
from ingest.db import transaction
from ingest.web.render import page
from ingest.web.signed import Signed

router = APIRouter()
BY_RULE = 0


@router.get("/connections/devices")
def devices(request: Request, person: Signed, saved: bool = False) -> Response:  # noqa: FBT001, FBT002  (a query)
    """Each signal with the device it is read from and why; each device with what choosing it means."""
    with transaction() as session:
        today = people.today_of(session, person.id)
        seen = worn.worn(session, person.id, today)
        judging = not store.scored(session, person.id)
    return page(request, "devices.html", person=person, worn=seen, today=today, saved=saved, judging=judging)


@router.post("/connections/devices")
def choose(person: Signed, account: Annotated[int, Form()]) -> Response:
    """Read the nights from one account, or by the rule again; nothing is sent about the past."""
    with transaction() as session:
        if account != BY_RULE and not worn.owns(session, person.id, account):
            raise HTTPException(404)
        store.choose_device(session, person.id, account or None)
    return RedirectResponse("/connections/devices?saved=true", 303)
