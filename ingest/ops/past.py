"""The past: windows still to be fetched at each vendor, and how long that takes at the pace of the last hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select
from sqlalchemy.orm import Session

from ingest.models import BackfillWindow, Connection, VendorApp
from ingest.standings import title_of

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Windows of the past at one vendor: `waiting` of `connections`, `last_hour` done in the last hour, `buried`.

    `left` is how long the waiting ones take at that pace; None where none was done.
    """

    vendor: str
    title: str
    waiting: int
    connections: int
    last_hour: int
    buried: int
    left: timedelta | None


def pasts(session: Session, now: datetime) -> Sequence[Past]:
    """Each vendor with windows that wait, were given up, or were done lately; the longest first."""
    waiting = {vendor: tuple(rest) for vendor, *rest in session.execute(_waiting())}
    done = _by_vendor(session, BackfillWindow.done_at > now - HOUR)
    buried = _by_vendor(session, BackfillWindow.state == "buried")
    found = [
        Past(
            vendor=vendor,
            title=title_of(vendor),
            waiting=waiting.get(vendor, (0, 0))[0],
            connections=waiting.get(vendor, (0, 0))[1],
            last_hour=done.get(vendor, 0),
            buried=buried.get(vendor, 0),
            left=_left(waiting.get(vendor, (0, 0))[0], done.get(vendor, 0)),
        )
        for vendor in {*waiting, *done, *buried}
    ]
    return sorted(found, key=lambda each: (-each.waiting, each.vendor))


def _left(waiting: int, last_hour: int) -> timedelta | None:
    return HOUR * waiting / last_hour if last_hour else None


def _waiting() -> Select[*tuple[Any, ...]]:
    """Counted by connection first: of few connections many windows wait."""
    each = (
        select(BackfillWindow.connection, func.count().label("windows"))
        .where(BackfillWindow.state == "waiting")
        .group_by(BackfillWindow.connection)
        .subquery()
    )
    rows = select(VendorApp.vendor, cast(func.sum(each.c.windows), BigInteger), func.count()).select_from(each)
    rows = rows.join(Connection, Connection.id == each.c.connection)
    rows = rows.join(VendorApp, VendorApp.id == Connection.vendor_app)
    return rows.where(Connection.state == "active").group_by(VendorApp.vendor)


def _by_vendor(session: Session, wanted: ColumnElement[bool]) -> Mapping[str, int]:
    rows = select(VendorApp.vendor, func.count()).select_from(BackfillWindow)
    rows = rows.join(Connection, Connection.id == BackfillWindow.connection)
    rows = rows.join(VendorApp, VendorApp.id == Connection.vendor_app)
    return dict(session.execute(rows.where(wanted).group_by(VendorApp.vendor)).all())
