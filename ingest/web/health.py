"""For machines: is the process alive, and can the service do its work."""

from collections.abc import Callable
from datetime import timedelta

import redis
import structlog
from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import JSONResponse

from ingest import clock, migrate
from ingest.db import transaction
from ingest.models import Heartbeat
from ingest.settings import settings

router = APIRouter()
log = structlog.get_logger(__name__)
BEATING = ("beat", "score", "notify")
FRESH = timedelta(seconds=30)


@router.get("/healthz")
def healthz() -> JSONResponse:
    """Alive: asks nobody else, so that a broken database does not restart the pages."""
    return JSONResponse({"ok": True})


@router.get("/readyz")
def readyz() -> JSONResponse:
    """Ready: the database is migrated, the broker answers, and every kind of worker was seen lately."""
    checks = {"database": _answers(migrate.is_current), "broker": _answers(_broker)}
    beats = _heartbeats() if checks["database"] else {}
    checks |= {name: beats.get(name, False) for name in BEATING}
    ok = all(checks.values())
    return JSONResponse({"ok": ok, "checks": checks}, 200 if ok else 503)


def _answers(check: Callable[[], bool]) -> bool:
    """Whether a check holds; that it fails in any way is the answer, and the log keeps why."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001
        log.warning("not_ready", check=check.__name__, reason=type(error).__name__)
        return False


def _broker() -> bool:
    url = settings().redis_url
    if url is None:
        return False
    address = url.get_secret_value().replace("redis+socket://", "unix://", 1)
    with redis.Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2) as client:
        return bool(client.ping())


def _heartbeats() -> dict[str, bool]:
    with transaction() as session:
        seen = session.execute(select(Heartbeat.name, Heartbeat.at)).all()
    return {name: clock.now() - at < FRESH for name, at in seen}
