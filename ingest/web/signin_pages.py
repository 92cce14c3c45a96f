"""Signing in and out: the address, the six digits, the one-time link from a terminal. No GET here changes anything."""

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import people, signin
from ingest.db import transaction
from ingest.models import Person
from ingest.settings import settings
from ingest.web import cookies
from ingest.web.render import language_for, page
from ingest.web.signed import Visitor
from providers.errors import VagusError

router = APIRouter()
OWN_PAGES = (
    r"/(today|history|check-in|import|connect|channels|data|(alerts|connections|questions)/[0-9]{1,18}"
    r"|connections(/devices)?|drive-tests/(reaction|tapping))"
)
HOME = "/today"
Text = Annotated[str, Form(max_length=300)]


@router.get("/sign-in")
def address_form(request: Request, person: Visitor) -> Response:
    """Ask for the address."""
    if person:
        return RedirectResponse(HOME, 303)
    return page(request, "signin.html", address="", error="", mailed=settings().smtp_url is not None)


@router.post("/sign-in")
def ask(request: Request, address: Text = "") -> Response:
    """Have a code mailed, whoever the address belongs to."""
    if settings().smtp_url is None:
        return page(request, "signin.html", status=503, address=address, error="", mailed=False)
    nonce = cookies.read(request, cookies.ASKING) or signin.new_nonce()
    client = request.client.host if request.client else ""
    try:
        normal = people.normal_address(address)
        with transaction() as session:
            signin.ask(session, normal, nonce, client)
    except VagusError as error:
        status = 429 if isinstance(error, signin.TooManyCodes) else 422
        return page(request, "signin.html", status=status, address=address, error=str(error), mailed=True)
    response = RedirectResponse("/sign-in/code", 303)
    cookies.write(response, cookies.ASKING, nonce, signin.CODE_LIFE.total_seconds())
    return response


@router.get("/sign-in/code")
def code_form(request: Request, digits: str = "") -> Response:
    """Ask for the digits. The mail's link fills them in; any other browser is shown where to type them."""
    kept = re.sub(r"\D", "", digits, flags=re.ASCII)[:6]
    if cookies.read(request, cookies.OPS_ASKING) and not cookies.read(request, cookies.ASKING):
        return RedirectResponse(f"/ops/sign-in/code?{urlencode({'digits': kept})}", 303)  # one mail for both doors
    return _code_page(request, digits=kept)


@router.post("/sign-in/code")
def enter(request: Request, digits: Text = "") -> Response:
    """Sign the browser in, or say what was wrong."""
    with transaction() as session:
        nonce, language = cookies.read(request, cookies.ASKING), language_for(request, None)
        result = signin.enter(session, nonce, digits, language)
        token = _start(session, request, result) if isinstance(result, Person) else ""
    if isinstance(result, signin.Refused):
        return _code_page(request, error=result.sentence, status=422)
    return _welcome(request, token)


@router.get("/sign-in/once/{ticket}")
def once_form(request: Request, ticket: str) -> Response:
    """A button, and nothing else: opening the link must not spend it."""
    return page(request, "once.html", ticket=ticket)


@router.post("/sign-in/once/{ticket}")
def once(request: Request, ticket: str) -> Response:
    """Spend the link."""
    with transaction() as session:
        person = signin.spend(session, ticket)
        token = _start(session, request, person) if person else ""
    if not token:
        return page(
            request,
            "error.html",
            status=410,
            title="This link is spent",
            text="It signs in once, within ten minutes. Make a new one with `vagus sign-in`.",
            reference="",
        )
    return _welcome(request, token)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this browser's session."""
    with transaction() as session:
        signin.end_session(session, cookies.read(request, cookies.SESSION))
    response = RedirectResponse("/", 303)
    cookies.clear(response, cookies.SESSION)
    return response


def sign_in_as(request: Request, person: Person) -> Response:
    """Sign the browser in as this person and go to their page."""
    with transaction() as session:
        token = _start(session, request, person)
    return _welcome(request, token)


def _start(session: Session, request: Request, person: Person) -> str:
    return signin.start_session(session, person.id, cookies.read(request, cookies.SESSION))


def _welcome(request: Request, token: str) -> Response:
    """On to the page that was asked for, with the fresh session; what led here is forgotten."""
    wanted = cookies.read(request, cookies.RETURN) or HOME
    response = RedirectResponse(wanted if re.fullmatch(OWN_PAGES, wanted) else HOME, 303)
    cookies.write(response, cookies.SESSION, token, signin.SESSION_LIFE.total_seconds())
    for spent in (cookies.ASKING, cookies.RETURN):
        cookies.clear(response, spent)
    return response


def _code_page(request: Request, *, digits: str = "", error: str = "", status: int = 200) -> Response:
    with transaction() as session:
        asked = signin.asked(session, cookies.read(request, cookies.ASKING))
    to = masked(asked.address) if asked else ""
    return page(request, "code.html", status=status, to=to, digits=digits, error=error)


def masked(address: str) -> str:
    """`m…@example.org`: enough to see a mistyped address, too little for a screenshot."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}…@{domain}"
