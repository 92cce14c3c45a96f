"""Whether nights come: what is said of one that holds now must not rest on a night that is long past."""

from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ingest.models import DayValue, Series
from ingest.nights import DECIDING


def has_night(session: Session, person_id: int, *, since: date) -> bool:
    """Whether a value of a signal that decides is stored for this day or a later one."""
    deciding = (Series.measure.in_(DECIDING), DayValue.day >= since, DayValue.value.is_not(None), ~DayValue.gone)
    stored = exists().where(DayValue.series == Series.id, Series.person == person_id, *deciding)
    return bool(session.scalar(select(stored)))
