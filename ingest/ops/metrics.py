"""What Prometheus reads: gauges counted from rows when it asks, counters and histograms from what was counted.

Labels are vendors, queues, kinds and words for outcomes: few, and never a person, a connection or a row.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ingest import clock
from ingest.db import transaction
from ingest.grants.replay import KINDS
from ingest.models import Credential, Delivery, Heartbeat, HintReceived, HookSubscription, VendorApp
from ingest.ops import counts
from ingest.ops.board import Board, board

TEXT = {
    "vagus_calls": "Calls to vendors by answer: ok, too_many (429), refused (other 4xx), failed (5xx), none.",
    "vagus_work": "Leased work that ended, by outcome.",
    "vagus_errors": "Errors that were turned into outcomes, by name; a bug is a bug.",
    "vagus_ticks_failed": "Ticks that broke, by name.",
    "vagus_hooks": "Vendors' notices by how they were answered.",
    "vagus_pages": "Requests to the pages by class of answer.",
    "vagus_saved": "What saved pages brought: points of dense series, rows written, records set aside.",
    "vagus_token_refreshes": "Refreshes of tokens: ok, refused, or failed where no answer said either.",
    "vagus_call_seconds": "How long a call to a vendor took.",
    "vagus_work_seconds": "How long leased work took, whatever its outcome.",
}
FROM_NOUGHT: Mapping[tuple[str, ...], int] = {("vagus_errors", "bug"): 0}  # else no rule sees the first one as a rise


class Rows(Collector):
    """Everything that is counted when it is asked for."""

    def collect(self) -> Iterator[Metric]:
        """Every metric there is."""
        yield from _counted()
        with transaction() as session:
            now = clock.now()
            seen = board(session, now)
            yield from _of_queues(seen)
            yield from _of_vendors(seen)
            yield from _of_messages(seen)
            yield from _of_rows(session, now)
        yield from _of_broker()


def exposition() -> bytes:
    """The page that Prometheus reads. Raises OperationalError where the database is away."""
    counts.flush()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Rows())
    return generate_latest(registry)


def _gauge(
    name: str, about: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float | None]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for given, value in rows:
        if value is not None:
            family.add_metric(given, value)
    return family


def _of_queues(seen: Board) -> Iterator[Metric]:
    queues, one = seen.queues, ("queue",)
    states = ("ready", "gated", "later", "running", "overdue")
    of_state = (((each.queue, state), getattr(each, state)) for each in queues for state in states)
    yield _gauge(
        "vagus_queue_rows", "Rows of a queue by state; ready could be claimed now.", ("queue", "state"), of_state
    )
    ages = (((each.queue,), _age(seen.at, each.oldest)) for each in queues)
    yield _gauge("vagus_queue_oldest_seconds", "How long the oldest row that could be claimed waits.", one, ages)
    retried = (((each.queue,), _age(seen.at, each.oldest_with_retries)) for each in queues)
    yield _gauge(
        "vagus_queue_oldest_with_retries_seconds", "The same, rows that wait for a retry included.", one, retried
    )
    ways = (((each.queue,), each.on_the_way) for each in queues)
    yield _gauge("vagus_queue_messages", "Messages that the broker holds.", one, ways)
    heard = (((each.queue,), _at(each.seen_at)) for each in queues)
    yield _gauge("vagus_queue_seen_timestamp_seconds", "When a worker last took the queue.", one, heard)
    held = (((each.queue,), float(each.hold is not None)) for each in queues)
    yield _gauge("vagus_queue_held", "Whether an operator holds the queue.", one, held)
    yield _gauge("vagus_beat_timestamp_seconds", "When the scheduler last ticked.", (), [((), _at(seen.beat_at))])


def _of_vendors(seen: Board) -> Iterator[Metric]:
    one = ("vendor",)
    states = ("active", "reconnect", "needs_you", "paused", "failing")
    stands = (((each.vendor, state), getattr(each, state)) for each in seen.fresh for state in states)
    yield _gauge("vagus_connections", "Connections by how they stand.", ("vendor", "state"), stands)
    due = (((each.vendor,), each.due) for each in seen.fresh)
    yield _gauge("vagus_connections_due", "Connections that could be asked and were not yet.", one, due)
    lag = (((each.vendor,), _age(seen.at, each.due_since)) for each in seen.fresh)
    yield _gauge("vagus_claim_lag_seconds", "How long the oldest due connection waits.", one, lag)
    words = ("on_time", "late", "behind")
    nights = (((each.vendor, word), getattr(each, word)) for each in seen.fresh for word in words)
    yield _gauge(
        "vagus_connections_by_night", "Connections by how old the newest night is.", ("vendor", "night"), nights
    )
    ages = (((each.vendor, q), age) for each in seen.fresh for q, age in (("0.5", each.p50), ("0.95", each.p95)))
    yield _gauge("vagus_night_age_seconds", "Age of the newest night, as quantiles.", ("vendor", "part"), ages)
    left: dict[str, float] = {}
    for each in seen.calls:
        if each.left is not None:
            left[each.vendor] = min(each.left, left.get(each.vendor, 1.0))
    yield _gauge("vagus_budget_left_ratio", "The part of the calls a vendor allows that is left.", one, _keyed(left))
    paused = _any((each.vendor, each.paused_until is not None) for each in seen.calls)
    yield _gauge("vagus_vendor_paused", "Whether a vendor is left alone while its calls fail.", one, _keyed(paused))
    held = _any((each.vendor, each.hold is not None) for each in seen.calls)
    yield _gauge("vagus_vendor_held", "Whether an operator holds a vendor.", one, _keyed(held))
    windows = {(each.vendor, state): getattr(each, state) for each in seen.past for state in ("waiting", "buried")}
    windows |= {(each.vendor, "done_last_hour"): each.last_hour for each in seen.past}
    yield _gauge("vagus_backfill_windows", "Windows of the past by state.", ("vendor", "state"), windows.items())


def _of_messages(seen: Board) -> Iterator[Metric]:
    one, channels = ("channel",), seen.told.channels
    states = ("sent", "shown", "opened", "waiting", "held", "retrying", "failed")
    stands = (((each.kind, state), getattr(each, state)) for each in channels for state in states)
    yield _gauge(
        "vagus_deliveries", "Deliveries by state; sent, shown, opened are today's.", ("channel", "state"), stands
    )
    ages = (((each.kind,), _age(seen.at, each.oldest)) for each in channels)
    yield _gauge("vagus_delivery_oldest_seconds", "How long the oldest delivery that is due waits.", one, ages)
    off = (((each.kind,), each.off) for each in channels)
    yield _gauge("vagus_channels_off", "Channels that were switched off.", one, off)
    yield _gauge("vagus_told_p95_seconds", "Decided to sent, 95 % of the last day's.", (), [((), seen.told.p95)])
    yield _gauge("vagus_alerts_open", "Alerts that are open.", (), [((), seen.told.open_alerts)])
    outdated = "People whose nights another version of the algorithm judged last."
    yield _gauge("vagus_people_outdated", outdated, (), [((), seen.told.outdated)])
    yield _gauge(
        "vagus_told_today", "People who were told today that they are strained.", (), [((), seen.told.told_today)]
    )
    buried = (((kind,), seen.given_up.get(kind, 0)) for kind in KINDS)
    yield _gauge("vagus_buried", "Jobs that were given up, by kind.", ("kind",), buried)
    yield _gauge("vagus_people", "People.", (), [((), seen.people)])
    problems = {("yours",): len(seen.yours), ("healing",): len(seen.healing)}
    yield _gauge(
        "vagus_problems", "What the board says is wrong: for a human, or healing.", ("whose",), problems.items()
    )


def _of_rows(session: Session, now: datetime) -> Iterator[Metric]:
    """What the board does not show."""
    refused = func.count().filter(Credential.refusals > 0)
    known, bad = session.execute(select(func.count(), refused).select_from(Credential)).one()
    states = [(("refused",), bad), (("good",), known - bad)]
    yield _gauge(
        "vagus_credentials", "Tokens of grants; refused ones were refused since they last worked.", ("state",), states
    )
    ends = session.execute(
        select(VendorApp.vendor, func.min(HookSubscription.expires_at))
        .join(HookSubscription, HookSubscription.vendor_app == VendorApp.id)
        .group_by(VendorApp.vendor)
    )
    expiring = [((vendor,), (at - now).total_seconds() if at else None) for vendor, at in ends]
    yield _gauge(
        "vagus_hook_subscription_expires_seconds", "Until the first notification order ends.", ("vendor",), expiring
    )
    hints = session.scalar(select(func.max(HintReceived.received_at)))
    yield _gauge("vagus_hint_timestamp_seconds", "When a vendor's notice was last taken in.", (), [((), _at(hints))])
    size, open_now = session.execute(text(DATABASE)).one()
    yield _gauge("vagus_database_bytes", "Size of the database.", (), [((), size)])
    yield _gauge("vagus_database_connections", "Connections to the database.", (), [((), open_now)])
    names = session.execute(select(Heartbeat.name, Heartbeat.at))
    beats = [((name,), at.timestamp()) for name, at in names]
    yield _gauge("vagus_heartbeat_timestamp_seconds", "When each tick or worker was last seen.", ("name",), beats)
    latest = session.scalar(select(func.max(Delivery.sent_at)))
    yield _gauge("vagus_delivery_timestamp_seconds", "When a delivery was last sent.", (), [((), _at(latest))])


DATABASE = """
SELECT pg_database_size(current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())
"""


def _of_broker() -> Iterator[Metric]:
    try:
        memory = counts.client().info("memory")
    except RedisError:
        yield _gauge("vagus_broker_up", "Whether the broker answers.", (), [((), 0.0)])
        return
    yield _gauge("vagus_broker_up", "Whether the broker answers.", (), [((), 1.0)])
    yield _gauge("vagus_broker_memory_bytes", "Memory that the broker uses.", (), [((), memory["used_memory"])])
    limit = memory.get("maxmemory") or memory.get("total_system_memory")
    part = memory["used_memory"] / limit if limit else None
    yield _gauge("vagus_broker_memory_ratio", "The part of its limit, else of the machine's memory.", (), [((), part)])


def _counted() -> Iterator[Metric]:
    """Counters and histograms; without a broker they are there, and empty."""
    try:
        found: Mapping[tuple[str, ...], int] = {**FROM_NOUGHT, **counts.counted()}
    except RedisError:
        found = {}
    for name, labels in counts.COUNTERS.items():
        family = CounterMetricFamily(name, TEXT[name], labels=labels)
        for (of, *given), number in found.items():
            if of == name and len(given) == len(labels):
                family.add_metric(given, number)
        yield family
    for name, (labels, edges) in counts.HISTOGRAMS.items():
        yield _histogram(name, labels, edges, found)


def _histogram(
    name: str, labels: tuple[str, ...], edges: tuple[float, ...], found: Mapping[tuple[str, ...], int]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, TEXT[name], labels=labels)
    for given in sorted({tuple(key[1:-1]) for key in found if key[0] == name}):
        total, buckets = 0, []
        for edge in (*map(str, edges), "+Inf"):
            total += found.get((name, *given, edge), 0)
            buckets.append((edge, total))
        family.add_metric(given, buckets, found.get((name, *given, "sum"), 0) / 1000)
    return family


def _keyed(values: Mapping[str, float]) -> Iterator[tuple[tuple[str], float]]:
    return (((name,), value) for name, value in values.items())


def _any(apps: Iterable[tuple[str, bool]]) -> Mapping[str, float]:
    """By vendor 1 where it is so of any of its apps."""
    found: dict[str, float] = {}
    for vendor, so in apps:
        found[vendor] = max(float(so), found.get(vendor, 0.0))
    return found


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _at(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
