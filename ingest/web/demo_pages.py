"""Only in the demo, only for this machine: sign in as the made-up person, and read what was caught."""

import base64
import hmac
import ipaddress
import json
import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ingest.db import transaction
from ingest.models import Person
from ingest.settings import settings
from ingest.web.guard import POLICY
from ingest.web.render import page
from ingest.web.signed import Visitor
from ingest.web.signin_pages import sign_in_as

# A mail styles itself; its frame inherits the page's policy, runs no script and has no origin.
LETTER_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "script-src 'self'; ", ""
)
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def on_this_machine(request: Request) -> None:
    """Turn away everybody else, and pages of other names that point here."""
    client = request.client.host if request.client else ""
    try:
        near = ipaddress.ip_address(client).is_loopback
    except ValueError:
        near = False
    if not near or request.url.hostname not in LOOPBACK_NAMES:
        raise HTTPException(404)


router = APIRouter(prefix="/demo", dependencies=[Depends(on_this_machine)])


@router.get("/mail")
def mail(request: Request, person: Visitor) -> Response:
    """The messages, newest first."""
    letters = [(number, _read(file)) for number, file in enumerate(_files(), 1)]
    return page(request, "demo_mail.html", person=person, letters=letters[::-1], pushes=_pushes())


@router.get("/mail/{number}")
def letter(request: Request, person: Visitor, number: int) -> Response:
    """One message as its reader sees it, and its text."""
    files = _files()
    if not 0 < number <= len(files):
        raise HTTPException(404)
    message = _read(files[number - 1])
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    response = page(
        request,
        "demo_letter.html",
        person=person,
        message=message,
        text=text.get_content() if text else "",
        html=_with_pictures(html.get_content(), message) if html else "",
    )
    response.headers["content-security-policy"] = LETTER_POLICY
    return response


@router.get("/{token}")
def sign_in(request: Request, token: str) -> Response:
    """Sign in as the made-up person."""
    try:
        known = json.loads((settings().home / "demo.json").read_text())
    except FileNotFoundError:
        raise HTTPException(404) from None
    if not hmac.compare_digest(str(known["token"]).encode(), token.encode()):
        raise HTTPException(404)
    with transaction() as session:
        person = session.get(Person, int(known["person"]))
    if person is None:
        raise HTTPException(404)
    return sign_in_as(request, person)


def _files() -> list[Path]:
    return sorted((settings().home / "mailbox").glob("*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name))


def _pushes() -> list[dict[str, str]]:
    """What the made-up phone showed, newest first."""
    files = sorted((settings().home / "pushbox").glob("[0-9]*.json"), reverse=True)
    return [json.loads(file.read_text())["notification"] for file in files]


def _read(file: Path) -> EmailMessage:
    with file.open("rb") as stream:
        return BytesParser(policy=policy.default).parse(stream)


def _with_pictures(html: str, message: EmailMessage) -> str:
    """The letter with its inline pictures written into it, as a frame can ask for none."""
    pictures = {}
    for part in message.walk():
        name = (part.get("Content-ID") or "").strip("<>")
        body = part.get_payload(decode=True)
        if name and part.get_content_maintype() == "image" and isinstance(body, bytes):
            pictures[name] = f"data:{part.get_content_type()};base64,{base64.b64encode(body).decode()}"
    return re.sub(r"cid:([^\"'\s>]+)", lambda found: pictures.get(found[1], ""), html)
