"""What browsers need for pushes: the worker and the script, the manifest, subscribing, and receipts."""

from datetime import timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse, JSONResponse, Response

from ingest import push
from ingest.db import transaction
from ingest.web.render import STATIC, version
from ingest.web.signed import Signed
from providers.errors import VagusError

router = APIRouter()
SCRIPT = "text/javascript"
ASK_AGAIN = {"cache-control": "no-cache"}
DAY = timedelta(days=1)
# the names that user agents give themselves, the more particular first: each also claims to be those after it
BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


class Keys(BaseModel):
    """The browser's keys in unpadded base64url."""

    p256dh: str = Field(max_length=128)
    auth: str = Field(max_length=64)


class Subscribed(BaseModel):
    """What `PushSubscription.toJSON()` gives, which subscription it replaces, and whether somebody asked for it."""

    endpoint: str = Field(max_length=2048)
    keys: Keys
    replaces: str = Field("", max_length=64)
    quiet: bool = False


class Unsubscribed(BaseModel):
    """The browser that shall not be told any more."""

    endpoint: str = Field(max_length=2048)


class Receipt(BaseModel):
    """What a message carried."""

    receipt: str = Field(max_length=64)


@router.get("/sw.js")
def worker() -> Response:
    """The worker. It stands at the root, as a worker rules only over addresses below its own."""
    return FileResponse(STATIC / "sw.js", media_type=SCRIPT, headers=ASK_AGAIN | {"service-worker-allowed": "/"})


@router.get("/push.js")
def script() -> Response:
    """The page's script; asked for again each time, so that it never is older than the worker."""
    return FileResponse(STATIC / "push.js", media_type=SCRIPT, headers=ASK_AGAIN)


@router.get("/manifest.webmanifest")
def manifest() -> Response:
    """What makes the pages an app on a phone's Home Screen, where iOS allows pushes."""
    icons = [
        {"src": f"/static/icon-{size}.png?v={version()}", "sizes": f"{size}x{size}", "type": "image/png", **purpose}
        for size, purpose in ((192, {}), (512, {}), (512, {"purpose": "maskable"}))
    ]
    content = {
        "id": "/",
        "name": "Vagus",
        "short_name": "Vagus",
        "description": "Know when to back off, and when not to.",
        "start_url": "/today",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf9f6",
        "theme_color": "#faf9f6",
        "icons": icons,
    }
    kept = {"cache-control": f"max-age={int(DAY.total_seconds())}"}
    return JSONResponse(content, headers=kept, media_type="application/manifest+json")


@router.get("/push/state")
def state(person: Signed) -> Response:
    """The key to subscribe with, and the browsers held for this person."""
    with transaction() as session:
        held = push.held(session, person.id)
    return JSONResponse({"key": push.server_key(), "held": held})


@router.post("/push/subscribe")
def subscribe(request: Request, person: Signed, given: Subscribed) -> Response:
    """Hold this browser; the refusal is a sentence that the page shows."""
    label = name_of(request.headers.get("user-agent", ""))
    subscription = push.Subscription(given.endpoint, given.keys.p256dh, given.keys.auth, label)
    try:
        push.check(subscription)
        with transaction() as session:
            push.subscribe(session, person.id, subscription, replaces=given.replaces, quiet=given.quiet)
    except VagusError as error:
        return JSONResponse({"error": str(error)}, 409 if isinstance(error, push.NotHeld) else 422)
    return Response(status_code=204)


@router.post("/push/unsubscribe")
def unsubscribe(person: Signed, given: Unsubscribed) -> Response:
    """Forget this browser."""
    with transaction() as session:
        push.unsubscribe(session, person.id, given.endpoint)
    return Response(status_code=204)


@router.post("/push/shown")
def shown(given: Receipt) -> Response:
    """A worker says that it showed a message; its token is all it needs, as nobody may be signed in there."""
    return _noted(given, opened=False)


@router.post("/push/opened")
def opened(given: Receipt) -> Response:
    """A worker says that somebody tapped a message."""
    return _noted(given, opened=True)


def name_of(agent: str) -> str:
    """What a person calls this browser: `Chrome on Android`."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "Browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def _noted(given: Receipt, *, opened: bool) -> Response:
    with transaction() as session:
        ours = push.note_receipt(session, given.receipt, opened=opened)
    return Response(status_code=204 if ours else 404)
