"""The vocabulary in which a vendor is declared: how one connects, which streams it has, how it notifies, its limits.

A vendor is one file, or one folder, of these declarations and small pure functions. Paging, retries, refreshing and
storage are `ingest`'s and never appear in it. What cannot be said here is said by a reviewed change to this file, no
subclass.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, Field, StringConstraints

from providers.errors import VagusError
from providers.measures import Definition
from providers.shapes import Gone, Rejected, Row

Record: TypeAlias = Mapping[str, Any]  # one record of a vendor, parsed into the TypedDict that its stream declares
Level: TypeAlias = Literal["bronze", "silver", "gold", "platinum"]

# What a field of a record may be: a value outside of what PostgreSQL or a person could mean sets its record aside.
EARLIEST, LATEST = datetime(2012, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)  # no vendor is older
Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,100}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]{0,100}$")]
Instant = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]


@dataclass(frozen=True, slots=True)
class Request:
    """A call to a vendor as data; `url` is absolute, or a path below the provider's `base_url`."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case, the body as it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where the vendor's id of a person is found after the grant: a call, and the key in its answer."""

    path: str
    key: str


@dataclass(frozen=True, slots=True)
class InToken:
    """The vendor's id of a person stands in the token's answer, under this key."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """An OAuth 2 grant. Scopes named here are asked for; those a stream names are needed by it.

    `other_token_urls` are tried where the first refuses, never after a time-out: a refused request spends no token.
    `scopes_from` is where the granted scopes are told: in each token's answer; in that to the `code` alone, where a
    refresh has to name scopes of its own (`refresh_params`) and may be answered with no others; or nowhere, `absent`.
    `revoke` makes the requests that end a grant, from access and refresh token.
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    vendor_user: Lookup | InToken
    other_token_urls: tuple[str, ...] = ()
    scope_separator: str = " "
    client_auth: Literal["basic", "body"] = "body"
    pkce: bool = False
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    refresh_params: Mapping[str, str] = field(default_factory=dict)
    scopes_from: Literal["token", "code", "absent"] = "token"
    rotation: Literal["single_use", "may_rotate", "stable"] = "single_use"
    revoke: Callable[[str, str | None], Sequence[Request]] | None = None


@dataclass(frozen=True, slots=True)
class TokenPaging:
    """Pages follow each other by an opaque token: `key` in the answer, `param` in the next request."""

    key: str = "next_token"
    param: str = "next_token"


@dataclass(frozen=True, slots=True)
class OnePage:
    """Everything is in one answer."""


Paging: TypeAlias = TokenPaging | OnePage


def as_date(at: datetime) -> str:
    """An instant as the vendor's civil date, `2026-03-01`."""
    return at.astimezone(UTC).date().isoformat()


def as_instant(at: datetime) -> str:
    """An instant in UTC, `2026-03-01T06:00:00+00:00`."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How a stream is asked for a span, the vendor's own date semantics and traps included.

    `longest` bounds one request. `before` and `after` are asked in addition on either side, where the vendor's dates
    are not ours. A window `by="date"` never deletes points: its edges are not instants.
    """

    start: str
    end: str
    write: Callable[[datetime], str]
    longest: timedelta
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)
    by: Literal["date", "instant"] = "date"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page answers: the span that was asked for, `until` never beyond now. A reader has no clock of its own."""

    since: datetime
    until: datetime


def wrong_times(record: Record, starts: datetime, ends: datetime | None, longest: timedelta) -> Rejected | None:
    """A record set aside because its interval cannot be; None where it can, or where it goes on."""
    if ends is None or timedelta(0) < ends - starts <= longest:
        return None
    reason = (
        "it ends before it starts" if ends <= starts else f"it lasts more than {longest / timedelta(hours=1):g} hours"
    )
    return Rejected(reason, json.dumps(record, default=str, sort_keys=True), record=str(record["id"]))


Reader: TypeAlias = Callable[[Sequence[Any], Asked], Iterable[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A vendor endpoint that is followed.

    `record` is the TypedDict, or union of some, that each record is validated against, `key` its field that names it;
    `read` turns the valid records of one page into rows and is called once a page. `series` are the dense series whose
    points a complete answer speaks for: a stream has these, or records. `borne` are those whose points belong to a
    record, such as the HRV of a sleep. `settles` is how long a record may still change, `reach` how far back a run
    looks at most. Raise `mapping` when `read` would return other rows for an equal answer.
    """

    name: str  # "oura.sleep": what rows and tables carry
    title: str  # for people: "sleep"
    path: str
    record: Any
    read: Reader
    window: Window | None = None  # None: there is no span to ask for, the answer is everything
    records_at: str = "data"
    key: str = "id"
    paging: Paging = OnePage()
    params: Mapping[str, str] = field(default_factory=dict)
    scope: str | None = None
    settles: timedelta = timedelta(days=3)
    reach: timedelta = timedelta(days=30)
    series: tuple[Definition, ...] = ()
    borne: tuple[Definition, ...] = ()
    nightly: bool = False  # whether its data makes nights: what a person waits for
    mapping: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Calls allowed in a span, for the whole app or for one person; rolling, or aligned to the clock (UTC)."""

    calls: int
    per: timedelta
    scope: Literal["app", "person"] = "app"
    clock: Literal["rolling", "aligned"] = "rolling"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a vendor says is left of one of its budgets: so many calls of those `per` span, for so many seconds."""

    calls: int
    per: timedelta
    resets_in: float


@dataclass(frozen=True, slots=True)
class Hint:
    """A vendor's notice that something changed: whose, and which streams bring it.

    Records that it says are `gone` go at once where the notice is signed: an answer that still has one brings it back.
    """

    vendor_user: str
    streams: tuple[str, ...]
    gone: tuple[Gone, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A notification that the vendor sends us for `topic` until it expires."""

    topic: str
    external_id: str
    callback_url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribing:
    """How notifications are ordered, for vendors that let an app do so: requests as data, answers read back.

    `credentials` gives the headers that prove the app, from client id and secret.
    """

    topics: tuple[str, ...]
    credentials: Callable[[str, str], Mapping[str, str]]
    listed: Request
    read: Callable[[bytes], list[Subscription]]  # the list's answer, or one subscription's
    create: Callable[[str, str, str], Request]  # topic, callback address, verification token
    renew: Callable[[str], Request]  # the vendor's id of the subscription
    cancel: Callable[[str], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """How a vendor notifies. `verify` is given header names in lower case, the raw body and the client secret.

    `signed` False marks notices that anybody could send; they are worth little. `handshake` answers the vendor's proof
    question from its query and the token we gave, or returns None where it is no such question or a wrong one.
    """

    verify: Callable[[Mapping[str, str], bytes, str], bool]
    hints: Callable[[bytes], list[Hint]]  # raises ContractBroken
    signed: bool = True
    handshake: Callable[[Mapping[str, str], str], Answer | None] | None = None
    subscribing: Subscribing | None = None
    ack_status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A vendor, whole.

    `verdict` names an error by the vendor's own words, from status and body, before the general rules do; it may also
    find one inside a 200. `allowance` reads what is left of a budget from an answer's headers, their names in lower
    case. `backfill` is how far back the first pull reaches.
    """

    name: str
    title: str
    base_url: str
    auth: OAuth
    streams: tuple[Stream, ...]
    budgets: tuple[Budget, ...]
    poll_every: timedelta
    backfill: timedelta
    webhook: Webhook | None = None
    verdict: Callable[[Answer], VagusError | None] | None = None
    allowance: Callable[[Mapping[str, str]], Allowance | None] | None = None
    gives: str = ""  # for people: "HRV, heart rate, breathing, temperature"
    arrives: str = ""  # for people: when data usually gets here
    docs: str = ""
    terms: str = ""
    level: Level = "bronze"

    def stream(self, name: str) -> Stream:
        """The stream of this name. Raises KeyError."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(f"{self.name} has no stream {name}")
