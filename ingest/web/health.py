"""For machines: is the process alive, and can the service do its work."""

from collections.abc import Callable, Mapping

import structlog
from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from starlette.responses import JSONResponse

from ingest import clock, migrate
from ingest.db import transaction
from ingest.grants.pauses import QUEUES
from ingest.models import Heartbeat
from ingest.ops import counts
from ingest.ops.queues import HEARD

router = APIRouter()
log = structlog.get_logger(__name__)
REMEDIES: Mapping[str, str] = {
    "database": "the database does not answer, or is not migrated: see `vagus doctor`",
    "broker": "the broker does not answer: is Valkey running? see `vagus status`",
    "beat": "the scheduler does not tick: start beat",
}


@router.get("/healthz")
def healthz() -> JSONResponse:
    """Alive: asks nobody else, so that a broken database does not restart the pages."""
    return JSONResponse({"ok": True})


@router.get("/readyz")
def readyz() -> JSONResponse:
    """Ready: the database is migrated, the broker answers, the scheduler ticks, and somebody takes every queue."""
    counts.flush()
    checks = {"database": _answers(migrate.is_current), "broker": _answers(_broker)}
    beats = _heartbeats() if checks["database"] else None
    checks["database"] = beats is not None
    checks |= {name: (beats or {}).get(name, False) for name in ("beat", *QUEUES)}
    missing = [
        REMEDIES.get(name, f'no worker takes the queue "{name}": start one') for name in checks if not checks[name]
    ]
    return JSONResponse({"ok": not missing, "checks": checks, "missing": missing}, 503 if missing else 200)


def _answers(check: Callable[[], bool]) -> bool:
    """Whether a check holds; that it fails in any way is the answer, and the log keeps why."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001
        log.warning("not_ready", check=check.__name__, reason=type(error).__name__)
        return False


def _broker() -> bool:
    return bool(counts.client().ping())


def _heartbeats() -> dict[str, bool] | None:
    """Who ticks; None where the database has gone since it was asked whether it is there."""
    try:
        with transaction() as session:
            seen = session.execute(select(Heartbeat.name, Heartbeat.at)).all()
    except OperationalError:
        return None
    return {name: clock.now() - at < HEARD for name, at in seen}
