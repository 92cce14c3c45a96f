"""Bring a file: how to get it, the upload, its progress, and what was read or set aside."""

from typing import Annotated

from fastapi import APIRouter, File, HTTPException, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from ingest import imports, people, runs
from ingest.db import transaction
from ingest.models import Person
from ingest.web import data_words
from ingest.web.render import page, relayed, sentence
from ingest.web.signed import Signed
from providers.errors import FileRefused

router = APIRouter()
VENDOR = "whoop"
AT_WORK = ("due", "running", "retrying", "snoozed")
LONGEST_NAME = 120
SHOWN_REJECTS = 50
RENEWED = 2


@router.get("/import")
def form(request: Request, person: Signed) -> Response:
    """How to get the file, and where to put it."""
    return _form(request, person)


@router.post("/import")
def upload(request: Request, person: Signed, file: Annotated[UploadFile | None, File()] = None) -> Response:
    """Take the file; a worker reads it."""
    if file is None or not file.filename:
        return _form(request, person, error=data_words.SPEAKERS[people.language_of(person)].say("choose"))
    name = "".join(each for each in file.filename.replace("\\", "/").rsplit("/", 1)[-1] if each.isprintable())[
        -LONGEST_NAME:
    ]
    try:
        with transaction() as session:
            run = imports.accept_upload(session, person.id, VENDOR, name, file.file)
    except FileRefused as refused:
        return _form(request, person, error=relayed(sentence(str(refused)), people.language_of(person)))
    return RedirectResponse(f"/import/{run}", 303)


@router.get("/import/{run_id}")
def progress(request: Request, person: Signed, run_id: int, still: bool = False) -> Response:  # noqa: FBT001, FBT002
    """How far it is, and in the end what came of it; renews itself while there is work."""
    with transaction() as session:
        run = runs.run_of(session, person.id, run_id) if 0 < run_id < 2**63 else None
        if run is None or run.kind != "import":
            raise HTTPException(404)
        rejects = runs.rejects(session, person.id, run_id, limit=SHOWN_REJECTS) if run.rejected else []
    at_work = run.state in AT_WORK
    refresh = RENEWED if at_work and not still else 0
    return page(request, "run.html", person=person, run=run, rejects=rejects, at_work=at_work, refresh=refresh)


def _form(request: Request, person: Person, error: str = "") -> Response:
    with transaction() as session:
        latest = [run for run in runs.latest(session, person.id) if run.kind == "import"]
    return page(request, "import.html", person=person, error=error, latest=latest, status=422 if error else 200)
