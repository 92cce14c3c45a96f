"""Ask a vendor for data: a usable token, a reserved call, one answer, its error by what to do next. Nothing is stored.

A call that failed on its way is tried again within seconds; anything longer is a row's next time, and nobody sleeps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random_exponential

import providers
from ingest.grants import budget, tokens, vendor_http
from ingest.grants.budget import Share
from ingest.grants.reading import parsed
from ingest.grants.tokens import Usable
from ingest.grants.vendor_http import CallFailed
from ingest.models import Connection, Credential, VendorAccount, VendorApp
from ingest.saving import Erased
from providers.base import Answer, Provider, Request, Stream, TokenPaging
from providers.errors import ContractBroken, Forbidden, RateLimited, Unavailable, VagusError

DAY = timedelta(days=1)
TRIES = 3
PAUSE = wait_random_exponential(multiplier=0.3, max=1.5)
WITHIN = stop_after_delay(5)  # seconds, after which no further try is begun
UNAUTHORIZED, FORBIDDEN = requests.codes.unauthorized, requests.codes.forbidden
TOO_MANY, TIMED_OUT = requests.codes.too_many_requests, requests.codes.request_timeout
SAY_NOTHING = frozenset({UNAUTHORIZED, FORBIDDEN, TOO_MANY})  # of a vendor's health

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """A connection as calls need it; `scopes` None where the vendor does not say what it granted."""

    connection: int
    account: int
    app: int
    person: int
    provider: Provider
    origin: str | None
    scopes: frozenset[str] | None
    share: Share = "fresh"


def grant_of(session: Session, connection_id: int, share: Share = "fresh") -> Grant:
    """The grant behind a connection. Raises Erased where it is gone, Misconfigured for a vendor nobody knows."""
    found = session.execute(
        select(VendorApp, VendorAccount.id, VendorAccount.person, Credential.scopes)
        .join(Connection, Connection.vendor_app == VendorApp.id)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .outerjoin(Credential, Credential.connection == Connection.id)
        .where(Connection.id == connection_id)
    ).one_or_none()
    if found is None:
        raise Erased("this connection is gone, or is no grant: there is nothing to ask")
    app, account, person, scopes = found
    provider = providers.get(app.vendor)
    granted = None if scopes is None else frozenset(scopes)
    return Grant(connection_id, account, app.id, person, provider, app.origin, granted, share)


def spans(stream: Stream, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The requests that a span needs, oldest first: each begins on a UTC midnight, so that answers coincide.

    What is asked on either side counts towards the longest request. Raises ValueError where that leaves no whole day.
    """
    if stream.window is None:
        return [(since, until)]
    step = (stream.window.longest - stream.window.before - stream.window.after) // DAY * DAY
    if step < DAY:
        raise ValueError(f"{stream.name}: its longest request leaves no whole day between what is asked beside it")
    start = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return list(_steps(start, until, step))


def _steps(start: datetime, until: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while start < until:
        yield start, min(start + step, until)
        start += step


def fetch_page(grant: Grant, stream: Stream, since: datetime, until: datetime, token: str | None = None) -> bytes:
    """One page of a stream's span, as it came. Raises Forbidden without a call for a scope that was not granted.

    Else like `fetch`.
    """
    if stream.scope is not None and grant.scopes is not None and stream.scope not in grant.scopes:
        raise Forbidden(f"{stream.title} was not granted ({stream.scope}): connect again and allow it")
    params = dict(stream.params)
    if stream.window is not None:
        window = stream.window
        params |= {window.start: window.write(since - window.before), window.end: window.write(until + window.after)}
    if token is not None and isinstance(stream.paging, TokenPaging):
        params[stream.paging.param] = token
    return fetch(grant, Request("GET", stream.path, params)).body


def fetch(grant: Grant, request: Request) -> Answer:
    """Call with the grant's token; one that is refused is refreshed once. The answer is a good one.

    Raises Unavailable, RateLimited, Forbidden, AuthorizationLost, ContractBroken, and what the vendor's verdict names.
    """
    usable = tokens.usable_token(grant.connection)
    answer = _called(grant, request, usable)
    if answer.status == UNAUTHORIZED:
        usable = tokens.usable_token(grant.connection, beyond_version=usable.version)
        answer = _called(grant, request, usable)
    if answer.status == UNAUTHORIZED:
        tokens.refused(grant.connection, usable.version, f"{grant.provider.title} refuses a token it just gave")
        raise Unavailable("the tokens were replaced meanwhile; trying again")
    if usable.refusals:
        tokens.accepted(grant.connection, usable.version)
    return answer


def ask(provider: Provider, origin: str | None, request: Request) -> Answer:
    """Call without a grant, for subscriptions and the like; the answer may have any status below 500 but 429.

    Raises Unavailable, RateLimited, ContractBroken.
    """
    for attempt in _tries(request):
        with attempt:
            answer = vendor_http.exchange(provider, origin, request, {})
            error = _by_status(provider, answer)
            if isinstance(error, Unavailable | RateLimited):
                raise error
    return answer


def document(answer: Answer, provider: Provider) -> Mapping[str, Any]:
    """What a good answer says, as an object. Raises what its status means, and ContractBroken for another shape."""
    error = _verdict(provider, answer)
    if error is None and answer.status == UNAUTHORIZED:
        error = ContractBroken(f"{provider.title} answered 401 to what it had just allowed")
    if error is not None:
        raise error
    return parsed(answer.body)


def _called(grant: Grant, request: Request, usable: Usable) -> Answer:
    """One answer, good or 401, after a few tries where a call fails on its way."""
    for attempt in _tries(request):
        with attempt:
            answer = _called_once(grant, request, usable)
    return answer


def _called_once(grant: Grant, request: Request, usable: Usable) -> Answer:
    budget.reserve(grant.app, grant.provider, grant.person, grant.share)
    try:
        answer = vendor_http.exchange(
            grant.provider, grant.origin, request, {"authorization": f"Bearer {usable.access}"}
        )
        error = _verdict(grant.provider, answer)
    except CallFailed:
        budget.outcome(grant.app, ok=False)
        raise
    if grant.provider.allowance is not None and (allowance := grant.provider.allowance(answer.headers)):
        budget.correct(grant.app, grant.provider, allowance)
    if isinstance(error, RateLimited):
        budget.close(grant.app, error.retry_after)
    elif answer.status not in SAY_NOTHING:
        budget.outcome(grant.app, ok=not isinstance(error, Unavailable))
    if error is not None:
        raise error
    return answer


def _tries(request: Request) -> Retrying:
    """A few tries within seconds, for calls that may be repeated."""
    return Retrying(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_after_attempt(TRIES if request.method == "GET" else 1) | WITHIN,
        wait=PAUSE,
        reraise=True,
    )


def _verdict(provider: Provider, answer: Answer) -> VagusError | None:
    """The error an answer means, in the vendor's own words first. A 401 is none here: a newer token may do."""
    if answer.status == FORBIDDEN and _is_of_the_way(answer):
        return CallFailed(
            f"{provider.title} answered 403 in words that are not its own: something on the way refuses us"
        )
    return (provider.verdict(answer) if provider.verdict else None) or _by_status(provider, answer)


def _is_of_the_way(answer: Answer) -> bool:
    """Whether a page, and no JSON, refuses: a firewall before the vendor, which knows nothing of the person's grant."""
    try:
        if answer.body:
            parsed(answer.body)
    except VagusError:
        return True
    return False


def _wait_asked(provider: Provider, answer: Answer) -> float:
    """The seconds that a vendor asks for: in its own headers, where it has any, else as everybody does."""
    allowance = provider.allowance(answer.headers) if provider.allowance else None
    if allowance is None or "retry-after" in answer.headers:
        return vendor_http.wait_asked(answer.headers)
    return min(max(allowance.resets_in, 1.0), vendor_http.LONGEST_WAIT)


def _by_status(provider: Provider, answer: Answer) -> VagusError | None:
    title, status = provider.title, answer.status
    if requests.codes.ok <= status < requests.codes.multiple_choices or status == UNAUTHORIZED:
        return None
    if status == TOO_MANY:
        return RateLimited(f"{title} has had too many calls {budget.FOR_NOW}", _wait_asked(provider, answer))
    if status == TIMED_OUT or status >= requests.codes.server_error:
        return CallFailed(f"{title} answered {status}")
    if status == FORBIDDEN:
        return Forbidden(f"{title} does not allow this (403): connect again and allow it")
    return ContractBroken(f"{title} answered {status}, which it does not document for this call")
