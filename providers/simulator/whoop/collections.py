"""Collections and documents as WHOOP answers them: newest first, from a start that counts to an end that does not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from providers.simulator.conversation import Received, Reply, as_json
from providers.simulator.paging import Page, Unreadable, page_of
from providers.simulator.whoop.cloud import Account

USUAL_LIMIT, LARGEST_LIMIT = 10, 25
EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Route:
    """What answers at some paths, from the person, the request, an instant and the id in the path; and its scope."""

    path: re.Pattern[str]
    scope: str
    answer: Callable[..., Reply]


def routed(path: str) -> tuple[Route, Sequence[str]] | None:
    """What answers at a path below `/developer/v2/`, with the ids in it; None where nothing does."""
    for route in ROUTES:
        if found := route.path.fullmatch(path):
            return route, found.groups()
    return None


def page(kind: str, account: Account, request: Received, now: datetime) -> Reply:
    """One page of a collection. A recovery is where the sleep it belongs to is; the end without a name is now."""
    try:
        asked = page_of(request.query.get("nextToken"), now)
        limit = _limit(request)
        since, until = _instant(request, "start", EVER), _instant(request, "end", asked.asked_at)
    except Unreadable as reason:
        return as_json(400, {"error": str(reason)})
    inside = [shown for shown in account.shown(kind, asked.asked_at) if since <= shown.version.stamp < until]
    inside.sort(key=lambda shown: shown.version.stamp, reverse=True)
    stop = asked.offset + limit
    records = [account.written(shown, asked.asked_at) for shown in inside[asked.offset : stop]]
    return as_json(200, {"records": records, **_following(asked, stop, len(inside))})


def single(kind: str, account: Account, _: Received, now: datetime, known: str) -> Reply:
    """One document by its id."""
    found = account.find(kind, known, now)
    return as_json(200, account.written(found, now)) if found else not_found()


def of_cycle(kind: str, account: Account, _: Received, now: datetime, cycle: str) -> Reply:
    """The night or the recovery of a cycle."""
    for shown in account.shown(kind, now):
        body = shown.version.body
        if str(body["cycle_id"]) == cycle and not body.get("nap"):
            return as_json(200, account.written(shown, now))
    return not_found()


def profile(account: Account, _: Received, __: datetime) -> Reply:
    """Who the person is."""
    name = account.handle.partition("@")[0]
    person = {"email": f"{name}@example.org", "first_name": name.title(), "last_name": "Made-up"}
    return as_json(200, {"user_id": int(account.id), **person})


def body_measurement(_: Account, __: Received, ___: datetime) -> Reply:
    """How tall and heavy the person is."""
    return as_json(200, {"height_meter": 1.72, "weight_kilogram": 68.0, "max_heart_rate": 191})


def not_found() -> Reply:
    """There is nothing at this address, or not of this person."""
    return as_json(404, {"error": "not_found"})


def _following(asked: Page, stop: int, total: int) -> dict[str, Any]:
    """Where the next page is. At the end, what was one answer says nothing, and a last page says null."""
    if stop < total:
        return {"next_token": Page(stop, asked.asked_at).token()}
    return {"next_token": None} if asked.offset else {}


def _limit(request: Received) -> int:
    text = request.query.get("limit", str(USUAL_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_LIMIT:
        raise Unreadable(f"limit must be 1 to {LARGEST_LIMIT}")
    return int(text)


def _instant(request: Received, name: str, otherwise: datetime) -> datetime:
    text = request.query.get(name)
    if not text:
        return otherwise
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"{name} is no date-time: {text}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


ROUTES = tuple(
    Route(re.compile(path), f"read:{scope}", answer)
    for path, scope, answer in (
        ("user/profile/basic", "profile", profile),
        ("user/measurement/body", "body_measurement", body_measurement),
        ("cycle", "cycles", partial(page, "cycle")),
        ("recovery", "recovery", partial(page, "recovery")),
        ("activity/sleep", "sleep", partial(page, "sleep")),
        ("activity/workout", "workout", partial(page, "workout")),
        ("cycle/([^/]+)", "cycles", partial(single, "cycle")),
        ("cycle/([^/]+)/sleep", "sleep", partial(of_cycle, "sleep")),
        ("cycle/([^/]+)/recovery", "recovery", partial(of_cycle, "recovery")),
        ("activity/sleep/([^/]+)", "sleep", partial(single, "sleep")),
        ("activity/workout/([^/]+)", "workout", partial(single, "workout")),
    )
)  # no recovery has an address of its own
