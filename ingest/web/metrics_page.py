"""`/metrics`, for Prometheus on this machine or with a token; and the counting of what the pages answer."""

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import providers
from ingest.ops import counts, metrics
from ingest.settings import settings

router = APIRouter()
HOOKS = "/hooks/"
BROKEN = 500
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
LOCAL_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})


@router.get("/metrics")
def page(request: Request) -> Response:
    """The numbers, in Prometheus' text format; 503 while the database is away."""
    _check(request)
    try:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
    except OperationalError:
        return PlainTextResponse("the database does not answer\n", 503)


def _check(request: HTTPConnection) -> None:
    """Let in who has the token; where none is set, who is on this machine. Raises HTTPException 403, 404.

    Behind a proxy on this machine everybody seems to be on it: where a proxy shows, or the pages have a public address
    so that one is likely, only the token counts.
    """
    token = settings().metrics_token
    secret = token.get_secret_value() if token else ""
    if secret:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.encode(), secret.encode()):
            return
        raise HTTPException(403)
    if not _on_this_machine(request):
        raise HTTPException(404)


def _on_this_machine(request: HTTPConnection) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    if urlsplit(settings().base_url or "http://localhost").hostname not in LOCAL_NAMES:
        return False
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class Counted:
    """Counts what is answered: notices by vendor, the rest by class."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count the status that comes back; what breaks is answered 500 further out."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _count(scope["path"], message["status"])
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception:
            if not begun:
                _count(scope["path"], BROKEN)
            raise
        finally:
            if scope["path"].startswith(HOOKS):
                await run_in_threadpool(counts.flush)


def _count(path: str, status: int) -> None:
    said = counts.answered(status)
    if not path.startswith(HOOKS):
        counts.count("vagus_pages", said)
        return
    named = path.removeprefix(HOOKS).partition("/")[0]
    known = {provider.name for provider in providers.PROVIDERS}
    counts.count("vagus_hooks", named if named in known else "unknown", said)
