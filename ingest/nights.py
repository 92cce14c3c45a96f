"""One civil day of one person: choose the row a series gives for the day, the series a signal is read from, the tags.

A pure function of the stored rows: any order of arrival gives the same nights. `night_rows` reads, `assemble` decides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.models import DayValue, Series, Tag, VendorAccount
from ingest.store import OWN_WORD
from providers import measures
from scoring import Night

SWITCH_AFTER = timedelta(days=7)

HRV, RESTING, BREATHING, TEMPERATURE = "hrv_ms", "resting_heart_rate", "respiratory_rate", "skin_temperature"
SIGNALS = {
    measures.HRV_RMSSD.name: HRV,
    measures.HRV_SDNN.name: HRV,
    measures.RESTING_HEART_RATE.name: RESTING,
    measures.RESPIRATORY_RATE.name: BREATHING,
    measures.SKIN_TEMPERATURE.name: TEMPERATURE,
    measures.SKIN_TEMPERATURE_DEVIATION.name: TEMPERATURE,
    measures.OXYGEN_SATURATION.name: "oxygen_saturation",
    measures.TOTAL_SLEEP_TIME.name: "sleep_minutes",
    measures.VENDOR_STRAIN.name: "load",
    measures.STEP_COUNT.name: "steps",
}
SERIES_OF = {
    HRV: "hrv_series",
    RESTING: "resting_series",
    BREATHING: "respiratory_series",
    TEMPERATURE: "temperature_series",
}
OF_THE_DAY_BEFORE = {"load", "steps"}
LONGEST_TAG = timedelta(days=90)  # one that lasts longer was forgotten, not meant


@dataclass(frozen=True, slots=True)
class NightRow:
    """One stored day value with what is needed to choose; `series` is a stable name, equal in every database."""

    signal: str
    measure: str
    context: str
    series: str
    kin: str  # the series without its device: what a new device of the same person goes on with
    record: str
    day: date
    value: float
    starts_at: datetime
    ends_at: datetime | None
    utc_offset_minutes: int | None
    version: tuple[int, datetime, str]


def nights_of(session: Session, person_id: int, today: date) -> list[Night]:
    """Every night of a person from the first one to `today`, empty ones included; none where nothing is stored."""
    own = Tag.person == person_id
    tags = session.execute(select(Tag.day, Tag.name, Tag.source, Tag.present, Tag.last_day).where(own))
    return assemble(night_rows(session, person_id), tags_by_day(tuple(row) for row in tags), today)


def night_rows(session: Session, person_id: int) -> list[NightRow]:
    """The rows that can make a night, in no particular order."""
    stored = session.execute(
        select(
            Series.measure,
            Series.context,
            Series.definition,
            Series.device,
            VendorAccount.vendor,
            VendorAccount.external_id,
            DayValue.record,
            DayValue.day,
            DayValue.value,
            DayValue.starts_at,
            DayValue.ends_at,
            DayValue.utc_offset_minutes,
            DayValue.source_rank,
            DayValue.as_of,
        )
        .join(Series, Series.id == DayValue.series)
        .outerjoin(VendorAccount, VendorAccount.id == Series.vendor_account)
        .where(
            Series.person == person_id,
            Series.measure.in_(SIGNALS),
            DayValue.day.is_not(None),
            DayValue.value.is_not(None),
            DayValue.state != "unscorable",
            ~DayValue.gone,
        )
    )
    return [_night_row(row) for row in stored]


def _night_row(row: Any) -> NightRow:
    account = (row.vendor or "", row.external_id or "")
    series = "/".join((*account, row.device or "", row.measure, row.definition))
    return NightRow(
        SIGNALS[row.measure],
        row.measure,
        row.context,
        series,
        "/".join((*account, row.measure, row.definition)),
        row.record,
        row.day,
        row.value,
        row.starts_at,
        row.ends_at,
        row.utc_offset_minutes,
        (row.source_rank, row.as_of, row.record),
    )


def tags_by_day(rows: Iterable[tuple[Any, ...]]) -> dict[date, frozenset[str]]:
    """The tags that hold on each day: a person's own word, yes or no, stands above any vendor's yes."""
    said: dict[tuple[date, str], bool] = {}
    owned: dict[tuple[date, str], bool] = {}
    for first_day, name, source, present, last_day in rows:
        lasts = min((last_day or first_day) - first_day, LONGEST_TAG).days
        for day in (first_day + timedelta(days=each) for each in range(lasts + 1)):
            if source == OWN_WORD:
                owned[day, name] = present
            else:
                said[day, name] = said.get((day, name), False) or present
    held: dict[date, set[str]] = defaultdict(set)
    for (day, name), present in {**said, **owned}.items():
        if present:
            held[day].add(name)
    return {day: frozenset(names) for day, names in held.items()}


def assemble(rows: Sequence[NightRow], tags: Mapping[date, frozenset[str]], today: date) -> list[Night]:
    """Choose, day by day, and lay the days out without gaps up to `today`."""
    asleep = {(row.day, row.record): row.value for row in rows if row.signal == "sleep_minutes"}
    candidates: dict[tuple[str, date, str], list[NightRow]] = defaultdict(list)
    for row in rows:
        candidates[row.signal, row.day, row.series].append(row)
    chosen: dict[str, dict[date, dict[str, NightRow]]] = defaultdict(lambda: defaultdict(dict))
    for (signal, day, series), of_day in candidates.items():
        chosen[signal][day][series] = choose_row(of_day, asleep)
    signals = {signal: follow_series(by_day) for signal, by_day in chosen.items()}
    days = [day for signal, by_day in signals.items() if signal not in OF_THE_DAY_BEFORE for day in by_day]
    if not days:
        return []
    first = min(days)
    span = (today - first).days + 1
    return [_night(first + timedelta(days=offset), signals, tags) for offset in range(span)]


def choose_row(rows: Sequence[NightRow], asleep: Mapping[tuple[date, str], float]) -> NightRow:
    """One row of one series for one day: of overlapping records the highest version, of the rest the longest asleep."""
    if len(rows) == 1:
        return rows[0]
    standing: list[NightRow] = []
    for row in sorted(rows, key=lambda r: r.version, reverse=True):
        if not any(_one_night(row, other) for other in standing):
            standing.append(row)
    return max(standing, key=lambda r: (asleep.get((r.day, r.record), _length(r).total_seconds() / 60), r.version))


def follow_series(by_day: Mapping[date, Mapping[str, NightRow]]) -> dict[date, NightRow]:
    """Stay with one series as long as it speaks; leave it for another after it was silent for a week.

    A new device of the same account and definition, first heard of after the one before it fell silent, takes over
    at once: somebody has a new ring, and is not to lose a week of nights to that.
    """
    history = Counter(series for rows in by_day.values() for series in rows)
    followed: dict[date, NightRow] = {}
    heard: set[str] = set()
    current, last, kin = "", date.min, ""
    for day in sorted(by_day):
        rows = by_day[day]
        if current not in rows:
            heirs = [series for series, row in rows.items() if row.kin == kin and series not in heard]
            if not current or heirs or day - last > SWITCH_AFTER:
                current = max(heirs or rows, key=lambda series: (history[series], series))
        if current in rows:
            followed[day], last, kin = rows[current], day, rows[current].kin
        heard |= rows.keys()
    return followed


def _one_night(a: NightRow, b: NightRow) -> bool:
    """Whether two records speak of the same night: they share more than half of the shorter one."""
    shared = min(a.starts_at + _length(a), b.starts_at + _length(b)) - max(a.starts_at, b.starts_at)
    return shared * 2 > min(_length(a), _length(b))


def _length(row: NightRow) -> timedelta:
    return (row.ends_at - row.starts_at) if row.ends_at else timedelta(minutes=1)


def _night(day: date, signals: Mapping[str, Mapping[date, NightRow]], tags: Mapping[date, frozenset[str]]) -> Night:
    fields: dict[str, Any] = {"day": day, "tags": tags.get(day, frozenset())}
    for signal, by_day in signals.items():
        row = by_day.get(day - timedelta(days=signal in OF_THE_DAY_BEFORE))
        if row is None:
            continue
        fields[signal] = row.value
        if signal in SERIES_OF:
            fields[SERIES_OF[signal]] = row.series
        if signal == HRV:
            fields["hrv_kind"] = "sdnn" if row.measure == measures.HRV_SDNN.name else "rmssd"
            fields["hrv_window"] = "night" if row.context == "sleep" else "spot"
        if signal == RESTING:
            fields["resting_kind"] = "sleep" if row.context == "sleep" else "vendor_day"
        if signal not in OF_THE_DAY_BEFORE and row.utc_offset_minutes is not None:
            fields["utc_offset_minutes"] = row.utc_offset_minutes
    return Night(**fields)
