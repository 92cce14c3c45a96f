"""The card about the cycle: whether what is noted of it is used, and its removal."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from ingest import period_notes
from ingest.db import transaction
from ingest.web.signed import Signed

router = APIRouter()


@router.post("/cycle")
def use(person: Signed, used: Annotated[bool, Form()] = False) -> Response:  # noqa: FBT002  (a form field)
    """Turn it on or off; off stops the use of what was noted and keeps the notes until they are removed."""
    with transaction() as session:
        period_notes.use(session, person.id, wanted=used)
    return RedirectResponse("/channels?saved=true#cycle", 303)


@router.post("/cycle/forget")
def forget(person: Signed) -> Response:
    """Remove every note."""
    with transaction() as session:
        period_notes.forget(session, person.id)
    return RedirectResponse("/channels?saved=true#cycle", 303)
