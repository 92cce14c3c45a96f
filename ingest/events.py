"""What stands beside a person's nights in a picture, read from the rows: notes, training load, values left out."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import words
from ingest.chart.events import Events
from ingest.devices import account_name
from ingest.models import Connection, DayValue, Episode, Rejected, Series, Tag, VendorAccount
from ingest.nights import SIGNALS, tags_by_day
from scoring import Assessment

FIELDS = {"hrv_ms": "hrv", "resting_heart_rate": "resting_heart_rate"}
DECIDING = {measure: FIELDS[name] for measure, name in SIGNALS.items() if name in FIELDS}
# How the fields of vendors and files are called that tell of a signal, in part.
FIELD_PARTS = {"hrv": "heart_rate_variability", "resting_heart_rate": "resting_heart_rate"}
UNSCORABLE, LEFT_OUT = "came without a value that counts", "left out: too short a night, or a value that cannot be"


def beside(session: Session, person_id: int, assessments: Sequence[Assessment], since: date) -> Events:
    """Notes, training load, and values that were left out from `since` on. A night tells the load of the day before."""
    given = {each.day - timedelta(days=1): each for each in assessments if each.load is not None and each.load >= 0}
    load = {day: each.load for day, each in given.items() if each.load is not None}
    scale = {day: each.load_series for day, each in given.items()}
    return Events(_tags(session, person_id), load, scale, _aside(session, person_id, assessments, since))


def _tags(session: Session, person_id: int) -> dict[date, frozenset[str]]:
    rows = session.execute(
        select(Tag.day, Tag.name, Tag.source, Tag.present, Tag.last_day).where(Tag.person == person_id)
    )
    return tags_by_day(tuple(row) for row in rows)


def _aside(
    session: Session, person_id: int, assessments: Sequence[Assessment], since: date
) -> dict[tuple[date, str], str]:
    """Nights on which a signal came and was not used, with the reason as far as it is known.

    Of several accounts only the one that is read counts: what another one told was not left out, it was not asked.
    """
    used = {(each.day, given.signal) for each in assessments for given in each.inputs if given.value is not None}
    read = _read_from(assessments)
    found = {**_came(session, person_id, since), **_reasons(session, person_id, since)}
    return {
        (day, signal): reason
        for (day, signal, account), reason in found.items()
        if (day, signal) not in used and read.get(day, "").startswith((f"{account}/", "-"))
    }


def _read_from(assessments: Sequence[Assessment]) -> dict[date, str]:
    """By night: a series of the account that was read last; a dash before any was."""
    read, last = {}, "-"
    for each in assessments:
        series = (given.series for given in each.inputs if given.signal in words.DECIDING and given.value is not None)
        last = next((name for name in series if name), last)
        read[each.day] = last
    return read


def _came(session: Session, person_id: int, since: date) -> dict[tuple[date, str, str], str]:
    """By day, signal and account: that something came, and whether it was a value."""
    rows = session.execute(
        select(DayValue.day, Series.measure, VendorAccount.vendor, VendorAccount.external_id, DayValue.value)
        .join(Series, Series.id == DayValue.series)
        .outerjoin(VendorAccount, VendorAccount.id == Series.vendor_account)
        .where(Series.person == person_id, Series.measure.in_(DECIDING), DayValue.day >= since, ~DayValue.gone)
        .order_by(DayValue.value.is_not(None))
    )
    return {
        (day, DECIDING[measure], account_name(vendor, external_id)): UNSCORABLE if value is None else LEFT_OUT
        for day, measure, vendor, external_id, value in rows
        if day
    }


def _reasons(session: Session, person_id: int, since: date) -> dict[tuple[date, str, str], str]:
    """The same, with why a value of a night was set aside when it was read."""
    rows = session.execute(
        select(Episode.day, VendorAccount.vendor, VendorAccount.external_id, Rejected.field, Rejected.reason)
        .join(Connection, Connection.id == Rejected.connection)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .join(Episode, (Episode.vendor_account == VendorAccount.id) & (Episode.record == Rejected.record))
        .where(VendorAccount.person == person_id, Rejected.field.is_not(None), Episode.day >= since)
        .order_by(Rejected.id)
    )
    return {
        (day, signal, account_name(vendor, external_id)): f"left out: {_plainly(reason, signal)}"
        for day, vendor, external_id, field, reason in rows
        for signal, part in FIELD_PARTS.items()
        if field and part in field.lower().replace(" ", "_")
    }


def _plainly(reason: str, signal: str) -> str:
    for measure in (name for name, its in DECIDING.items() if its == signal):
        reason = reason.replace(measure, words.SIGNALS[signal].short)
    return reason
