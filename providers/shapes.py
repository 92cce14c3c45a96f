"""The shapes that data takes on its way in: what readers of vendor records and of files return, and `ingest` saves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from providers.measures import Definition

State = Literal["pending", "final", "unscorable"]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """A dense series in columns, both of length n: seconds since 1970, and values in the unit of the measure.

    Any order; of two values for one second the later in the column stands. Points of a record (`borne_by`, its stream
    and id, with the `span` of seconds it covers, its end excluded) replace what that record bore before.
    """

    definition: Definition
    at: NDArray[np.int64]
    value: NDArray[np.float32]
    device: str | None = None
    borne_by: tuple[str, str] | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class DayValue:
    """One number for one civil day, such as a night's HRV.

    `record` is the vendor's id, or a key that the reader builds from the record's own instant; a day is never identity.
    `value` is in the unit of the definition's measure. `link` names the record (stream, id) that the value goes with;
    where that is an episode, it takes the episode's day and interval once that is there. Otherwise `day` must be set.
    """

    definition: Definition
    record: str
    value: float | None
    starts_at: datetime
    ends_at: datetime | None
    day: date | None
    utc_offset_minutes: int | None = None
    device: str | None = None
    state: State = "final"
    link: tuple[str, str] | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Episode:
    """A sleep or a workout: its interval, the civil day it belongs to, and totals in minutes or the vendor's units."""

    stream: str
    record: str
    kind: Literal["sleep", "workout"]
    starts_at: datetime
    ends_at: datetime | None
    day: date
    utc_offset_minutes: int | None = None
    main: bool = True
    edited: bool = False
    state: State = "final"
    detail: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tag:
    """Something that may explain a night: `present` False is an explicit no.

    It goes with the record that `link` names, and moves with its day where that is an episode. One that lasts has a
    `last_day`, and holds on each day between.
    """

    day: date
    name: str
    source: str
    present: bool = True
    link: tuple[str, str] | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The vendor says that a record no longer exists."""

    stream: str
    record: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record, or one field of it, that was set aside with its reason. `body` is the record without its position."""

    reason: str
    body: str
    line: int | None = None
    field: str | None = None
    record: str | None = None


Row = Points | DayValue | Episode | Tag | Gone | Rejected
