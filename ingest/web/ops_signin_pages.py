"""The door of operators: the same digits and links as people's, another cookie. No GET here changes anything."""

import re
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import people, signin
from ingest.db import transaction
from ingest.models import Operator
from ingest.ops import operators
from ingest.settings import settings
from ingest.web import cookies
from ingest.web.ops_signed import OnlyLooking, Visiting, ops_page
from ingest.web.signin_pages import masked
from providers.errors import VagusError

router = APIRouter(prefix="/ops")
HOME = "/ops"
Text = Annotated[str, Form(max_length=300)]


@router.get("/sign-in")
def address_form(request: Request, operator: Visiting) -> Response:
    """Ask for the address."""
    if operator:
        return RedirectResponse(HOME, 303)
    return ops_page(request, "ops_signin.html", address="", error="", mailed=settings().smtp_url is not None)


@router.post("/sign-in")
def ask(request: Request, address: Text = "") -> Response:
    """Have a code mailed if the address is an operator's; the answer is the same if it is not."""
    if settings().smtp_url is None:
        return ops_page(request, "ops_signin.html", status=503, address=address, error="", mailed=False)
    nonce = cookies.read(request, cookies.OPS_ASKING) or signin.new_nonce()
    client = request.client.host if request.client else ""
    try:
        normal = people.normal_address(address)
        with transaction() as session:
            operators.ask(session, normal, nonce, client)
    except VagusError as error:
        status = 429 if isinstance(error, signin.TooManyCodes) else 422
        return ops_page(request, "ops_signin.html", status=status, address=address, error=str(error), mailed=True)
    response = RedirectResponse("/ops/sign-in/code", 303)
    cookies.write(response, cookies.OPS_ASKING, nonce, signin.CODE_LIFE.total_seconds())
    return response


@router.get("/sign-in/code")
def code_form(request: Request, digits: str = "") -> Response:
    """Ask for the digits; the mail's link fills them in."""
    return _code_page(request, digits=re.sub(r"\D", "", digits, flags=re.ASCII)[:6])


@router.post("/sign-in/code")
def enter(request: Request, digits: Text = "") -> Response:
    """Sign the browser in, or say what was wrong."""
    with transaction() as session:
        result = operators.enter(session, cookies.read(request, cookies.OPS_ASKING), digits)
        token = _start(session, request, result) if isinstance(result, Operator) else ""
    if isinstance(result, signin.Refused):
        return _code_page(request, error=result.sentence, status=422)
    return _welcome(token)


@router.get("/sign-in/once/{ticket}")
def once_form(request: Request, ticket: str) -> Response:
    """A button, and nothing else: opening the link must not spend it."""
    return ops_page(request, "ops_once.html", ticket=ticket)


@router.post("/sign-in/once/{ticket}")
def once(request: Request, ticket: str) -> Response:
    """Spend the link."""
    with transaction() as session:
        operator = operators.spend(session, ticket)
        token = _start(session, request, operator) if operator else ""
    if not token:
        text = "It signs in once, within ten minutes. Make a new one with vagus operator sign-in."
        return ops_page(request, "ops_error.html", status=410, title="This link is spent", text=text)
    return _welcome(token)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this browser's session."""
    with transaction() as session:
        operators.end_session(session, cookies.read(request, cookies.OPS_SESSION))
    response = RedirectResponse("/ops/sign-in", 303)
    cookies.clear(response, cookies.OPS_SESSION)
    return response


async def to_sign_in(_: Request, __: Exception) -> Response:
    """Go to the door."""
    return RedirectResponse("/ops/sign-in", 303)


async def only_looking(request: Request, _: OnlyLooking | Exception) -> Response:
    """What somebody is told who may only look."""
    return ops_page(request, "ops_error.html", status=403, title="Nothing was changed", text=operators.NOT_YOURS)


def _start(session: Session, request: Request, operator: Operator) -> str:
    return operators.start_session(session, operator.id, cookies.read(request, cookies.OPS_SESSION))


def _welcome(token: str) -> Response:
    response = RedirectResponse(HOME, 303)
    cookies.write(response, cookies.OPS_SESSION, token, operators.SESSION_LIFE.total_seconds())
    cookies.clear(response, cookies.OPS_ASKING)
    return response


def _code_page(request: Request, *, digits: str = "", error: str = "", status: int = 200) -> Response:
    with transaction() as session:
        asked = operators.asked(session, cookies.read(request, cookies.OPS_ASKING))
    to = masked(asked.address) if asked else ""
    return ops_page(request, "ops_code.html", status=status, to=to, digits=digits, error=error)
