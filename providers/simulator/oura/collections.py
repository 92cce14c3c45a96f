"""Collections as Oura answers them, its range semantics included.

Oura calls its dates inclusive local days, but compares them with the document's own timestamp, so that a bare
`end_date` means midnight and cuts what is stamped later on that day: activity (04:00) and sleep (the waking) lose the
last day, readiness (00:00) does not. `heartrate` accepts 30 days a request.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.simulator.conversation import Received, Reply, as_json
from providers.simulator.documents import Shown
from providers.simulator.grants import Grant
from providers.simulator.oura.cloud import KINDS, Account
from providers.simulator.paging import Page, Unreadable, page_of

HEART_RATE = "heartrate"
LONGEST_HEART_RATE = timedelta(days=30)
PERSONAL_INFO = "personal_info"
SCOPES = {
    "sleep": ("daily",),
    "daily_readiness": ("daily",),
    "daily_activity": ("daily",),
    "daily_spo2": ("spo2", "spo2Daily"),
    "workout": ("workout",),
    "rest_mode_period": ("daily",),
    "ring_configuration": ("ring_configuration",),
    HEART_RATE: ("heartrate",),
}
RINGS, EVER = "ring_configuration", datetime(2000, 1, 1)  # noqa: DTZ001 - rings are asked for without a span
UNPROCESSABLE = 422


def answer(account: Account, kind: str, request: Received, now: datetime, page_size: int) -> Reply:
    """One page of a collection."""
    try:
        page = page_of(request.query.get("next_token"), now)
        if kind == HEART_RATE:
            return _heart_rates(account, request, page, page_size)
        return _documents(account, kind, request, page, page_size)
    except Unreadable as reason:
        return as_json(UNPROCESSABLE, {"detail": str(reason)})


def single(account: Account, kind: str, known: str, now: datetime) -> Reply:
    """One document by its id."""
    if kind not in KINDS or not (found := account.find(kind, known, now)):
        return as_json(404, {"detail": "Document not found."})
    return as_json(200, found.version.body)


def refusal(account: Account, grant: Grant, kind: str) -> Reply | None:
    """Why this data is not given: there is no such type, the membership has lapsed, the scope was not granted.

    The missing scope is a 401 that names it, as integrations report of the live interface.
    """
    if kind == PERSONAL_INFO:
        return None
    if kind not in SCOPES:
        return as_json(404, {"detail": "Not Found"})
    if account.lapsed:
        return as_json(403, {"detail": "The person has no active Oura membership."})
    if not grant.scopes & set(SCOPES[kind]):
        return as_json(401, {"detail": f"Token is not authorized access {SCOPES[kind][0]} scope."})
    return None


def personal_info(account: Account, scopes: frozenset[str]) -> Reply:
    """The person: the id whatever was granted, the rest with its scope."""
    document: dict[str, Any] = {"id": account.id}
    if "personal" in scopes:
        document |= {"age": 34, "weight": 68.0, "height": 1.72, "biological_sex": "female"}
    if "email" in scopes:
        document["email"] = account.handle
    return as_json(200, document)


def _documents(account: Account, kind: str, request: Received, page: Page, page_size: int) -> Reply:
    first, last = _usual(kind, page.asked_at)
    named = _bound(request, "end_date")
    until = named or last
    since = _bound(request, "start_date") or (named - timedelta(days=1) if named else first)
    _in_order(since, until)
    inside = [shown for shown in account.shown(kind, page.asked_at) if _lies_in(shown, since, until)]
    inside.sort(key=lambda shown: shown.version.stamp)
    bodies = [shown.version.body for shown in inside[page.offset : page.offset + page_size]]
    return _enveloped(bodies, request, page, len(inside), page_size)


def _usual(kind: str, asked_at: datetime) -> tuple[datetime, datetime]:
    """What is meant where no dates are named: every ring there was, the last day of everything else."""
    if kind == RINGS:
        return EVER, EVER.replace(year=9999)
    today = asked_at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return today - timedelta(days=1), today


def _lies_in(shown: Shown, since: datetime, until: datetime) -> bool:
    stamp = shown.version.stamp
    wall = stamp.replace(tzinfo=None)
    return (wall if since.tzinfo is None else stamp) >= since and (wall if until.tzinfo is None else stamp) <= until


def _heart_rates(account: Account, request: Received, page: Page, page_size: int) -> Reply:
    until = _instant(request, "end_datetime") or page.asked_at
    since = _instant(request, "start_datetime") or until - timedelta(days=1)
    _in_order(since, until)
    if until - since > LONGEST_HEART_RATE:
        raise Unreadable("heartrate is limited to 30 days a request")
    beats = account.heart_rates(since, until, page.asked_at)
    stop = page.offset + page_size
    part = type(beats)(beats.at[page.offset : stop], beats.bpm[page.offset : stop], beats.source[page.offset : stop])
    return _enveloped(part.records(), request, page, len(beats.at), page_size)


def _enveloped(records: Sequence[Any], request: Received, page: Page, total: int, page_size: int) -> Reply:
    stop = page.offset + page_size
    following = Page(stop, page.asked_at).token() if stop < total else None
    if wanted := {name for name in request.query.get("fields", "").split(",") if name}:
        records = [{name: value for name, value in record.items() if name in wanted} for record in records]
    return as_json(200, {"data": list(records), "next_token": following})


def _bound(request: Received, name: str) -> datetime | None:
    """A date or an instant of the query. A date alone means its midnight."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"{name} is no date: {text}") from None


def _instant(request: Received, name: str) -> datetime | None:
    found = _bound(request, name)
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _in_order(since: datetime, until: datetime) -> None:
    if (since.tzinfo is None) != (until.tzinfo is None):
        since, until = since.replace(tzinfo=None), until.replace(tzinfo=None)
    if since > until:
        raise Unreadable(f"Start date is greater than end date: [start_date: {since}; end_date: {until}]")
