"""From Oura's documents to rows: pure functions, each called once a page.

HRV is rMSSD, Oura's own mean of the night: not quite the mean of its 5-minute samples, so the two never share a series.
The resting heart rate is the lowest of the night, and so lower than other vendors' resting rates.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter

import numpy as np
from pydantic import TypeAdapter, ValidationError

from providers import measures
from providers.base import Asked, Instant, wrong_times
from providers.measures import Context, Definition
from providers.oura.records import (
    DailyActivity,
    DailyReadiness,
    DailySpo2,
    DatedHeartRate,
    HeartRate,
    RestModePeriod,
    RingConfiguration,
    Samples,
    Sleep,
    Workout,
)
from providers.shapes import DayValue, Episode, Gone, Points, Rejected, Row, Tag

SLEEP, READY, SPO2, ACTIVITY = "oura.sleep", "oura.daily_readiness", "oura.daily_spo2", "oura.daily_activity"
WORKOUT, HEART_RATE, RING = "oura.workout", "oura.heartrate", "oura.ring_configuration"
REST_MODE = "oura.rest_mode_period"
SCORED = "long_sleep"  # Oura's word for more than three hours; shorter sleeps make no night
ASLEEP = frozenset({"long_sleep", "sleep", "late_nap"})
LONGEST = timedelta(days=2)
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
NEVER = datetime.min.replace(tzinfo=UTC)

HRV = Definition(measures.HRV_RMSSD, "oura_sleep_mean", "sleep")
RESTING = Definition(measures.RESTING_HEART_RATE, "oura_sleep_lowest", "sleep")
BREATHING = Definition(measures.RESPIRATORY_RATE, "oura_sleep", "sleep")
TOTAL_SLEEP = Definition(measures.TOTAL_SLEEP_TIME, "oura_sleep", "sleep")
TEMPERATURE = Definition(measures.SKIN_TEMPERATURE_DEVIATION, "oura_sleep", "sleep")
SLEEP_HRV = Definition(measures.HRV_RMSSD, "oura_sleep_5min", "sleep")
SLEEP_HEART_RATE = Definition(measures.HEART_RATE, "oura_sleep_5min", "sleep")
READINESS = Definition(measures.VENDOR_READINESS, "oura_readiness", "sleep")
READINESS_TEMPERATURE = Definition(measures.SKIN_TEMPERATURE_DEVIATION, "oura_readiness", "sleep")
OXYGEN = Definition(measures.OXYGEN_SATURATION, "oura_spo2", "sleep")
STEPS = Definition(measures.STEP_COUNT, "oura_activity", "day")
ENERGY = Definition(measures.ACTIVE_ENERGY, "oura_activity", "day")

CONTEXTS: tuple[Context, ...] = ("day", "rest", "sleep", "workout")
HEART_RATES = tuple(Definition(measures.HEART_RATE, "oura_heartrate", context) for context in CONTEXTS)
_UNIX, _BPM = itemgetter("timestamp_unix"), itemgetter("bpm")
_CONTEXT_OF = {"rest": 1, "sleep": 2, "workout": 3}  # awake, live, session and what Oura may add are the day


def read_sleep(records: Sequence[Sleep], _asked: Asked) -> Iterator[Row]:
    """A night, a nap or a refused sleep; what its numbers are, also that they are none; its 5-minute samples."""
    for record in records:
        if record["type"] == "deleted":
            yield Gone(SLEEP, record["id"])
        elif wrong := wrong_times(record, record["bedtime_start"], record["bedtime_end"], LONGEST):
            yield wrong
        else:
            yield _episode(record)
            yield from _night_values(record)
            yield _samples(record, SLEEP_HRV, record.get("hrv"))
            yield _samples(record, SLEEP_HEART_RATE, record.get("heart_rate"))


def _episode(record: Sleep) -> Episode:
    minutes = {
        "asleep_minutes": record.get("total_sleep_duration"),
        "in_bed_minutes": record.get("time_in_bed"),
        "deep_minutes": record.get("deep_sleep_duration"),
        "light_minutes": record.get("light_sleep_duration"),
        "rem_minutes": record.get("rem_sleep_duration"),
        "awake_minutes": record.get("awake_time"),
        "latency_minutes": record.get("latency"),
    }
    detail: dict[str, float | str] = {name: seconds / 60 for name, seconds in minutes.items() if seconds is not None}
    if (efficiency := record.get("efficiency")) is not None:
        detail["efficiency_percent"] = efficiency
    return Episode(
        stream=SLEEP,
        record=record["id"],
        kind="sleep",
        starts_at=record["bedtime_start"],
        ends_at=record["bedtime_end"],
        day=record["day"],
        utc_offset_minutes=_offset(record["bedtime_end"]),
        main=record["type"] == SCORED,
        edited=record.get("sleep_analysis_reason") == "bedtime_edit",
        state="final" if record["type"] in ASLEEP else "unscorable",
        detail={**detail, "type": record["type"]},
    )


def _night_values(record: Sleep) -> Iterator[DayValue]:
    """One value a series, None where there is none: a night that Oura re-types or empties takes its numbers back."""
    asleep, readiness = record.get("total_sleep_duration"), record.get("readiness") or {}
    told = {
        HRV: _told(record.get("average_hrv")),
        RESTING: _told(record.get("lowest_heart_rate")),
        BREATHING: _told(record.get("average_breath")),
        TOTAL_SLEEP: None if asleep is None else asleep / 60,
        TEMPERATURE: readiness.get("temperature_deviation"),
    }
    for definition, value in told.items():
        scored = value if record["type"] == SCORED else None
        yield DayValue(
            definition=definition,
            record=record["id"],
            value=scored,
            starts_at=record["bedtime_start"],
            ends_at=record["bedtime_end"],
            day=record["day"],
            utc_offset_minutes=_offset(record["bedtime_end"]),
            device=record.get("ring_id"),
            state="unscorable" if scored is None else "final",
            link=(SLEEP, record["id"]),
        )


def _samples(record: Sleep, definition: Definition, samples: Samples | None) -> Points:
    """The samples of a sleep, an empty column where it has none: that, too, replaces what it bore before."""
    span = int(record["bedtime_start"].timestamp()), int(record["bedtime_end"].timestamp())
    items = samples["items"] if samples and record["type"] in ASLEEP else []
    value = np.array([np.nan if item is None else item for item in items]).clip(-1e9, 1e9).astype(np.float32)
    at = np.zeros(0, np.int64)
    if samples and items:
        steps = np.rint(np.arange(len(items)) * samples["interval"]).astype(np.int64)
        at = int(samples["timestamp"].timestamp()) + steps
    # A null keeps its place until each value has its time. 0 and 255 say nothing, as in `_told`.
    kept = ~np.isnan(value) & (value != 0) & (value != 255) & (at >= span[0]) & (at < span[1])  # noqa: PLR2004
    return Points(definition, at[kept], value[kept], record.get("ring_id"), borne_by=(SLEEP, record["id"]), span=span)


def _told(value: float | None) -> float | None:
    """The value, unless it is Oura's "none": null, 0, or 255, the highest that a byte holds.

    255 stood as the lowest heart rate of 15 of 48 recorded sleeps, beside a null HRV; the documentation is silent.
    """
    return None if value in {0, 255} else value


def read_daily_readiness(records: Sequence[DailyReadiness], _asked: Asked) -> Iterator[Row]:
    """Keyed on `day`: the timestamp is midnight with an offset of zero, whatever the person's."""
    for record in records:
        yield _of_day(READY, record["id"], record["day"], READINESS, _told(record.get("score")))
        deviation = record.get("temperature_deviation")
        yield _of_day(READY, record["id"], record["day"], READINESS_TEMPERATURE, deviation)


def read_daily_spo2(records: Sequence[DailySpo2], _asked: Asked) -> Iterator[Row]:
    """The mean of the night's blood oxygen."""
    for record in records:
        average = (record.get("spo2_percentage") or {}).get("average")
        yield _of_day(SPO2, record["id"], record["day"], OXYGEN, _told(average))


def _of_day(stream: str, record: str, day: date, definition: Definition, value: float | None) -> DayValue:
    return DayValue(
        definition=definition,
        record=record,
        value=value,
        starts_at=datetime.combine(day, time(), UTC),
        ends_at=None,
        day=day,
        state="unscorable" if value is None else "final",
        link=(stream, record),
    )


def read_daily_activity(records: Sequence[DailyActivity], asked: Asked) -> Iterator[Row]:
    """Steps and energy of a day, pending while it runs."""
    for record in records:
        starts = record["timestamp"]
        ends = starts + timedelta(days=1)
        for definition, value in ((STEPS, record.get("steps")), (ENERGY, record.get("active_calories"))):
            yield DayValue(
                definition=definition,
                record=record["id"],
                value=value,
                starts_at=starts,
                ends_at=ends,
                day=record["day"],
                utc_offset_minutes=_offset(starts),
                state="pending" if ends > asked.until else "unscorable" if value is None else "final",
                link=(ACTIVITY, record["id"]),
            )


def read_workouts(records: Sequence[Workout], _asked: Asked) -> Iterator[Row]:
    """Workouts, by Oura's class of intensity: it gives no heart rate with them."""
    for record in records:
        starts, ends = record["start_datetime"], record["end_datetime"]
        if wrong := wrong_times(record, starts, ends, LONGEST):
            yield wrong
            continue
        detail: dict[str, float | str] = {name: record[name] for name in ("activity", "intensity", "source")}
        numbers = {"distance_meters": record.get("distance"), "energy_kilocalories": record.get("calories")}
        detail |= {name: number for name, number in numbers.items() if number is not None}
        detail["minutes"] = (ends - starts).total_seconds() / 60
        yield Episode(WORKOUT, record["id"], "workout", starts, ends, record["day"], _offset(starts), detail=detail)


def read_heart_rates(records: Sequence[HeartRate | DatedHeartRate], _asked: Asked) -> Iterator[Row]:
    """Heart rates by what the person did. Ascending; of two for one second the higher stands, whatever their order."""
    rejects, told = _dated(records) if any("timestamp" in record for record in records) else ([], records)
    yield from rejects
    at = np.fromiter(map(_UNIX, told), np.int64, len(told)) // 1000
    bpm = np.fromiter(map(_BPM, told), np.float32, len(told))
    context = np.fromiter((_CONTEXT_OF.get(record["source"], 0) for record in told), np.int8, len(told))
    if not (at[1:] > at[:-1]).all():
        order = np.lexsort((bpm, at))
        at, bpm, context = at[order], bpm[order], context[order]
    for index, definition in enumerate(HEART_RATES):
        of_context = context == index
        if of_context.any():
            yield Points(definition, at[of_context], bpm[of_context])


def _dated(records: Sequence[HeartRate | DatedHeartRate]) -> tuple[list[Row], list[HeartRate]]:
    """Those without an instant, set aside, and the others, all with their milliseconds."""
    rejects: list[Row] = []
    told: list[HeartRate] = []
    for record in records:
        if "timestamp_unix" in record and record["timestamp_unix"] is not None:
            told.append(record)
            continue
        at = _milliseconds(record["timestamp"])
        if at is None:
            reason = "timestamp: no instant, and timestamp_unix is missing"
            rejects.append(Rejected(reason, json.dumps(record, sort_keys=True)))
        else:
            told.append({"timestamp_unix": at, "bpm": record["bpm"], "source": record["source"]})
    return rejects, told


def _milliseconds(words: str) -> int | None:
    """An instant in words; None where they say none within the years of this century."""
    try:
        return int(INSTANT.validate_python(words).timestamp() * 1000)
    except ValidationError:
        return None


def read_rings(records: Sequence[RingConfiguration], _asked: Asked) -> Iterator[Row]:
    """A tag on the day each ring was set up, but the first: before it there is nothing to begin anew.

    One without a day is taken for the oldest. A tag too many at the very start changes nothing; one too few hides a
    change of device.
    """
    once = {(ring.get("set_up_at"), ring["id"]) for ring in records}  # one told twice in an answer is one ring
    set_up = sorted(once, key=lambda ring: (ring[0] or NEVER, ring[1]))
    for at, ring in set_up[1:]:
        if at is not None:
            yield Tag(at.astimezone(UTC).date(), "new_device", "oura", link=(RING, ring))


def read_rest_modes(records: Sequence[RestModePeriod], asked: Asked) -> Iterator[Row]:
    """Days of declared rest or illness; one without an end lasts to the end of what was asked for.

    A day has one such tag, and of two for one day the last stands: the longer rest comes after the shorter, such as one
    that was begun by mistake, ended, and begun again.
    """

    def last_day(record: RestModePeriod) -> date:
        return max(record.get("end_day") or asked.until.date(), record["start_day"])

    for record in sorted(records, key=last_day):
        yield Tag(record["start_day"], "rest_mode", "oura", link=(REST_MODE, record["id"]), last_day=last_day(record))


def _offset(at: datetime) -> int:
    return int((at.utcoffset() or timedelta()).total_seconds() // 60)
