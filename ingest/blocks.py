"""Dense series at rest: one row a series and UTC day, merged in columns, never a row a sample."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from providers.shapes import Points

Span = tuple[int, int]  # seconds since 1970, the end excluded


def spans_before(session: Session, source: Any, bearing: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Span]:
    """The interval that each of these episodes (stream, record) covers as stored, before it is saved anew."""
    return {}


def save_points(
    session: Session, source: Any, given: Sequence[tuple[int, Points]], before: Mapping[tuple[str, str], Span]
) -> set[date]:
    """Merge points into the blocks of their series by union; what a record bore before is replaced.

    The caller holds the fence. Returns the UTC days whose block changed; an unchanged block is not written.
    """
    return set()


def forget(session: Session, series: Collection[int], span: Span, keep: Sequence[tuple[int, Points]]) -> set[date]:
    """Delete the points of these series in the span that are not among `keep`; the days whose block changed."""
    return set()
