"""What every request passes: no cross-site POST, no big body from strangers, and the headers of every answer."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest import imports
from ingest.settings import settings
from ingest.web import cookies
from ingest.web.errors import problem
from ingest.web.signed import known

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ONE_CLICK = "/u/"  # List-Unsubscribe-Post comes from mail services, which are no browser of ours
UPLOAD = "/import"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; worker-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
LARGEST_FORM = 64 * 1024
LARGEST_FILE = imports.LARGEST_UPLOAD + LARGEST_FORM  # a form adds a little around a file
REFUSALS = frozenset({303, 403, 413})
MOST_THROWN = 256 * 1024 * 1024
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Guard:
    """The outermost layer of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; either way the answer carries the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        body = Body(receive, LARGEST_FILE if scope["path"] == UPLOAD else LARGEST_FORM)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] in REFUSALS:
                    await body.drain()
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = await _refusal(HTTPConnection(scope))
        await (refusal or self.app)(scope, body, answer)


class Body:
    """A request's body, up to a limit.

    The rest of a refused one is read and thrown away: a browser that cannot finish sending shows no answer at all.
    """

    def __init__(self, receive: Receive, limit: int) -> None:
        self.receive = receive
        self.limit = limit
        self.size = 0
        self.ended = False

    async def __call__(self) -> Message:
        """Pass the next piece on. Raises HTTPException 413 beyond the limit."""
        message = await self._next()
        if self.size > self.limit:
            raise HTTPException(413)
        return message

    async def drain(self) -> None:
        """Throw the rest away, unless it is beyond all measure."""
        while not self.ended and self.size < MOST_THROWN:
            await self._next()

    async def _next(self) -> Message:
        message = await self.receive()
        self.size += len(message.get("body", b""))
        self.ended = not message.get("more_body", False)
        return message


async def _refusal(request: HTTPConnection) -> Response | None:
    """The answer to a request that goes no further, or None."""
    if request.scope["method"] in SAFE_METHODS:
        return None
    path = request.url.path
    if not path.startswith(ONE_CLICK) and _cross_site(request.headers):
        return problem(request, 403)
    if path == UPLOAD and not await run_in_threadpool(known, cookies.read(request, cookies.SESSION)):
        return RedirectResponse("/sign-in", 303)
    return None


def _cross_site(headers: Headers) -> bool:
    """Whether another site's page sent this. Without either header it was no browser, so no cookie was abused."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc not in {headers.get("host"), urlsplit(settings().public_url).netloc}
    except ValueError:
        return True
