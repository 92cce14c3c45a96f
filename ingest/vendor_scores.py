"""A vendor's own score of each day, shown beside ours for comparison. Nothing that judges nights reads it."""

from collections.abc import Mapping
from datetime import date
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.models import DayValue, Series, VendorAccount
from providers import measures


def by_day(session: Session, person_id: int, since: date = date.min) -> dict[str, dict[date, float]]:
    """Each vendor's own score by day, 0 to 100; of two versions of one day the later one."""
    stored = session.execute(
        select(VendorAccount.vendor, DayValue.day, DayValue.value)
        .join(Series, Series.id == DayValue.series)
        .join(VendorAccount, VendorAccount.id == Series.vendor_account)
        .where(
            Series.person == person_id,
            Series.measure == measures.VENDOR_READINESS.name,
            DayValue.day >= since,
            DayValue.state != "unscorable",
            ~DayValue.gone,
        )
        .order_by(VendorAccount.vendor, DayValue.source_rank, DayValue.as_of, DayValue.record)
    )
    scores: dict[str, dict[date, float]] = {}
    for vendor, day, value in stored:
        if day is not None and value is not None:
            scores.setdefault(vendor, {})[day] = value
    return scores


def agreement(ours: Mapping[date, float], theirs: Mapping[date, float]) -> tuple[int, int]:
    """On how many days both lay on the same side of their own middle, and of how many that both have."""
    days = ours.keys() & theirs.keys()
    if not days:
        return 0, 0
    own, other = median(ours[day] for day in days), median(theirs[day] for day in days)
    return sum((ours[day] >= own) == (theirs[day] >= other) for day in days), len(days)
