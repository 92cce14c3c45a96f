"""What every request passes: no cross-site POST, no big body from strangers, and the headers of every answer."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.settings import settings
from ingest.web import cookies
from ingest.web.errors import problem
from ingest.web.signed import known

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ONE_CLICK = "/u/"  # List-Unsubscribe-Post comes from mail services, which are no browser of ours
UPLOAD = "/import"
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
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
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = await _refusal(HTTPConnection(scope))
        await (refusal or self.app)(scope, receive, answer)


async def _refusal(request: HTTPConnection) -> Response | None:
    """The answer to a request that goes no further, or None."""
    if request.scope["method"] in SAFE_METHODS:
        return None
    path = request.url.path
    if not path.startswith(ONE_CLICK) and _cross_site(request.headers):
        return problem(request, 403)
    if path == UPLOAD and not await run_in_threadpool(known, request.cookies.get(cookies.name(cookies.SESSION))):
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
    return urlsplit(origin).netloc not in {headers.get("host"), urlsplit(settings().public_url).netloc}
