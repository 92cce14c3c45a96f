"""What is wrong, as sentences: what a human must fix, and what ends by itself. Pure, of what was counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ingest.freshness import moment
from ingest.ops.calls import WELL, Calls
from ingest.ops.fresh import Freshness
from ingest.ops.graves import MOST
from ingest.ops.queues import HEARD, QueueStand
from ingest.ops.saying import lasting, many, share
from ingest.ops.telling import ChannelKind

if TYPE_CHECKING:
    from ingest.ops.board import Board

UNTOLD = timedelta(minutes=5)  # a relay that stumbles is back by then
BEHIND = {
    "sync": timedelta(minutes=30),
    "score": timedelta(minutes=5),
    "notify": timedelta(minutes=5),
    "upkeep": timedelta(minutes=30),
}
MASS, MASS_PART = 5, 0.05  # of a vendor's connections: so many do not end their grants by chance


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, as a sentence; `count` is how many rows it is about, since when where that is known.

    `mark` is stable and says which: `beat`, `broker`, `unheard:QUEUE`, `held:QUEUE`, `held:VENDOR`, `untold:KIND`,
    `buried`, `reconnect:VENDOR`; of what heals `failing:VENDOR`, `refusing:VENDOR`, `used:VENDOR`, `waiting:QUEUE`,
    `behind:VENDOR`, `overdue`.
    """

    mark: str
    sentence: str
    count: int
    since: datetime | None


def yours(seen: "Board") -> list[Problem]:
    """What only a human can fix, worst first."""
    found = [*_stopped(seen)]
    for queue in seen.queues:
        found += [*_held_queue(queue, seen.at), *_unheard(queue, seen.at)]
    for channel in seen.told.channels:
        found += _untold(channel, seen.at)
    for app in seen.calls:
        found += _held_vendor(app, seen.at)
    for vendor in seen.fresh:
        found += _lost(vendor)
    return [*found, *_buried(seen)]


def healing(seen: "Board") -> list[Problem]:
    """What ends by itself, worst first."""
    found: list[Problem] = []
    fresh = {vendor.vendor: vendor for vendor in seen.fresh}
    for app in seen.calls:
        found += _troubled(app, fresh.get(app.vendor), seen.at)
    for queue in seen.queues:
        found += _waiting(queue, seen.at)
    for vendor in seen.fresh:
        found += _behind(vendor)
    overdue = sum(queue.overdue for queue in seen.queues)
    if overdue:
        them = (
            f"{many(overdue, 'lease', 'leases')} ran out: a worker vanished. They are claimed again at the next tick."
        )
        found.append(Problem("overdue", them, overdue, None))
    return found


def _stopped(seen: "Board") -> Iterator[Problem]:
    if not seen.broker:
        yield Problem("broker", "The broker does not answer: nothing is sent out until it does. Start Valkey.", 0, None)
    if seen.beat_at is None:
        yield Problem("beat", "The scheduler has never ticked: nothing is claimed. Start beat.", 0, None)
    elif seen.at - seen.beat_at >= HEARD:
        since = lasting(seen.at - seen.beat_at)
        sentence = f"The scheduler last ticked {since} ago: nothing is claimed. Restart beat."
        yield Problem("beat", sentence, 0, seen.beat_at)


def _held_queue(queue: QueueStand, now: datetime) -> Iterator[Problem]:
    if queue.hold is not None:
        who = f"{queue.hold.by} holds it since {moment(queue.hold.at, now)}"
        sentence = f'"{queue.queue}": {who}: "{queue.hold.reason}". {_wait(queue.ready)}.'
        yield Problem(f"held:{queue.queue}", sentence, queue.ready, queue.hold.at)


def _unheard(queue: QueueStand, now: datetime) -> Iterator[Problem]:
    if queue.listened(now):
        return
    last = f"since {moment(queue.seen_at, now)}" if queue.seen_at else "and none ever did"
    sentence = f'No worker takes "{queue.queue}" {last}: start one. {_wait(queue.ready)}.'
    yield Problem(f"unheard:{queue.queue}", sentence, queue.ready, queue.seen_at)


def _wait(count: int) -> str:
    return f"{count:,} {'waits' if count == 1 else 'wait'}"


def _untold(channel: ChannelKind, now: datetime) -> Iterator[Problem]:
    since = min(filter(None, (channel.oldest, channel.retrying_since)), default=None)
    if since is None or now - since < UNTOLD or channel.last_error is None:
        return
    count = channel.waiting + channel.retrying
    wait = f"{many(count, 'message waits', 'messages wait')}, the oldest {lasting(now - since)}"
    yield Problem(f"untold:{channel.kind}", f"{channel.kind}: {wait} ({channel.last_error}).", count, since)


def _held_vendor(app: Calls, now: datetime) -> Iterator[Problem]:
    if app.hold is not None:
        sentence = f'{app.title} is held by {app.hold.by} since {moment(app.hold.at, now)}: "{app.hold.reason}".'
        yield Problem(f"held:{app.vendor}", sentence, 0, app.hold.at)


def _lost(vendor: Freshness) -> Iterator[Problem]:
    """A person who ends a grant is told, and nobody else's business; a crowd of them is a fault of ours."""
    lost, all_of_them = vendor.reconnect, vendor.active + vendor.reconnect + vendor.needs_you
    if lost < MASS or lost < MASS_PART * all_of_them:
        return
    part = share(lost, all_of_them)
    sentence = f"{many(lost, 'connection', 'connections')} of {vendor.title} ({part}) lost their grant and wait for"
    yield Problem(
        f"reconnect:{vendor.vendor}",
        f"{sentence} their people. So many at once is seldom chance: check the app there.",
        lost,
        None,
    )


def _buried(seen: "Board") -> Iterator[Problem]:
    count = sum(seen.given_up.values())
    if not count:
        return
    since = min((cause.first for cause in seen.buried if cause.first), default=None)
    causes = many(len(seen.buried), "cause", "causes") + (" or more" if len(seen.buried) == MOST else "")
    yield Problem("buried", f"{many(count, 'job was', 'jobs were')} given up, for {causes}.", count, since)


def _troubled(app: Calls, fresh: Freshness | None, now: datetime) -> Iterator[Problem]:
    due = fresh.due if fresh else 0
    if app.paused_until is not None:
        again = f"next try {moment(app.paused_until, now)}"
        sentence = f"{app.title} is failing for everyone ({app.pause_reason}); {again}. {_wait(due)}."
        yield Problem(f"failing:{app.vendor}", sentence, due, None)
    elif app.share is not None and app.share < WELL:
        bad = share((app.calls or 0) - (app.ok or 0), app.calls or 0)
        yield Problem(f"refusing:{app.vendor}", f"{app.title} answers {bad} of our calls badly.", app.calls or 0, None)
    if app.left == 0:
        sentence = f"The calls that {app.title} allows are used up for now. {_wait(due)}."
        yield Problem(f"used:{app.vendor}", sentence, due, None)


def _waiting(queue: QueueStand, now: datetime) -> Iterator[Problem]:
    limit = BEHIND.get(queue.queue)
    if limit is None or queue.oldest is None or queue.hold is not None or not queue.listened(now):
        return
    if now - queue.oldest >= limit:
        sentence = f'{_wait(queue.ready)} in "{queue.queue}", the oldest {lasting(now - queue.oldest)}.'
        yield Problem(f"waiting:{queue.queue}", sentence, queue.ready, queue.oldest)


def _behind(vendor: Freshness) -> Iterator[Problem]:
    if vendor.behind >= MASS and vendor.behind >= MASS_PART * vendor.followed:
        part = share(vendor.behind, vendor.followed)
        sentence = f"{many(vendor.behind, 'connection', 'connections')} of {vendor.title} ({part}) brought no night"
        yield Problem(f"behind:{vendor.vendor}", f"{sentence} for more than two days.", vendor.behind, None)
