"""A person's connections: how each stands, how far its past is in, asking now, and the end of one."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import clock, filling, freshness, people, standings, store, words
from ingest.db import transaction
from ingest.freshness import Standing
from ingest.grants import connections, following
from ingest.models import Connection, Person, StreamState, VendorAccount
from ingest.web import connect_words
from ingest.web.connect_pages import Notice, leading_to, told
from ingest.web.render import page, relayed
from ingest.web.signed import Signed
from ingest.words import relayed as relayed_words
from scoring import Language
from scoring.words import grouped

router = APIRouter()
RENEWED, RENEWED_SLOWLY = 5, 30
SLOW = timedelta(minutes=2)
ASKED_EVERY = timedelta(minutes=1)
JUDGED_LATELY = timedelta(days=40)


@router.get("/connections")
def overview(request: Request, person: Signed, asked: bool = False) -> Response:  # noqa: FBT001, FBT002  (a query)
    """Every connection with its sentence."""
    with transaction() as session:
        stand, now, apps = (
            standings.of_person(session, person.id),
            standings.here(session, person),
            connections.apps(session),
        )
    language = people.language_of(person)
    cards = [(each, freshness.sentence(each, now, language)) for each in stand]
    response = page(
        request, "connections.html", person=person, cards=cards, now=now, asked=asked, moment=freshness.moment
    )
    return leading_to(response, apps)


@router.get("/connections/{connection_id}")
def progress(request: Request, person: Signed, connection_id: int, still: bool = False) -> Response:  # noqa: FBT001, FBT002
    """How far the past is in, and in the end what it says; renews itself while there is work."""
    with transaction() as session:
        connection, seen = _own(session, person, connection_id)
        provider = standings.declared(seen.vendor)
        if seen.kind != "grant" or provider is None:
            return RedirectResponse("/connections", 303)
        past = filling.of_connection(session, connection, provider)
        judged = store.readiness(session, person.id, since=clock.now().date() - JUDGED_LATELY)
        judging = not store.scored(session, person.id)
        now, apps = standings.here(session, person), connections.apps(session)
    nights = [each for each in judged if words.recorded(each)]
    language = people.language_of(person)
    usual = words.usual_ranges(nights[-1], language) if nights else ""
    at_work = seen.state == "active" and (not past.ended or judging)
    refresh = 0 if still or not at_work else RENEWED if _soon(past, now) else RENEWED_SLOWLY
    response = page(
        request,
        "progress.html",
        person=person,
        seen=seen,
        said=freshness.sentence(seen, now, language),
        past=past,
        signals=_listed(past.signals, language),
        usual=usual,
        read=bool(usual),
        at_work=at_work,
        slow=not past.done and now - seen.since > SLOW,
        refresh=refresh,
        again=freshness.moment(past.again_at, now, language) if past.again_at else "",
        today=now.date(),
    )
    return leading_to(response, apps)


@router.post("/connections/{connection_id}/sync")
def sync_now(person: Signed, connection_id: int) -> Response:
    """Have the vendor asked at once; a second time within a minute changes nothing."""
    with transaction() as session:
        connection, seen = _own(session, person, connection_id)
        if seen.kind == "grant" and seen.state == "active" and not _just_asked(session, connection_id):
            every = select(StreamState.stream).where(StreamState.connection == connection.id)
            following.hint(session, connection.id, session.scalars(every).all())
    return RedirectResponse("/connections?asked=true", 303)


@router.get("/connections/{connection_id}/disconnect")
def before_the_end(request: Request, person: Signed, connection_id: int) -> Response:
    """What disconnecting means, and the choice of what becomes of the nights."""
    with transaction() as session:
        seen = _ending(session, person, connection_id)
    return page(request, "disconnect.html", person=person, seen=seen)


@router.post("/connections/{connection_id}/disconnect")
def disconnect(
    request: Request, person: Signed, connection_id: int, nights: Annotated[Literal["keep", "delete"], Form()]
) -> Response:
    """End the grant; the nights stay or go, as was chosen."""
    with transaction() as session:
        _ending(session, person, connection_id)
    speaker = connect_words.SPEAKERS[people.language_of(person)]
    ended = relayed(connections.disconnect(person.id, connection_id, keep=nights == "keep"), speaker.language)
    text = Markup("{} {}").format(ended, speaker.say(f"ended.{nights}"))
    return told(request, person, Notice(speaker.say("ended"), text, ("/connections", speaker.say("yours"))))


def _own(session: Session, person: Person, connection_id: int) -> tuple[Connection, Standing]:
    """A connection of this person. Raises HTTPException 404 for anybody else's, and for none."""
    own = (Connection.id == connection_id, VendorAccount.person == person.id)
    rows = select(Connection).join(VendorAccount, VendorAccount.id == Connection.vendor_account)
    connection = session.scalar(rows.where(*own)) if 0 < connection_id < 2**63 else None
    if connection is None:
        raise HTTPException(404)
    seen = {each.connection: each for each in standings.of_person(session, person.id)}
    return connection, seen[connection.id]


def _ending(session: Session, person: Person, connection_id: int) -> Standing:
    """A grant of this person that can be ended. Raises HTTPException 404."""
    seen = _own(session, person, connection_id)[1]
    if seen.kind != "grant" or seen.state == "disconnected":
        raise HTTPException(404)
    return seen


def _listed(signals: list[tuple[str, int]], language: Language) -> str:
    """On how many nights each signal is known: `HRV 94 · heart rate 92`."""
    return " · ".join(f"{relayed_words.told(label, language)} {grouped(count, language)}" for label, count in signals)


def _just_asked(session: Session, connection_id: int) -> bool:
    latest = session.scalar(select(func.max(StreamState.hinted_at)).where(StreamState.connection == connection_id))
    return latest is not None and latest > clock.now() - ASKED_EVERY


def _soon(past: filling.Filling, now: datetime) -> bool:
    return past.again_at is None or past.again_at - now < SLOW
