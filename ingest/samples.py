"""Dense series read back as columns: PostgreSQL's binary arrays to numpy and from it, no Python object a value."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple, Self, cast

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from sqlalchemy.orm import Session

DAY = 86_400
DAYS_AT_ONCE = 32  # of a long answer held beside what was already read of it
FIRST_ELEMENT = 6  # in words of an array: behind a header of five and its own length

POINTS_ON = """
SELECT s.id, s.measure, s.definition, s.context, s.device, b.day - DATE '1970-01-01', b.at, b.value
FROM series s JOIN block b ON b.series = s.id
WHERE s.person = %(person)s AND s.measure = ANY(%(measures)s) AND b.day BETWEEN %(first)s AND %(last)s
ORDER BY s.measure, s.id, b.day
"""


class Columns(NamedTuple):
    """Seconds, ascending, each once, and the value at each: since 1970, or within the day where a block is meant."""

    at: NDArray[Any]
    value: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """One dense series of a person within a span, `at` in seconds since 1970, `value` in the unit of the measure."""

    series: int
    measure: str
    definition: str
    context: str
    device: str | None
    at: NDArray[np.int64]
    value: NDArray[np.float32]


def points_on(
    session: Session, person: int, measures: Collection[str], since: datetime, until: datetime
) -> list[Dense]:
    """Every series of these measures of a person that has points from `since` to before `until`, as a page draws them.

    Ordered by the measure's name and age of the series.
    """
    given = {"person": person, "measures": list(measures), **_days(since, until)}
    found = []
    with array_cursor(session) as cursor:
        rows = cursor.stream(POINTS_ON, given, binary=True, size=DAYS_AT_ONCE)
        for identity, of_series in groupby(rows, lambda row: row[:5]):
            columns = _within(since, until, [_absolute(*row[5:]) for row in of_series])
            if len(columns.at):
                series, measure, definition, context, device = identity
                found.append(Dense(series, measure, definition, context, device, *columns))
    return found


@contextmanager
def array_cursor(session: Session) -> Iterator[psycopg.Cursor[Any]]:
    """A cursor in the session's transaction: `Array`s go in, and `int4[]` and `float4[]` come out as columns."""
    connection = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    with connection.cursor(binary=True) as cursor:
        for array in (Ints, Bigints, Reals):
            cursor.adapters.register_dumper(array, _Dumper)
        cursor.adapters.register_loader(Ints.number, _IntsLoader)
        cursor.adapters.register_loader(Reals.number, _RealsLoader)
        yield cursor


class Array(bytes):
    """An array in PostgreSQL's binary format; its subclasses say of what."""

    __slots__ = ()
    holds = ""  # the elements as numpy names them
    element = number = 0  # the numbers of the types in PostgreSQL, everywhere the same

    @classmethod
    def of(cls, column: Any) -> Self:
        """A column as such an array: one dimension, no NULL, its first subscript 1; each element behind its length."""
        elements = np.empty(len(column), [("length", ">i4"), ("element", cls.holds)])
        elements["length"] = elements.dtype["element"].itemsize
        elements["element"] = column
        header = np.array((1, 0, cls.element, len(column), 1), ">i4")
        return cls(header.tobytes() + elements.tobytes())


class Ints(Array):
    """An `int4[]`."""

    __slots__ = ()
    holds, element, number = ">i4", 23, 1007


class Bigints(Array):
    """An `int8[]`."""

    __slots__ = ()
    holds, element, number = ">i8", 20, 1016


class Reals(Array):
    """A `float4[]`."""

    __slots__ = ()
    holds, element, number = ">f4", 700, 1021


class _Dumper(Dumper):
    format = Format.BINARY

    def __init__(self, cls: type[Array], context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        self.oid = cls.number

    def dump(self, obj: Array) -> Buffer:
        return obj


class _IntsLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int32]:
        return np.frombuffer(data, ">i4")[FIRST_ELEMENT::2].astype(np.int32)


class _RealsLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        return np.frombuffer(data, ">f4")[FIRST_ELEMENT::2].astype(np.float32)


def _days(since: datetime, until: datetime) -> dict[str, Any]:
    return {"first": since.astimezone(UTC).date(), "last": until.astimezone(UTC).date()}


def _absolute(day: int, at: NDArray[np.int32], value: NDArray[np.float32]) -> Columns:
    return Columns(at + np.int64(day * DAY), value)


def _within(since: datetime, until: datetime, days: list[Columns]) -> Columns:
    """The days, of which there is one at least, as one pair of columns, cut to the span."""
    at = np.concatenate([day.at for day in days])
    value = np.concatenate([day.value for day in days])
    first, end = np.searchsorted(at, (since.timestamp(), until.timestamp()))
    return Columns(at[first:end], value[first:end])
