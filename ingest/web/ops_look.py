"""How the board is laid out: what is healthy folds into one line, and each problem leads to what can be done."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ingest.grants.pauses import QUEUES
from ingest.ops.calls import WELL, Calls
from ingest.ops.fresh import Freshness
from ingest.ops.past import Past
from ingest.ops.problems import Problem
from ingest.ops.queues import QueueStand
from ingest.ops.saying import share
from ingest.ops.telling import ChannelKind

YOUNG = timedelta(minutes=1)
SCARCE = 0.1
Way = tuple[str, str]  # what a link says, and where it leads


def at(moment: datetime | None, now: datetime) -> str:
    """An instant in UTC: `06:12`, with its date where that is another day; a dash for none."""
    if moment is None:
        return "–"
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b}, {moment:%H:%M}" if moment.year == now.year else f"{moment.day} {moment:%b %Y}"


def span(seconds: float) -> timedelta:
    """Seconds as a span."""
    return timedelta(seconds=seconds)


def folded(rows: Iterable[Any], healthy: Callable[[Any], bool]) -> tuple[list[Any], list[Any]]:
    """The rows to look at, and those that need no look."""
    every = list(rows)
    return [row for row in every if not healthy(row)], [row for row in every if healthy(row)]


def channels(rows: Sequence[ChannelKind], now: datetime) -> tuple[list[Any], list[Any]]:
    """Ways of telling, by whether anything is up with them."""
    return folded(rows, lambda row: not (row.failed or row.retrying or _old(row.oldest, now)))


def vendors(rows: Sequence[Freshness]) -> tuple[list[Any], list[Any]]:
    """Vendors, by whether anybody's nights are late, or anybody is needed."""
    return folded(
        rows,
        lambda row: not (row.late or row.behind or row.reconnect or row.needs_you or row.failing or row.paused),
    )


def queues(rows: Sequence[QueueStand], now: datetime) -> tuple[list[Any], list[Any]]:
    """Queues, by whether somebody takes them and nothing has waited for a minute."""
    return folded(
        rows,
        lambda row: row.listened(now) and row.hold is None and not row.overdue and not _old(row.oldest, now),
    )


def calls(rows: Sequence[Calls]) -> tuple[list[Any], list[Any]]:
    """Vendors, by whether they may be asked and answer well."""
    return folded(
        rows,
        lambda row: row.open and (row.share is None or row.share >= WELL) and (row.left is None or row.left >= SCARCE),
    )


def pasts(rows: Sequence[Past]) -> tuple[list[Any], list[Any]]:
    """The past by vendor: what waits, or was given up."""
    return folded(rows, lambda row: not (row.waiting or row.buried))


def ways(problem: Problem) -> list[Way]:
    """Where to go from a problem: the rows it counts, and the act that mends it."""
    mark, _, name = problem.mark.partition(":")
    leading = WAYS.get(mark)
    return leading(name) if leading else []


def act(name: str, **given: object) -> str:
    """The address of an act on these."""
    return f"/ops/actions/{name}?{urlencode({key: value for key, value in given.items() if value not in {'', None}})}"


def part(share_of: int | None, whole: int | None) -> str:
    """A share as it is shown; a dash where it is not known, or there is nothing to share."""
    return "–" if share_of is None or not whole else share(share_of, whole)


def _old(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since >= YOUNG


def _list(state: str, vendor: str) -> str:
    return f"/ops/connections?{urlencode({'state': state} | ({'vendor': vendor} if vendor else {}))}"


def _let_go(name: str) -> list[Way]:
    if name in QUEUES:
        return [("Resume", act("resume-queue", queue=name))]
    return [("Resume", act("resume-vendor", vendor=name)), ("List", _list("due", name))]


def _struggling(vendor: str) -> list[Way]:
    return [("Pause", act("pause-vendor", vendor=vendor)), ("List", _list("failing", vendor))]


WAYS: Mapping[str, Callable[[str], list[Way]]] = {  # by what a problem's mark begins with
    "held": _let_go,
    "buried": lambda _: [("List", "/ops/buried")],
    "reconnect": lambda vendor: [("List", _list("reconnect", vendor))],
    "failing": _struggling,
    "refusing": _struggling,
    "used": lambda vendor: [("List", _list("due", vendor))],
    "behind": lambda vendor: [("List", _list("behind", vendor))],
    "overdue": lambda _: [("Release", act("release"))],
    "waiting": lambda queue: [("List", _list("ready", ""))] if queue == "sync" else [],
    "untold": lambda _: [("Pause", act("pause-queue", queue="notify"))],
}
