"""The two tests of a minute: the page that runs one, its result beside the person's own, and forgetting one."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from ingest import drive_tests, people
from ingest.db import transaction
from ingest.drive_tests import Kind
from ingest.models import Person
from ingest.web.render import page
from ingest.web.signed import Signed

router = APIRouter()
Times = Annotated[str, Field(max_length=8000, pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(,[0-9]{1,6}(\.[0-9]{1,3})?)*$|^$")]


class Done(BaseModel):
    """What the page measured: milliseconds, a comma between; and how often somebody was too soon."""

    times: Times = ""
    too_soon: Annotated[int, Field(ge=0, le=999)] = 0

    def numbers(self) -> list[float]:
        """The measured milliseconds."""
        return [float(each) for each in self.times.split(",") if each]


class Counted(BaseModel):
    """What is told once and not kept: whether a test was just done, and how it went beside its median."""

    done: bool = False
    lapses: Annotated[int, Field(ge=0, le=99)] = 0
    too_soon: Annotated[int, Field(ge=0, le=999)] = 0


@router.get("/drive-tests/{kind}")
def show(request: Request, person: Signed, kind: Kind, counted: Annotated[Counted, Query()]) -> Response:
    """The test, or the result of the one just done, beside the earlier ones."""
    return _page(request, person, kind, counted)


@router.post("/drive-tests/{kind}")
def keep(request: Request, person: Signed, kind: Kind, given: Annotated[Done, Form()]) -> Response:
    """Keep a test of today; one that cannot be somebody's own is refused and said so."""
    times = given.numbers()
    try:
        result = drive_tests.reaction(times) if kind == "reaction" else drive_tests.tapping(times)
        with transaction() as session:
            drive_tests.save(session, person.id, kind, result)
    except drive_tests.Implausible:
        return _page(request, person, kind, Counted(), error="test.unusable")
    except drive_tests.Enough:
        return _page(request, person, kind, Counted(), error="test.enough")
    if kind == "tapping":
        return RedirectResponse("/drive-tests/tapping?done=true", 303)
    lapses, early = drive_tests.lapses(times), given.too_soon + drive_tests.guesses(times)
    return RedirectResponse(f"/drive-tests/reaction?done=true&lapses={lapses}&too_soon={early}", 303)


@router.post("/drive-tests/{kind}/remove")
def remove(person: Signed, kind: Kind, test: Annotated[int, Form(gt=0, lt=2**63)]) -> Response:
    """Forget one test: somebody else had a go, or the phone rang."""
    with transaction() as session:
        drive_tests.remove(session, person.id, test)
    return RedirectResponse(f"/drive-tests/{kind}", 303)


def _page(request: Request, person: Person, kind: Kind, counted: Counted, error: str = "") -> Response:
    with transaction() as session:
        today = people.today_of(session, person.id)
        tests = drive_tests.history(session, person.id, kind, today)
    beside = drive_tests.beside(tests)
    return page(
        request,
        "drive_test.html",
        status=422 if error else 200,
        person=person,
        kind=kind,
        tests=list(reversed(tests)),
        beside=beside,
        fresh=counted.done and beside is not None,
        counted=counted,
        error=error,
    )
