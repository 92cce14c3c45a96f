"""What a mail's footer opens: a page with a button, as scanners follow links, and the one click of mail programs."""

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from ingest import channels
from ingest.db import transaction
from ingest.models import Channel, Person
from ingest.web.render import language_for, page

router = APIRouter()


@router.get("/u/{token}")
def ask(request: Request, token: str) -> Response:
    """A button; opening the link changes nothing."""
    with transaction() as session:
        return _page(request, session, token, session.get(Channel, _channel(token)), done=False)


@router.post("/u/{token}")
def stop(request: Request, token: str) -> Response:
    """Switch this one channel off, at once and for whoever holds its token."""
    with transaction() as session:
        channel = session.get(Channel, _channel(token))
        if channel is not None and channel.state == "on":
            channel.state, channel.reason = "off", "you used the link in a mail"
        return _page(request, session, token, channel, done=True)


def _page(request: Request, session: Session, token: str, channel: Channel | None, *, done: bool) -> Response:
    person = session.get(Person, channel.person) if channel else None
    return page(request, "unsubscribe.html", reader=language_for(request, person), token=token, done=done)


def _channel(token: str) -> int:
    channel = channels.channel_of(token)
    if channel is None:
        raise HTTPException(404)
    return channel
