"""What was counted, in the broker: calls, work, hooks. Counted in memory, written once a task, lost without harm.

A flush of the broker is a counter that begins anew; a broker that is away costs the counts of that while and nothing
else. Labels are few and never name a person, a connection or a row.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from threading import Lock
from typing import ParamSpec

from redis import Redis
from redis.exceptions import RedisError

from ingest import broker, clock
from providers.base import Answer, Provider
from providers.errors import Misconfigured

COUNTERS: Mapping[str, tuple[str, ...]] = {
    "vagus_calls": ("vendor", "answer"),
    "vagus_work": ("work", "outcome"),
    "vagus_errors": ("error",),
    "vagus_ticks_failed": ("tick",),
    "vagus_hooks": ("vendor", "answer"),
    "vagus_pages": ("answer",),
    "vagus_saved": ("vendor", "what"),
    "vagus_token_refreshes": ("vendor", "outcome"),
}
HISTOGRAMS: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "vagus_call_seconds": (("vendor",), (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45)),
    "vagus_work_seconds": (("work",), (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)),
}
LATELY = frozenset({"vagus_calls", "vagus_work"})  # also counted minute by minute
KEY = "vagus:counted"
KEPT = 20 * 60  # seconds that a minute's counts are kept
SOCKET_SECONDS = 0.5
LEFT_ALONE = 5.0  # seconds, after a broker did not answer
SEPARATOR = "|"

P = ParamSpec("P")


class _Pending:
    """Counts of this process that are not written yet."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.counts: Counter[str] = Counter()
        self.not_before = 0.0

    def take(self) -> Counter[str]:
        """The counts, which are then none."""
        with self.lock:
            taken, self.counts = self.counts, Counter()
        return taken


_pending = _Pending()


def count(name: str, *labels: str, by: int = 1) -> None:
    """Count something, in memory."""
    with _pending.lock:
        _pending.counts[SEPARATOR.join((name, *labels))] += by


def observe(name: str, seconds: float, *labels: str) -> None:
    """Count a length of time into its bucket, in memory."""
    bound = next((str(edge) for edge in HISTOGRAMS[name][1] if seconds <= edge), "+Inf")
    with _pending.lock:
        _pending.counts[SEPARATOR.join((name, *labels, bound))] += 1
        _pending.counts[SEPARATOR.join((name, *labels, "sum"))] += round(seconds * 1000)


def flush() -> None:
    """Write what was counted, in one round trip; with a broker that is away it is forgotten, at no cost to the work."""
    taken = _pending.take()
    if not taken or time.monotonic() < _pending.not_before:
        return
    minute = f"{KEY}:{int(clock.now().timestamp()) // 60}"
    try:
        with client().pipeline(transaction=False) as pipe:
            for field, number in taken.items():
                pipe.hincrby(KEY, field, number)
                if field.partition(SEPARATOR)[0] in LATELY:
                    pipe.hincrby(minute, field, number)
                    pipe.expire(minute, KEPT)
            pipe.execute()
    except RedisError:
        _pending.not_before = time.monotonic() + LEFT_ALONE


def counted() -> Mapping[tuple[str, ...], int]:
    """Every count since the broker was last flushed, by name and labels. Raises RedisError."""
    return _read([KEY])


def lately(minutes: int) -> Mapping[tuple[str, ...], int]:
    """The counts of the last so many minutes, the running one included. Raises RedisError."""
    last = int(clock.now().timestamp()) // 60
    return _read([f"{KEY}:{minute}" for minute in range(last - minutes + 1, last + 1)])


def _read(keys: Iterable[str]) -> Mapping[tuple[str, ...], int]:
    with client().pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hgetall(key)
        answers = pipe.execute()
    total: Counter[tuple[str, ...]] = Counter()
    for answer in answers:
        for field, number in answer.items():
            total[tuple(field.split(SEPARATOR))] += int(number)
    return total


def calls(exchange: Callable[P, Answer]) -> Callable[P, Answer]:
    """Count each call of a function that takes a provider first, by its answer, and how long it took."""

    @wraps(exchange)
    def counting(*given: P.args, **named: P.kwargs) -> Answer:
        vendor, begun, said = _vendor_of(given), time.monotonic(), "none"
        try:
            answer = exchange(*given, **named)
            said = answered(answer.status)
        finally:
            count("vagus_calls", vendor, said)
            observe("vagus_call_seconds", time.monotonic() - begun, vendor)
        return answer

    return counting


def answered(status: int) -> str:
    """The class of an answer: `ok`, `too_many`, `refused`, `failed`; `none` is what came without one."""
    if status == 429:  # noqa: PLR2004  the status itself
        return "too_many"
    return {2: "ok", 3: "ok", 4: "refused"}.get(status // 100, "failed")


def client() -> Redis:
    """The broker, asked with little patience. Raises RedisError where nothing says where it is."""
    try:
        return broker.client(SOCKET_SECONDS)
    except Misconfigured as error:
        raise RedisError(str(error)) from None


def _vendor_of(given: tuple[object, ...]) -> str:
    return given[0].name if isinstance(given[0], Provider) else "unknown"
