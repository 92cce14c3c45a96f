"""Connecting a wearable: the list, the way to the vendor and back. Refusals are pages with the way on."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, HTTPException, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

import providers
from ingest import people, signin, standings
from ingest.db import transaction
from ingest.freshness import Standing
from ingest.grants import connections
from ingest.models import Person, VendorApp
from ingest.settings import settings
from ingest.web import connect_words, cookies
from ingest.web.guard import POLICY
from ingest.web.render import language_for, page, relayed, sentence
from ingest.web.signed import Signed, Visitor
from ingest.words import relayed as relayed_words
from providers.base import Provider
from providers.errors import Misconfigured, VagusError
from scoring.words import Speaker

router = APIRouter()
CONNECT = "/connect"
RETURN_SECONDS = 900
REGISTRABLE = 2  # names of a host below which nothing is cut off

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """One vendor in the list: what it gives, when, what it will ask for; connected already, or not to be connected."""

    name: str
    title: str
    gives: str
    arrives: str
    asks: str
    standing: Standing | None
    available: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told on a page of its own; `on` is where it goes on, an address and its words."""

    title: str
    text: str
    on: tuple[str, str]
    status: int = 200


@router.get("/connect")
def choose(request: Request, person: Signed) -> Response:
    """The vendors there are; those that cannot be connected come last, with the reason."""
    with transaction() as session:
        offers, apps = _offers(session, person), connections.apps(session)
    response = page(request, "connect.html", person=person, offers=offers)
    return leading_to(response, apps)


@router.post("/connect/{vendor}")
def leave(request: Request, person: Signed, vendor: str) -> Response:
    """Off to the vendor's page; this browser is remembered, as only it can come back."""
    browser = cookies.read(request, cookies.LEAVING) or signin.new_nonce()
    speaker = _speaker(request, person)
    try:
        with transaction() as session:
            url = connections.leave(session, person.id, vendor, browser, settings().public_url)
    except connections.Refused as refused:
        text = relayed(sentence(str(refused)), speaker.language)
        return told(request, person, _again(speaker, "not.title", text, 409))
    except Misconfigured as error:
        if standings.declared(vendor) is None:
            raise HTTPException(404) from None
        log.error("cannot_connect", vendor=vendor, reason=str(error))  # noqa: TRY400  (a setting, no bug)
        text = speaker.say("not.unset", title=standings.title_of(vendor))
        return told(request, person, _again(speaker, "not.title", text, 503))
    response = RedirectResponse(url, 303)
    cookies.write(response, cookies.LEAVING, browser, connections.ON_THE_WAY.total_seconds())
    return response


@router.get("/connect/{vendor}/return")
def arrive(request: Request, person: Visitor, vendor: str) -> Response:
    """Back from the vendor, with a grant or without one."""
    if standings.declared(vendor) is None:
        raise HTTPException(404)
    if person is None:
        return _signed_out(request, vendor)
    browser, query = cookies.read(request, cookies.LEAVING) or "", dict(request.query_params)
    speaker = _speaker(request, person)
    try:
        connected = connections.arrive(person.id, vendor, browser, query, settings().public_url)
    except connections.Refused as refused:
        text = relayed(sentence(str(refused)), speaker.language)
        return told(request, person, _again(speaker, "nothing.title", text, 409))
    except VagusError as error:
        log.warning("grant_failed", vendor=vendor, kind=type(error).__name__, reason=str(error))
        text = speaker.say("nothing.away", title=standings.title_of(vendor))
        return told(request, person, _again(speaker, "nothing.title", text, 503))
    return RedirectResponse(f"/connections/{connected.connection}", 303)


def told(request: Request, person: Person | None, notice: Notice) -> Response:
    """One or two sentences on a page of its own, and the way on."""
    return page(request, "told.html", person=person, status=notice.status, notice=notice)


def leading_to(response: Response, apps: dict[str, VendorApp]) -> Response:
    """Let this page's forms lead to vendors: browsers hold a form's whole way, redirects too, against its policy.

    A vendor may pass a person on to another host of its own to sign in, so its domain is named as well.
    """
    places = sorted(
        {
            place
            for name, app in apps.items()
            if (provider := standings.declared(name))
            for place in _places(provider, app)
        }
    )
    response.headers["content-security-policy"] = POLICY.replace(
        "form-action 'self'", " ".join(["form-action 'self'", *places])
    )
    return response


def _again(speaker: Speaker, title: str, text: str, status: int) -> Notice:
    """What leads back to the list."""
    return Notice(speaker.say(title), text, (CONNECT, speaker.say("try_again")), status)


def _speaker(request: Request, person: Person | None) -> Speaker:
    return connect_words.SPEAKERS[language_for(request, person)]


def _places(provider: Provider, app: VendorApp) -> list[str]:
    if app.origin:
        there = urlsplit(app.origin)
        return [f"{there.scheme}://{there.netloc}"]
    host = urlsplit(provider.auth.authorize_url).hostname or ""
    _, _, domain = host.partition(".")
    return [f"https://{host}", *([f"https://*.{domain}"] if domain.count(".") >= REGISTRABLE - 1 else [])]


def _offers(session: Session, person: Person) -> list[Offer]:
    """Vendors that can be connected before those that cannot; of each, those with more of the nights first."""
    apps, language = connections.apps(session), people.language_of(person)
    stand = {each.vendor: each for each in standings.of_person(session, person.id) if each.kind == "grant"}
    ranked = sorted(
        providers.PROVIDERS,
        key=lambda each: (each.name not in apps, -sum(stream.nightly for stream in each.streams), each.title),
    )
    return [
        Offer(
            each.name,
            each.title,
            relayed_words.told(each.gives, language),
            relayed_words.told(each.arrives, language),
            relayed_words.listed(list(dict.fromkeys(stream.title for stream in each.streams)), language),
            stand.get(each.name),
            each.name in apps,
        )
        for each in ranked
    ]


def _signed_out(request: Request, vendor: str) -> Response:
    """The code a vendor sends along is worth an account: it is not kept until somebody has signed in."""
    speaker = _speaker(request, None)
    text = speaker.say("signed_out", url=settings().public_url, title=standings.title_of(vendor))
    on = ("/sign-in", speaker.say("signed_out.on"))
    response = told(request, None, Notice(speaker.say("signed_out.title"), text, on, 403))
    cookies.write(response, cookies.RETURN, CONNECT, RETURN_SECONDS)
    return response
