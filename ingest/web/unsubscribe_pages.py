"""What a mail's footer opens: a page with a button, as scanners follow links, and the one click of mail programs."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from ingest import channels
from ingest.db import transaction
from ingest.models import Channel
from ingest.web.render import page

router = APIRouter()


@router.get("/u/{token}")
def ask(request: Request, token: str) -> Response:
    """A button; opening the link changes nothing."""
    _channel(token)
    return page(request, "unsubscribe.html", token=token, done=False)


@router.post("/u/{token}")
def stop(request: Request, token: str) -> Response:
    """Switch this one channel off, at once and for whoever holds its token."""
    wanted = _channel(token)
    with transaction() as session:
        channel = session.get(Channel, wanted)
        if channel is not None and channel.state == "on":
            channel.state, channel.reason = "off", "you used the link in a mail"
    return page(request, "unsubscribe.html", token=token, done=True)


def _channel(token: str) -> int:
    channel = channels.channel_of(token)
    if channel is None:
        raise HTTPException(404)
    return channel
