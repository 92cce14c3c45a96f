"""Settings: how we may reach the person and how readily, and everything that is stored of them."""

from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import people, period_notes, privacy, push, store, trials, verdicts, words
from ingest.db import transaction
from ingest.models import Channel, Delivery, Person
from ingest.settings import settings
from ingest.web import cookies, hygiene_pages, page_words, snooze_pages
from ingest.web.render import page
from ingest.web.signed import Signed
from ingest.words import cycle as cycle_words
from providers.errors import VagusError
from scoring import SENSITIVITY, Language

router = APIRouter()
HALF_HOURS = tuple(range(0, 1440, 30))
OWN_NAMES = (("en", "English"), ("de", "Deutsch"))


class Latest(NamedTuple):
    """What became of the latest message of a channel, in words, and why where it was not sent."""

    told: str
    error: str | None


@router.get("/channels")
def channels(request: Request, person: Signed, saved: bool = False, tested: bool = False) -> Response:  # noqa: FBT001, FBT002  (a query)
    """The ways to reach the person, quiet hours, and how readily."""
    return _channels(request, person, saved=saved, tested=tested)


@router.post("/channels/{channel_id}")
def switch(person: Signed, channel_id: int, state: Annotated[Literal["on", "off"], Form()]) -> Response:
    """Switch one channel on or off."""
    with transaction() as session:
        channel = _own(session, person, channel_id)
        channel.state = state
        channel.reason = None if state == "on" else "you turned it off"
    return _saved()


@router.post("/channels/{channel_id}/test")
def test(request: Request, person: Signed, channel_id: int) -> Response:
    """Have a message sent there, to see that it arrives."""
    try:
        with transaction() as session:
            trials.ask(session, _own(session, person, channel_id))
    except VagusError as refused:
        return _channels(request, person, error=str(refused))
    return RedirectResponse("/channels?tested=true", 303)


@router.post("/channels/{channel_id}/remove")
def remove(person: Signed, channel_id: int) -> Response:
    """Forget a browser. Mail stays listed, as it is how people sign in."""
    with transaction() as session:
        channel = _own(session, person, channel_id)
        if channel.kind != push.KIND:
            raise HTTPException(404)
        session.delete(channel)
    return _saved()


@router.post("/quiet-hours")
def quiet_hours(
    person: Signed,
    start: Annotated[int, Form(ge=0, le=1439)] = 1320,
    end: Annotated[int, Form(ge=0, le=1439)] = 420,
    none: Annotated[bool, Form()] = False,  # noqa: FBT002  (a form field)
) -> Response:
    """When nothing is sent; an alert waits until they end."""
    with transaction() as session:
        own = session.get_one(Person, person.id)
        own.quiet_from, own.quiet_until = (None, None) if none or start == end else (start, end)
    return _saved()


@router.post("/sensitivity")
def sensitivity(person: Signed, level: Annotated[Literal["calm", "balanced", "early"], Form()]) -> Response:
    """How readily we write. The nights are judged again by it."""
    with transaction() as session:
        own = session.get_one(Person, person.id)
        if own.sensitivity != level:
            own.sensitivity = level
            store.request_score(session, person.id, "sensitivity")
    return _saved()


@router.post("/language")
def language(person: Signed, code: Annotated[Language, Form()]) -> Response:
    """The language we write in. The nights are judged again, so that what is kept of them is said in it."""
    with transaction() as session:
        own = session.get_one(Person, person.id)
        if own.language != code:
            own.language = code
            store.request_score(session, person.id, "language")
    return _saved()


@router.get("/data")
def data(request: Request, person: Signed) -> Response:
    """What is stored, and the way to erase it."""
    return _data(request, person)


@router.post("/data/erase")
def erase(request: Request, person: Signed, address: Annotated[str, Form(max_length=300)] = "") -> Response:
    """Erase everything, once the person has typed their address; the answer is the receipt."""
    try:
        typed = people.normal_address(address)
    except VagusError:
        typed = ""
    if typed != person.address:
        return _data(request, person, refused=True)
    counts = privacy.erase(person.id)
    response = page(request, "erased.html", reader=people.language_of(person), counts=_listed(counts))
    cookies.clear(response, cookies.SESSION)
    return response


def _own(session: Session, person: Person, channel_id: int) -> Channel:
    own = select(Channel).where(Channel.id == channel_id, Channel.person == person.id)
    channel = session.scalar(own) if 0 < channel_id < 2**63 else None
    if channel is None:
        raise HTTPException(404)
    return channel


def _channels(
    request: Request, person: Person, *, error: str = "", saved: bool = False, tested: bool = False
) -> Response:
    language = page_words.language_of("channels.html", people.language_of(person))
    with transaction() as session:
        own = select(Channel).where(Channel.person == person.id).order_by(Channel.id)
        listed = [(channel, _last(session, channel, language)) for channel in session.scalars(own).all()]
        periods = len(period_notes.noted(session, person.id))
        level, snoozed = verdicts.level_of(session, person), snooze_pages.shown_until(session, person.id, language)
    return page(
        request,
        "channels.html",
        status=422 if error else 200,
        person=person,
        channels=listed,
        error=error,
        saved=saved,
        tested=tested,
        mailed=settings().smtp_url is not None,
        half_hours=HALF_HOURS,
        sensitivities=tuple(SENSITIVITY),
        wanted=hygiene_pages.WANTED,
        level=level,
        snoozed=snoozed,
        snooze_choices=snooze_pages.CHOICES,
        languages=OWN_NAMES,
        periods=periods,
        of_cycle=cycle_words.SPEAKERS[language],
    )


def _last(session: Session, channel: Channel, language: Language) -> Latest | None:
    """What became of the latest message there; None where there was none."""
    newest = select(Delivery).where(Delivery.channel == channel.id).order_by(Delivery.id.desc()).limit(1)
    last = session.scalar(newest)
    if last is None:
        return None
    at = people.local_time(session, channel.person, last.sent_at or last.created_at)
    when = f"{words.short(at.date(), language=language)}, {at:%H:%M}"
    told, fate = page_words.SPEAKERS[language], last.status
    if fate != "sent":
        return Latest(told.say(f"fate.{fate}", when=when), last.error)
    fate = "opened" if last.opened_at else "shown" if last.shown_at else "sent"
    return Latest(told.say(f"fate.{fate}", when=when), None)


def _data(request: Request, person: Person, *, refused: bool = False) -> Response:
    with transaction() as session:
        counts = privacy.stored(session, person.id)
    shown, status = _listed(counts), 422 if refused else 200
    return page(request, "data.html", person=person, counts=shown, refused=refused, status=status)


def _listed(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(name, counts[name]) for name in privacy.LABELS]


def _saved() -> Response:
    return RedirectResponse("/channels?saved=true", 303)
