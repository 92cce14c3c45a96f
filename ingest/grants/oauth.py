"""OAuth 2 from a vendor's declaration: where a person is sent, what a code is worth, new tokens for old, and the end.

requests-oauthlib makes the requests. Three things it does are kept from happening, all seen with 2.0.0 on oauthlib
4.0.1: its own refreshing spends a single-use token twice where two workers meet; with a session's scope set it throws
new tokens away when the vendor granted less; and its parser hides the status. So a session has no scope, what was
granted is compared by those who need it, and a hook names the error before anything is parsed.
"""

import base64
import contextlib
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import requests
import structlog
from oauthlib.oauth2 import OAuth2Error
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from ingest import db
from ingest.grants import vendor_http
from ingest.grants.vendor_http import OneCall
from ingest.models import VendorApp
from ingest.ops import counts
from ingest.vault import vault
from providers.base import Provider
from providers.errors import ContractBroken, Misconfigured, RateLimited, Unavailable, VagusError

REFUSED = frozenset({400, 401})
PASSING = frozenset({403, 408})  # a gateway's, as OAuth has no use for either at a token address
OF_THE_APP = frozenset({"invalid_client", "unauthorized_client"})
SAYABLE = OF_THE_APP | {"invalid_grant", "invalid_request", "invalid_scope", "unsupported_grant_type"}  # RFC 6749 §5.2

log = structlog.get_logger(__name__)


class TokenRefused(VagusError):
    """Raised when a vendor refuses a code or a refresh token. One refusal says nothing for certain."""

    def __init__(self, message: str, error: str) -> None:
        """Keep the vendor's word for it, "" where it is none of the standard's."""
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a vendor granted: `expires_in` seconds, `scopes` None where it does not say, `body` the whole answer."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_in: float | None
    scopes: frozenset[str] | None
    body: Mapping[str, Any] = field(repr=False)


class TokenCall(OneCall, OAuth2Session):
    """requests-oauthlib's session, bounded like every call of ours; `answer` is what the vendor said, as it said it."""

    answer: Mapping[str, Any] | None = None


Ask = Callable[[TokenCall, str], object]


def authorize_url(provider: Provider, app: VendorApp, state: str, redirect_uri: str, verifier: str | None) -> str:
    """The vendor's page where a person grants access; `verifier` is proven by its hash (PKCE, S256)."""
    auth = provider.auth
    proof = {}
    if verifier is not None:
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        proof = {"code_challenge": digest.rstrip(b"=").decode(), "code_challenge_method": "S256"}
    session = OAuth2Session(app.client_id, redirect_uri=redirect_uri, scope=[auth.scope_separator.join(auth.scopes)])
    url, _ = session.authorization_url(auth.authorize_url, state, **proof, **auth.authorize_params)
    return vendor_http.relocated(url, app.origin) if app.origin else str(url)


def exchange(provider: Provider, app: VendorApp, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
    """The tokens that a code stands for. Raises TokenRefused, Unavailable, RateLimited, ContractBroken."""
    secret = app_secret(app)
    proof: dict[str, Any] = {} if verifier is None else {"code_verifier": verifier}
    basic = provider.auth.client_auth == "basic"

    def ask(call: TokenCall, url: str) -> None:
        call.redirect_uri = redirect_uri
        call.fetch_token(url, code, include_client_id=not basic, client_secret=secret, **proof)

    return _asked(provider, app, "code", ask)


def refresh(provider: Provider, app: VendorApp, refresh_token: str) -> Tokens:
    """New tokens for old, to be committed under the credential's lock before use. Raises like `exchange`."""
    secret = app_secret(app)
    basic = provider.auth.client_auth == "basic"
    in_body = {"client_id": app.client_id, "client_secret": secret}
    proof: dict[str, Any] = {"auth": HTTPBasicAuth(app.client_id, secret)} if basic else in_body

    def with_more(url: Any, headers: Any, body: Any) -> tuple[Any, Any, Any]:
        more = urlencode(provider.auth.refresh_params)
        return url, headers, f"{body}&{more}" if more else body

    def ask(call: TokenCall, url: str) -> None:
        call.register_compliance_hook("refresh_token_request", with_more)  # type: ignore[call-overload] # not in stubs
        call.refresh_token(url, refresh_token, **proof)

    outcome = "failed"
    try:
        new = _asked(provider, app, "refresh", ask)
        outcome = "ok"
    except TokenRefused:
        outcome = "refused"
        raise
    finally:
        counts.count("vagus_token_refreshes", provider.name, outcome)
    return new


def revoke(provider: Provider, app: VendorApp, access: str, refresh_token: str | None) -> bool:
    """Whether the vendor confirmed the end of the grant; False where it offers none, refuses, or is away.

    An access token that has ended meanwhile is worth a new one: without it nobody can say goodbye.
    """
    if provider.auth.revoke is None:
        return False
    try:
        statuses = _revoked(provider, app, access, refresh_token)
        if requests.codes.unauthorized in statuses and refresh_token is not None:
            new = refresh(provider, app, refresh_token)
            statuses = _revoked(provider, app, new.access, new.refresh or refresh_token)
    except VagusError as error:
        log.info("revoke_failed", vendor=provider.name, reason=str(error))
        return False
    good = range(requests.codes.ok, requests.codes.multiple_choices)
    return bool(statuses) and all(status in good for status in statuses)


def _revoked(provider: Provider, app: VendorApp, access: str, refresh_token: str | None) -> list[int]:
    """What the vendor answered to the requests that end a grant."""
    asked = provider.auth.revoke(access, refresh_token) if provider.auth.revoke else ()
    return [vendor_http.exchange(provider, app.origin, request, {}).status for request in asked]


def app_secret(app: VendorApp) -> str:
    """The client secret of a registration. Raises Misconfigured where it has none."""
    if app.client_secret is None:
        raise Misconfigured(f"the app at {app.vendor} has no client secret: set it again")
    return vault().open(app.client_secret, _place(app.vendor, app.client_id)).decode()


def seal_secret(vendor: str, client_id: str, secret: str) -> bytes:
    """A client secret as `vendor_app.client_secret` keeps it."""
    return vault().seal(secret.encode(), _place(vendor, client_id))


def _place(vendor: str, client_id: str) -> str:
    return f"vendor_app|{vendor}|{client_id}"


def _asked(provider: Provider, app: VendorApp, what: Literal["code", "refresh"], ask: Ask) -> Tokens:
    """Ask at each address in turn, going on after a refusal alone: a refused request spends no token."""
    refusals = []
    known = _token_urls(provider, app)
    for url in known:
        try:
            tokens = _ask_once(provider, app, what, ask, url)
        except TokenRefused as refusal:
            refusals.append(refusal)
        else:
            if url != known[0]:
                _remember(app.id, url)
            return tokens
    if all(refusal.error in OF_THE_APP for refusal in refusals):
        raise Misconfigured(f"{provider.title} does not know our app: check its client id and secret")
    raise next(refusal for refusal in refusals if refusal.error not in OF_THE_APP)


def _token_urls(provider: Provider, app: VendorApp) -> list[str]:
    """Where to ask, best first. Raises Misconfigured where the address that was set is not https."""
    if app.token_url and urlsplit(app.token_url).scheme != "https":
        raise Misconfigured(f"the token address of the app at {app.vendor} must be https")
    first = [app.token_url] if app.token_url else []
    return list(dict.fromkeys([*first, provider.auth.token_url, *provider.auth.other_token_urls]))


def _ask_once(provider: Provider, app: VendorApp, what: str, ask: Ask, url: str) -> Tokens:
    # a connection of its own: one that was kept may be dead, and a token may have been spent when that is noticed
    with vendor_http.quiet(TokenCall(app.client_id), app.origin, HTTPAdapter()) as call:

        def hook(response: requests.Response) -> requests.Response:
            call.answer = _judged(provider, what, response)
            return response

        for moment in ("access_token_response", "refresh_token_response"):
            call.register_compliance_hook(moment, hook)
        # what its parser says of the rest must not cost tokens that the vendor has given out already
        with contextlib.suppress(OAuth2Error, ValueError, TypeError):
            ask(call, url)
    return _read(provider, what, call.answer or {})


def _judged(provider: Provider, what: str, response: requests.Response) -> Mapping[str, Any]:
    """The answer as a document. Raises TokenRefused, Unavailable, RateLimited, ContractBroken by status and shape."""
    status, title = response.status_code, provider.title
    document = _document(response.content)
    if status == requests.codes.too_many_requests:
        wait = vendor_http.wait_asked({name.lower(): value for name, value in response.headers.items()})
        raise RateLimited(f"{title} has had too many requests for tokens", wait)
    if status in REFUSED or (document and "error" in document and response.ok):
        error = str((document or {}).get("error", ""))
        error = error if error in SAYABLE else ""
        raise TokenRefused(f"{title} refused the {what} ({status}{error and ' '}{error})", error)
    if status in PASSING or status >= requests.codes.server_error:
        raise Unavailable(f"{title} answered {status} when asked for tokens")
    if not requests.codes.ok <= status < requests.codes.multiple_choices:
        raise ContractBroken(f"{title} answered {status} when asked for tokens: has the token address moved?")
    if document is None:
        raise Unavailable(f"{title} answered a request for tokens with something that is not JSON")
    return document


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _read(provider: Provider, what: str, answer: Mapping[str, Any]) -> Tokens:
    access, new = answer.get("access_token"), answer.get("refresh_token")
    if not _fits_a_header(access) or not (new is None or _fits_a_header(new)):
        raise ContractBroken(f"{provider.title} answered a {what} without tokens")
    told = provider.auth.scopes_from == "token" or provider.auth.scopes_from == what == "code"
    scopes = answer.get("scope") if told else None
    listed = scopes.replace(provider.auth.scope_separator, " ").split() if isinstance(scopes, str) else scopes
    return Tokens(
        access=str(access),
        refresh=new or None,
        expires_in=_seconds(answer.get("expires_in")),
        scopes=None if listed is None else frozenset(str(scope) for scope in listed),
        body=answer,
    )


def _fits_a_header(token: object) -> bool:
    """Whether it can be sent at all: the library that refuses a token later would show it in its message."""
    return isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token


def _seconds(given: object) -> float | None:
    try:
        seconds = float(str(given))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _remember(app_id: int, url: str) -> None:
    """Ask there first from now on. That it failed must not cost the tokens: it is found again next time."""
    try:
        with db.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            session.execute(update(VendorApp).where(VendorApp.id == app_id).values(token_url=url))
    except OperationalError:
        log.info("token_address_not_remembered", vendor_app=app_id)
