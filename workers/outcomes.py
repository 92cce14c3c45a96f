"""The one table that turns errors into what becomes of work. Tasks contain no `except`.

Snooze, retry, cancel, bury; of a grant also: reconnect, ask the person, skip what was not granted.

A snooze is not held against the row; a retry is, and the fifth buries it. An error that nobody foresaw is a bug: it is
retried, its place in the code stands in the row, and its traceback is logged at the first try.
"""

import hashlib
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from kombu.exceptions import OperationalError as BrokerGone
from sqlalchemy.exc import OperationalError

from ingest import clock
from ingest.db import transaction
from ingest.ops import counts
from ingest.runs import LeaseLost
from ingest.saving import Erased
from providers.errors import (
    AuthorizationLost,
    ContractBroken,
    DeliveryFailed,
    FileRefused,
    Forbidden,
    Misconfigured,
    NeedsPerson,
    RateLimited,
    Unavailable,
    VagusError,
)
from workers import leases, pulse
from workers.leases import Outcome, Work

MOST_TRIES = 5
FIRST_PAUSE, FACTOR = timedelta(seconds=30), 5  # 30 s, 2½ min, 12½ min, an hour: longer than a greylist lasts
PAUSE = timedelta(seconds=60)
PROBE, SKIPPED = timedelta(days=1), timedelta(days=7)  # when to look again whether a person, or a scope, has come
DEPTH = 4  # frames of ours that tell one bug from another
ROOT = Path(__file__).parent.parent
FORESEEN = (VagusError, OperationalError, BrokerGone)

log = structlog.get_logger(__name__)


class Unwanted(VagusError):
    """Raised when the work is no longer wanted: what it was about does not hold any more."""


class Postponed(VagusError):
    """Raised when the work has to wait until an instant, for nobody's fault."""

    def __init__(self, message: str, until: datetime) -> None:
        """Keep the instant from which the work may go on."""
        super().__init__(message)
        self.until = until


class WorkerDied(VagusError):
    """Raised when a row was begun five times and no try came to an end."""


Rule = Callable[..., Outcome]


def _snooze(_error: Exception, _attempt: int) -> Outcome:
    return Outcome("snooze", PAUSE, counts=False)


def _retry(_error: Exception, attempt: int) -> Outcome:
    return Outcome("bury") if attempt >= MOST_TRIES else Outcome("retry", FIRST_PAUSE * FACTOR ** (attempt - 1))


def _bury(_error: Exception, _attempt: int) -> Outcome:
    return Outcome("bury")


RULES: Mapping[type[Exception], Rule] = {
    Unwanted: lambda _error, _attempt: Outcome("cancel"),
    Postponed: lambda error, _attempt: Outcome("snooze", max(error.until - clock.now(), timedelta(0)), counts=False),
    RateLimited: lambda error, _attempt: Outcome("snooze", timedelta(seconds=error.retry_after), counts=False),
    Unavailable: _snooze,
    Misconfigured: _snooze,  # an operator mends the setting; the work waits without losing a try
    OperationalError: _snooze,  # the database was away, or chose us to end a deadlock
    DeliveryFailed: lambda error, attempt: _bury(error, attempt) if error.permanent else _retry(error, attempt),
    AuthorizationLost: lambda _error, _attempt: Outcome("reconnect", PROBE, counts=False),
    NeedsPerson: lambda _error, _attempt: Outcome("ask", PROBE, counts=False),
    Forbidden: lambda _error, _attempt: Outcome("skip", SKIPPED, counts=False),
    ContractBroken: _bury,
    Erased: lambda _error, _attempt: Outcome("cancel"),
    FileRefused: _bury,
    WorkerDied: _bury,
    Exception: _retry,
}


def judge(error: Exception, attempt: int) -> Outcome:
    """What becomes of work that raised `error` on its `attempt`-th try: the rule of the nearest class."""
    nearest = next(kind for kind in type(error).__mro__ if kind in RULES)
    return RULES[nearest](error, attempt)


def run(work: Work, key: int, token: str, body: Callable[[int, str], None]) -> None:
    """Do leased work and settle what becomes of its row; `body` itself writes what success means."""
    attempt = _begun(work, key, token)
    if attempt is None:
        return
    structlog.contextvars.bind_contextvars(work=work.name, row=key, attempt=attempt)
    begun, ended = time.monotonic(), "succeeded"
    try:
        _check_tries(attempt)
        body(key, token)
    except LeaseLost:
        log.info("lease_lost")
        ended = "lease_lost"
    except Exception as error:  # noqa: BLE001 - the one place where an error becomes an outcome
        ended = _settle(work, key, token, attempt, error)
    counts.count("vagus_work", work.name, ended)
    counts.observe("vagus_work_seconds", time.monotonic() - begun, work.name)
    counts.flush()


def tried(body: Callable[[], object]) -> Exception | None:
    """Do one part of leased work: its error, if any, where the other parts may go on without it.

    What ends the whole work is raised: a lost lease, an erased person, a database or broker that is away.
    """
    try:
        body()
    except (LeaseLost, Erased, OperationalError, BrokerGone):
        raise
    except Exception as error:
        foreseen = _foreseen(error)
        log.log(
            logging.INFO if foreseen else logging.ERROR,
            "part_failed",
            reason=said(error),
            exc_info=None if foreseen else error,
        )
        return error
    return None


def _begun(work: Work, key: int, token: str) -> int | None:
    """The number of this try; None where the row is another's or done, or the database is away: its lease runs out."""
    try:
        pulse.taken(work.queue)
        return leases.begin(work, key, token)
    except OperationalError as error:
        log.info("left_to_its_lease", reason=said(error))
        return None


def _check_tries(attempt: int) -> None:
    if attempt > MOST_TRIES:
        raise WorkerDied(f"begun {MOST_TRIES} times and never ended: the worker died on it each time")


def tick(name: str, body: Callable[[], None]) -> None:
    """Do something that has no row and comes again by itself; trouble that lasts is logged once, and so is its end."""
    try:
        body()
    except Exception as error:
        reason = said(error)
        counts.count("vagus_ticks_failed", name)
        if _troubled.get(name) != reason:
            _troubled[name] = reason
            foreseen = isinstance(error, FORESEEN)
            log.log(
                logging.WARNING if foreseen else logging.ERROR,
                "tick_failed",
                tick=name,
                reason=reason,
                exc_info=None if foreseen else error,
            )
    else:
        if _troubled.pop(name, None):
            log.info("tick_works_again", tick=name)
    counts.flush()


_troubled: dict[str, str] = {}


def said(error: Exception) -> str:
    """One line for the row: our own words, or for a bug its kind, place and fingerprint, never its values."""
    if isinstance(error, VagusError):
        return str(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _ours(frame)] or traceback.extract_tb(
        error.__traceback__
    )
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames[-DEPTH:]]
    kind = type(error).__name__
    fingerprint = hashlib.sha256("|".join((kind, *places)).encode()).hexdigest()[:8]
    return f"{kind} at {places[-1]} [{fingerprint}]" if places else f"{kind} [{fingerprint}]"


def _ours(frame: traceback.FrameSummary) -> bool:
    file = Path(frame.filename)
    return file.is_relative_to(ROOT) and "site-packages" not in file.parts


def _foreseen(error: Exception) -> bool:
    """Whether we have a word for this; it is counted by that word, a bug as a bug."""
    foreseen = isinstance(error, FORESEEN)
    counts.count("vagus_errors", type(error).__name__ if foreseen else "bug")
    return foreseen


def _settle(work: Work, key: int, token: str, attempt: int, error: Exception) -> str:
    """Write what becomes of the row; the outcome's name."""
    outcome, reason = judge(error, attempt), said(error)
    foreseen = _foreseen(error)
    log.log(
        logging.INFO if foreseen else logging.ERROR,
        "work_failed",
        outcome=outcome.name,
        reason=reason,
        again_in=outcome.after.total_seconds(),
        exc_info=None if foreseen or attempt > 1 else error,
    )
    try:
        with transaction() as session:
            changes = dict(work.failed(session, key, outcome, error, reason))
            changes.setdefault("attempts", attempt if outcome.counts else attempt - 1)
            leases.give_back(session, work, key, token, changes)
    except (LeaseLost, OperationalError) as lost:
        log.info("left_to_its_lease", reason=said(lost))
        return "lease_lost"
    return outcome.name
