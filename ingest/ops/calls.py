"""Calls to vendors: how they were answered over the last minutes, what is left of the budget, who is paused or held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.grants import budget
from ingest.models import VendorApp
from ingest.ops import counts
from ingest.standings import declared, title_of
from providers.errors import VagusError

MINUTES = 15
ENOUGH = 50  # calls, below which a share of them says nothing
WELL = 0.8


@dataclass(frozen=True, slots=True)
class Hold:
    """An operator's hold on a queue or a vendor."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """One registration at a vendor, and the vendor's answers of the last 15 minutes.

    Of `calls`, `ok`, `too_many` (429), `failed` (5xx, or no answer) and `other` are counts. All are None where the
    broker does not answer, and so is `left`, the part of the scarcest budget that is left (0 to 1). `paused_until` lies
    ahead while most calls fail; `hold` is an operator's.
    """

    app: int
    vendor: str
    title: str
    calls: int | None
    ok: int | None
    too_many: int | None
    failed: int | None
    other: int | None
    left: float | None
    paused_until: datetime | None
    pause_reason: str | None
    hold: Hold | None

    @property
    def open(self) -> bool:
        """Whether its connections are claimed now."""
        return self.hold is None and self.paused_until is None and self.left != 0

    @property
    def share(self) -> float | None:
        """The part of the calls that were answered well; None where there are too few to say."""
        return self.ok / self.calls if self.ok is not None and self.calls and self.calls >= ENOUGH else None


def calls(session: Session, now: datetime) -> Sequence[Calls]:
    """Each registration, worst first."""
    lately = _lately()
    apps = session.scalars(select(VendorApp).order_by(VendorApp.id)).all()
    found = [_of_app(app, now, None if lately is None else lately.get(app.vendor, {})) for app in apps]
    return sorted(found, key=lambda each: (each.open, 1.0 if each.share is None else each.share, each.vendor))


def shut(apps: Sequence[Calls]) -> list[int]:
    """The registrations of which nothing is claimed now."""
    return [each.app for each in apps if not each.open]


def _of_app(app: VendorApp, now: datetime, lately: Mapping[str, int] | None) -> Calls:
    paused = app.paused_until is not None and app.paused_until > now
    each = None if lately is None else (lambda *names: sum(lately.get(name, 0) for name in names))
    return Calls(
        app=app.id,
        vendor=app.vendor,
        title=title_of(app.vendor),
        calls=each("ok", "too_many", "failed", "none", "refused") if each else None,
        ok=each("ok") if each else None,
        too_many=each("too_many") if each else None,
        failed=each("failed", "none") if each else None,
        other=each("refused") if each else None,
        left=_left(app),
        paused_until=app.paused_until if paused else None,
        pause_reason=app.pause_reason if paused else None,
        hold=Hold(app.held_by or "", app.held_reason or "", app.held_at) if app.held_at else None,
    )


def _left(app: VendorApp) -> float | None:
    provider = declared(app.vendor)
    try:
        return budget.left(app.id, provider) if provider else None
    except VagusError:
        return None


def _lately() -> Mapping[str, Mapping[str, int]] | None:
    """The calls of the last minutes by vendor and answer; None where the broker does not say."""
    try:
        counted = counts.lately(MINUTES)
    except RedisError:
        return None
    found: dict[str, dict[str, int]] = {}
    for (name, *labels), number in counted.items():
        if name == "vagus_calls":
            vendor, answer = labels
            found.setdefault(vendor, {})[answer] = number
    return found
