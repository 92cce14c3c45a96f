"""What Oura's documents hold of what is read here: https://cloud.ouraring.com/v2/docs, API 2.0.

Only fields that are read are named; others pass unseen. A document in which a named field is not as documented is set
aside alone. Words that Oura may add to (types, sources, activities) are plain strings: a new one breaks nothing.
"""

from datetime import date
from typing import Annotated, NotRequired

from pydantic import Field, FiniteFloat
from typing_extensions import TypedDict

from providers.base import EARLIEST, LATEST, Id, Instant, Word

Day = Annotated[date, Field(ge=EARLIEST.date(), lt=LATEST.date())]
Milliseconds = Annotated[int, Field(ge=int(EARLIEST.timestamp()) * 1000, lt=int(LATEST.timestamp()) * 1000)]
Seconds = Annotated[int, Field(ge=0, lt=7 * 86400)]
Rate = Annotated[float, Field(ge=0, le=1e6)]


class Samples(TypedDict):
    """Values at even steps from `timestamp`; the step in seconds. A gap is a null in its place."""

    interval: Annotated[float, Field(gt=0, le=86400)]
    items: list[float | None]
    timestamp: Instant


class Readiness(TypedDict):
    """What a sleep says of readiness: the deviation of the skin's temperature in °C."""

    temperature_deviation: NotRequired[float | None]


class Sleep(TypedDict):
    """A period of sleep; several a day. Durations in seconds, HRV as rMSSD in ms, efficiency in percent.

    `type` is long_sleep, sleep, late_nap, rest (taken for sleep, and refused by the person) or deleted.
    """

    id: Id
    day: Day
    type: Word
    bedtime_start: Instant
    bedtime_end: Instant
    average_hrv: NotRequired[float | None]
    lowest_heart_rate: NotRequired[float | None]
    average_breath: NotRequired[float | None]
    hrv: NotRequired[Samples | None]
    heart_rate: NotRequired[Samples | None]
    readiness: NotRequired[Readiness | None]
    total_sleep_duration: NotRequired[Seconds | None]
    time_in_bed: NotRequired[Seconds | None]
    deep_sleep_duration: NotRequired[Seconds | None]
    light_sleep_duration: NotRequired[Seconds | None]
    rem_sleep_duration: NotRequired[Seconds | None]
    awake_time: NotRequired[Seconds | None]
    latency: NotRequired[Seconds | None]
    efficiency: NotRequired[FiniteFloat | None]
    sleep_analysis_reason: NotRequired[Word | None]
    ring_id: NotRequired[Id | None]


class DailyReadiness(TypedDict):
    """Oura's own score of a day, 0 to 100, and the night's deviation of skin temperature in °C."""

    id: Id
    day: Day
    score: NotRequired[float | None]
    temperature_deviation: NotRequired[float | None]


class Percentage(TypedDict):
    """A mean in percent."""

    average: NotRequired[float | None]


class DailySpo2(TypedDict):
    """Blood oxygen during sleep; no percentage where the ring measured too little."""

    id: Id
    day: Day
    spo2_percentage: NotRequired[Percentage | None]


class DailyActivity(TypedDict):
    """Movement of a day, from four in the morning (`timestamp`, the person's own offset) to four; energy in kcal."""

    id: Id
    day: Day
    timestamp: Instant
    steps: NotRequired[float | None]
    active_calories: NotRequired[float | None]


class Workout(TypedDict):
    """A workout: energy in kcal, distance in metres; intensity easy, moderate or hard. No heart rate."""

    id: Id
    day: Day
    activity: Word
    intensity: Word
    source: Word
    start_datetime: Instant
    end_datetime: Instant
    calories: NotRequired[FiniteFloat | None]
    distance: NotRequired[FiniteFloat | None]


class HeartRate(TypedDict):
    """A heart rate in beats a minute at `timestamp_unix`, in milliseconds.

    `source` is awake, rest, sleep, workout, live or session; it is not stored, so it is not looked into, and the words
    of its time are not even read: there are a hundred thousand of these a year.
    """

    timestamp_unix: Milliseconds
    bpm: Rate
    source: str


class DatedHeartRate(TypedDict):
    """A heart rate whose time is told in words alone."""

    timestamp: str
    timestamp_unix: NotRequired[None]
    bpm: Rate
    source: str


AnyHeartRate = Annotated[HeartRate | DatedHeartRate, Field(union_mode="left_to_right")]


class RingConfiguration(TypedDict):
    """A ring of the person's."""

    id: Id
    set_up_at: NotRequired[Instant | None]


class RestModePeriod(TypedDict):
    """Days for which the person declared rest or illness; without an end it goes on."""

    id: Id
    start_day: Day
    end_day: NotRequired[Day | None]
