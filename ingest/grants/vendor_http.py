"""One call to a vendor: bounded in time and size, never redirected, without cookies; nothing of it ends in a message.

Every address is https, except where a simulator on this machine stands in for the vendor (`vendor_app.origin`): then
path and query stay, and the call goes there.
"""

import io
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ingest import clock
from ingest.ops import counts
from providers.base import Answer, Provider, Request
from providers.errors import ContractBroken, Misconfigured, Unavailable

TIMEOUT = (5, 20)  # seconds to connect, and between two bytes
WHOLE = 45.0  # seconds for a whole body: a vendor that drips may not hold a worker
LARGEST = 64 * 1024 * 1024  # bytes of a body, unpacked
PIECE = 1 << 16
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DEFAULT_WAIT, LONGEST_WAIT = 60.0, 86_400.0
OURS = {"accept": "application/json", "user-agent": "Vagus"}


class CallFailed(Unavailable):
    """Raised when one call failed on its way or on the vendor's side: the next may well succeed."""


class OneCall(requests.Session):
    """A session whose every call is one call with one bounded answer; `origin` stands in for the vendor."""

    origin: str | None = None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: what a vendor redirects to was never declared, and would be given the token."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send, and read the whole answer. Raises CallFailed, ContractBroken for a body too large."""
        host = urlsplit(request.url or "").hostname
        if self.origin:
            request.url = relocated(request.url or "", self.origin)
            options["proxies"] = {}
        options |= {"stream": True, "timeout": TIMEOUT}
        try:
            response = super().send(request, **options)
            response.raw = io.BytesIO(_body(response.raw, str(host)))
        except requests.Timeout:
            raise CallFailed(f"{host} did not answer in time") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise CallFailed(f"the connection to {host} broke ({type(error).__name__})") from None
        return response


Call = TypeVar("Call", bound=OneCall)


def quiet(call: Call, origin: str | None, pool: HTTPAdapter) -> Call:
    """The session as every call to a vendor wants it: no cookie, no password from a file, connections from `pool`."""
    call.origin = origin
    call.auth = lambda request: request  # without one, requests would put a ~/.netrc's over our header
    call.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # persons share this session
    for scheme in ("https://", "http://"):
        call.mount(scheme, pool)
    return call


@counts.calls
def exchange(provider: Provider, origin: str | None, request: Request, headers: Mapping[str, str]) -> Answer:
    """Make one call and return its answer, whatever its status. Raises CallFailed, ContractBroken, Misconfigured."""
    response = _session(origin).request(
        request.method,
        address(provider, request.url),
        params=dict(request.params),
        headers={**OURS, **request.headers, **headers},
        data=dict(request.form) if request.form is not None else None,
        json=request.json,
    )
    names = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, names, response.content)


def address(provider: Provider, url: str) -> str:
    """The absolute https address of a call, on a host that the vendor's declaration names. Raises ContractBroken."""
    whole = url if "://" in url else f"{provider.base_url.rstrip('/')}/{url.lstrip('/')}"
    parts = urlsplit(whole)
    if parts.scheme != "https" or parts.netloc not in _declared(provider):
        raise ContractBroken(
            f"{provider.title} is only called over https on hosts it declares, not on {parts.hostname}"
        )
    return whole


def relocated(url: str, origin: str) -> str:
    """The same path and query below `origin`. Raises Misconfigured where that is not on this machine."""
    there = urlsplit(origin)
    if there.scheme not in {"http", "https"} or there.hostname not in LOOPBACK:
        raise Misconfigured("a vendor app's origin must be on this machine: clear vendor_app.origin")
    parts = urlsplit(url)
    return SplitResult(there.scheme, there.netloc, there.path.rstrip("/") + parts.path, parts.query, "").geturl()


def wait_asked(headers: Mapping[str, str]) -> float:
    """The seconds that `Retry-After` asks for, given as seconds or as a date; a minute where it says neither."""
    said = headers.get("retry-after", "").strip()
    try:
        seconds = float(said) if said[:1].isdecimal() else (parsedate_to_datetime(said) - clock.now()).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return DEFAULT_WAIT
    return min(max(seconds, 1.0), LONGEST_WAIT)


def _declared(provider: Provider) -> set[str]:
    auth = provider.auth
    urls = (provider.base_url, auth.authorize_url, auth.token_url, *auth.other_token_urls)
    return {urlsplit(url).netloc for url in urls}


def _body(raw: urllib3.BaseHTTPResponse, host: str) -> bytes:
    """Read piece by piece, so that neither size nor slowness is without bound."""
    body, until = bytearray(), time.monotonic() + WHOLE
    try:
        while piece := raw.read1(PIECE, decode_content=True):
            body += piece
            _check(len(body), until, host)
    except BaseException:
        raw.close()  # what is still to come must not be read as the answer to the next call
        raise
    return bytes(body)


def _check(size: int, until: float, host: str) -> None:
    if size > LARGEST:
        raise ContractBroken(f"{host} answered more than {LARGEST // 1024**2} MB: ask for less at a time")
    if time.monotonic() > until:
        raise CallFailed(f"{host} took more than {WHOLE:.0f} s over one answer")


@lru_cache(maxsize=8)
def _session(origin: str | None) -> OneCall:
    return quiet(OneCall(), origin, _pool())


@lru_cache(maxsize=1)
def _pool() -> HTTPAdapter:
    return HTTPAdapter(pool_connections=16, pool_maxsize=64, max_retries=0)
