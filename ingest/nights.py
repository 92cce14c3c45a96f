"""One civil day of one person: choose the row a series gives for the day, the series a signal is read from, the tags.

A pure function of the stored rows: any order of arrival gives the same nights. `night_rows` reads, `assemble` decides.
Which account is read where there are several stands in `ingest.devices`; all nights are laid out once for each account
that leads at some time, so that a device is judged by its own past from the day it leads on.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ingest import period_notes, store
from ingest.cycle import phases
from ingest.devices import SWITCH_AFTER, Word, account_name, followed, leads
from ingest.models import DayValue, Episode, Series, Tag, VendorAccount
from ingest.training import trained
from ingest.training.beats import with_beats
from ingest.training.days import Around, training_days
from ingest.training.trained import UNTRAINED, Training
from providers import measures
from scoring import Night

HRV, RESTING, BREATHING, TEMPERATURE = "hrv_ms", "resting_heart_rate", "respiratory_rate", "skin_temperature"
STRAIN = "load"
SIGNALS = {
    measures.HRV_RMSSD.name: HRV,
    measures.HRV_SDNN.name: HRV,
    measures.RESTING_HEART_RATE.name: RESTING,
    measures.RESPIRATORY_RATE.name: BREATHING,
    measures.SKIN_TEMPERATURE.name: TEMPERATURE,
    measures.SKIN_TEMPERATURE_DEVIATION.name: TEMPERATURE,
    measures.OXYGEN_SATURATION.name: "oxygen_saturation",
    measures.TOTAL_SLEEP_TIME.name: "sleep_minutes",
    measures.VENDOR_STRAIN.name: STRAIN,
    measures.STEP_COUNT.name: "steps",
}
SERIES_OF = {
    HRV: "hrv_series",
    RESTING: "resting_series",
    BREATHING: "respiratory_series",
    TEMPERATURE: "temperature_series",
}
DECIDING = tuple(measure for measure, signal in SIGNALS.items() if signal in {HRV, RESTING})
OF_THE_DAY_BEFORE = {STRAIN, "steps"}
LONGEST_TAG = timedelta(days=90)  # one that lasts longer was forgotten, not meant


@dataclass(frozen=True, slots=True)
class NightRow:
    """One stored day value with what is needed to choose; names are stable: equal in every database."""

    signal: str
    measure: str
    context: str
    account: str
    series: str
    kin: str  # the series without its device: what a new device of the same person goes on with
    record: str
    day: date
    value: float
    starts_at: datetime
    ends_at: datetime | None
    utc_offset_minutes: int | None
    version: tuple[int, datetime, str]


ByDay = dict[date, NightRow]
ByName = dict[str, NightRow]
Given = Mapping[str, Mapping[str, ByDay]]  # by signal, then by account


@dataclass(frozen=True, slots=True)
class Histories:
    """All nights of a person, without gaps, as each account that ever led tells them; and which led on each night."""

    told: Mapping[str, Sequence[Night]]
    leads: Sequence[str]

    @property
    def nights(self) -> list[Night]:
        """Each night as the account tells it that led on it."""
        return [self.told[lead][place] for place, lead in enumerate(self.leads)]


def nights_of(session: Session, person_id: int, today: date) -> list[Night]:
    """Every night of a person from the first one to `today`, empty ones included; none where nothing is stored."""
    return histories_of(session, person_id, today).nights


def histories_of(session: Session, person_id: int, today: date) -> Histories:
    """The same nights as each leading account tells them."""
    own = Tag.person == person_id
    tags = session.execute(select(Tag.day, Tag.name, Tag.source, Tag.present, Tag.last_day).where(own))
    return assemble(
        night_rows(session, person_id),
        tags_by_day(tuple(row) for row in tags),
        today,
        periods=period_notes.used(session, person_id),
        wanted=wanted_account(session, person_id),
        training=Training(
            with_beats(session, person_id, trained.workouts(session, person_id)), trained.felt(session, person_id)
        ),
    )


def wanted_account(session: Session, person_id: int) -> str | None:
    """The account the person chose, by its name in series; None where the rule chooses."""
    chosen = store.chosen_device(session, person_id)
    account = session.get_one(VendorAccount, chosen.vendor_account) if chosen else None
    return account_name(account.vendor, account.external_id) if account else None


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
        .outerjoin(
            Episode,
            (Episode.vendor_account == Series.vendor_account)
            & (Episode.stream == DayValue.link_stream)
            & (Episode.record == DayValue.link_record),
        )
        .where(
            Series.person == person_id,
            Series.measure.in_(SIGNALS),
            DayValue.day.is_not(None),
            DayValue.value.is_not(None),
            DayValue.state != "unscorable",
            ~DayValue.gone,
            or_(Episode.record.is_(None), Episode.main),  # what hangs on a nap is no night's
        )
    )
    return [_night_row(row) for row in stored]


def _night_row(row: Any) -> NightRow:
    account = account_name(row.vendor, row.external_id)
    return NightRow(
        SIGNALS[row.measure],
        row.measure,
        row.context,
        account,
        f"{account}/{row.device or ''}/{row.measure}/{row.definition}",
        f"{account}/{row.measure}/{row.definition}",
        row.record,
        row.day,
        row.value,
        row.starts_at,
        row.ends_at,
        row.utc_offset_minutes,
        (row.source_rank, row.as_of, row.record),
    )


def tags_by_day(rows: Iterable[tuple[Any, ...]]) -> dict[date, frozenset[str]]:
    """The tags that hold on each day: a person's own word, yes or no, stands above any vendor's yes.

    Notes of periods are not among them: they are for `period_notes` alone, which asks whether they may be used.
    """
    said: dict[tuple[date, str], bool] = {}
    owned: dict[tuple[date, str], bool] = {}
    for first_day, name, source, present, last_day in rows:
        lasts = min((last_day or first_day) - first_day, LONGEST_TAG).days
        for day in (first_day + timedelta(days=each) for each in range(lasts + 1)):
            if source == store.OWN_WORD:
                owned[day, name] = present
            else:
                said[day, name] = said.get((day, name), False) or present
    held: dict[date, set[str]] = defaultdict(set)
    for (day, name), present in {**said, **owned}.items():
        if present and name != period_notes.PERIOD:
            held[day].add(name)
    return {day: frozenset(names) for day, names in held.items()}


def assemble(  # noqa: PLR0913  what is known of a person
    rows: Sequence[NightRow],
    tags: Mapping[date, frozenset[str]],
    today: date,
    *,
    periods: Iterable[date] = (),
    wanted: str | None = None,
    training: Training = UNTRAINED,
) -> Histories:
    """Choose, day by day, and lay the days out without gaps up to `today`."""
    given = choose(rows)
    days = [day for signal in given.keys() - OF_THE_DAY_BEFORE for found in given[signal].values() for day in found]
    if not days:
        return Histories({}, [])
    first = min(days)
    span = [first + timedelta(days=offset) for offset in range((today - first).days + 1)]
    changes = leads(words(given), wanted)
    leading = _leading(changes, span)
    phase = phases(periods, span)
    said = {day: {"tags": tags.get(day, frozenset()), "cycle_phase": phase.get(day)} for day in span}
    told = {}
    for lead in dict.fromkeys(leading):
        until = len(leading) - leading[::-1].index(lead)  # what comes later is another's to tell
        told[lead] = _told(given, lead, span[:until], said, training)
    return Histories(told, leading)


def choose(rows: Sequence[NightRow]) -> Given:
    """One row a day, signal and account: of each series the record that stands, of the series the one followed."""
    asleep = {(row.account, row.day, row.record): row.value for row in rows if row.signal == "sleep_minutes"}
    candidates: dict[tuple[str, str, date, str], list[NightRow]] = defaultdict(list)
    for row in rows:
        candidates[row.signal, row.account, row.day, row.series].append(row)
    chosen: dict[str, dict[str, dict[date, ByName]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for (signal, account, day, series), of_day in candidates.items():
        chosen[signal][account][day][series] = choose_row(of_day, asleep)
    return {
        signal: {account: follow_series(by_day) for account, by_day in by_account.items()}
        for signal, by_account in chosen.items()
    }


def words(given: Given) -> dict[str, dict[date, Word]]:
    """What each account gives of the two signals that decide, by day."""
    hrv, resting = given.get(HRV, {}), given.get(RESTING, {})
    return {
        account: {
            day: _word(hrv.get(account, {}).get(day), resting.get(account, {}).get(day))
            for day in hrv.get(account, {}).keys() | resting.get(account, {}).keys()
        }
        for account in hrv.keys() | resting.keys()
    }


def choose_row(rows: Sequence[NightRow], asleep: Mapping[tuple[str, date, str], float]) -> NightRow:
    """One row of one series for one day: of overlapping records the highest version, of the rest the longest asleep."""
    if len(rows) == 1:
        return rows[0]
    standing: list[NightRow] = []
    for row in sorted(rows, key=lambda r: r.version, reverse=True):
        if not any(_one_night(row, other) for other in standing):
            standing.append(row)

    def slept(row: NightRow) -> float:
        return asleep.get((row.account, row.day, row.record), _length(row).total_seconds() / 60)

    return max(standing, key=lambda row: (slept(row), row.version))


def follow_series(by_day: Mapping[date, Mapping[str, NightRow]]) -> ByDay:
    """Of one account: stay with one series as long as it speaks; leave it after it was silent for a week.

    A new device with the same definition, first heard of after the one before it fell silent, takes over at once:
    somebody has a new ring, and is not to lose a week of nights to that.
    """
    nights: Counter[str] = Counter()
    followed: ByDay = {}
    current, last, kin = "", date.min, ""
    for day in sorted(by_day):
        rows = by_day[day]
        if current not in rows:
            heirs = [series for series, row in rows.items() if row.kin == kin and series not in nights]
            if not current or heirs or day - last > SWITCH_AFTER:
                current = max(heirs or rows, key=lambda series: (nights[series], _quality(rows[series]), series))
        if current in rows:
            followed[day], last, kin = rows[current], day, rows[current].kin
        nights.update(rows.keys())
    return followed


def _quality(row: NightRow | None) -> tuple[bool, bool]:
    """Of a whole night rather than a spot; rMSSD rather than SDNN."""
    return (row.context == "sleep", row.measure != measures.HRV_SDNN.name) if row else (False, False)


def _word(hrv: NightRow | None, resting: NightRow | None) -> Word:
    whole_night, rmssd = _quality(hrv or resting)
    return Word(hrv is not None and resting is not None, whole_night, rmssd)


def _leading(changes: Mapping[date, str], span: Sequence[date]) -> list[str]:
    began = sorted(changes)
    return [changes[began[place - 1]] if (place := bisect_right(began, day)) else "" for day in span]


def _told(
    given: Given,
    lead: str,
    span: Sequence[date],
    said: Mapping[date, Mapping[str, Any]],
    training: Training,
) -> list[Night]:
    own = {day for signal in (HRV, RESTING) for day in given.get(signal, {}).get(lead, ())}
    signals = {signal: followed(by_account, lead, own) for signal, by_account in given.items()}
    strain = signals.pop(STRAIN, {})
    around = Around(
        resting={day: row.value for day, row in signals.get(RESTING, {}).items()},
        strain={day: row.value for day, row in strain.items()},
        strain_series={day: row.series for day, row in strain.items()},
        worn=own,
    )
    had = training_days(training, lead, around, span)
    return [_night(day, signals, {**said[day], **had.get(day, {})}) for day in span]


def _one_night(a: NightRow, b: NightRow) -> bool:
    """Whether two records speak of the same night: they share more than half of the shorter one."""
    shared = min(a.starts_at + _length(a), b.starts_at + _length(b)) - max(a.starts_at, b.starts_at)
    return shared * 2 > min(_length(a), _length(b))


def _length(row: NightRow) -> timedelta:
    return (row.ends_at - row.starts_at) if row.ends_at else timedelta(minutes=1)


def _night(
    day: date,
    signals: Mapping[str, ByDay],
    beside: Mapping[str, Any],
) -> Night:
    fields: dict[str, Any] = {"day": day, **beside}
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
    fields["utc_offset_minutes"] = _offset(day, signals)
    return Night(**fields)


def _offset(day: date, signals: Mapping[str, ByDay]) -> int | None:
    """Where the person was: by the signals that decide, else by the others, in an order that no arrival changes."""
    told = (HRV, RESTING, *sorted(signals.keys() - {HRV, RESTING} - OF_THE_DAY_BEFORE))
    rows = (signals[signal].get(day) for signal in told if signal in signals)
    return next((row.utc_offset_minutes for row in rows if row and row.utc_offset_minutes is not None), None)
