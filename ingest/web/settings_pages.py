"""Settings: how we may reach the person and how readily, and everything that is stored of them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from ingest import people, privacy, push, store, trials, words
from ingest.db import transaction
from ingest.models import Channel, Delivery, Person
from ingest.settings import settings
from ingest.web import cookies
from ingest.web.render import page
from ingest.web.signed import Signed
from providers.errors import VagusError

router = APIRouter()
HALF_HOURS = tuple(range(0, 1440, 30))
FATES = {
    "waiting": "A message waits since",
    "held": "A message is held since",
    "failed": "A message failed on",
    "cancelled": "A message was not needed on",
}
SENSITIVITIES = (
    ("calm", "Calm", "Only strong, lasting strain. About one message a year that had no cause we know."),
    ("balanced", "Balanced", "About two messages a year that had no cause we know."),
    ("early", "Early", "Sooner, and more often for nothing: about three a year without a cause we know."),
)


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
        return _data(request, person, error="That is not the address you signed in with. Nothing was erased.")
    counts = privacy.erase(person.id)
    response = page(request, "erased.html", counts=_listed(counts))
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
    with transaction() as session:
        own = select(Channel).where(Channel.person == person.id).order_by(Channel.id)
        listed = [(channel, _last(session, channel)) for channel in session.scalars(own).all()]
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
        sensitivities=SENSITIVITIES,
    )


def _last(session: Session, channel: Channel) -> str:
    """What became of the latest message there, in words; empty where there was none."""
    newest = select(Delivery).where(Delivery.channel == channel.id).order_by(Delivery.id.desc()).limit(1)
    last = session.scalar(newest)
    if last is None:
        return ""
    at = people.local_time(session, channel.person, last.sent_at or last.created_at)
    when = f"{words.short(at.date())}, {at:%H:%M}"
    if last.status != "sent":
        return f"{FATES[last.status]} {when}" + (f": {last.error}" if last.error else "")
    seen = "opened" if last.opened_at else "shown" if last.shown_at else "sent"
    return f"Last message {seen} {when}"


def _data(request: Request, person: Person, error: str = "") -> Response:
    with transaction() as session:
        counts = privacy.stored(session, person.id)
    shown = _listed(counts)
    return page(request, "data.html", person=person, counts=shown, error=error, status=422 if error else 200)


def _listed(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(label, counts[name]) for name, label in privacy.LABELS.items()]


def _saved() -> Response:
    return RedirectResponse("/channels?saved=true", 303)
