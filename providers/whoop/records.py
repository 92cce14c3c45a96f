"""What WHOOP's records hold of what is read here: https://developer.whoop.com/api, API v2.

Only fields that are read are named; others pass unseen. `score` is there where `score_state` is SCORED, and not where
it is PENDING_SCORE or UNSCORABLE. Times are instants; `timezone_offset` is the person's, `-05:00` or `Z`.
"""

from typing import Annotated, NotRequired, TypeAlias

from pydantic import Field, FiniteFloat, StringConstraints
from typing_extensions import TypedDict

from providers.base import Id, Instant, Word

Milliseconds = Annotated[int, Field(ge=0, lt=7 * 86_400_000)]
Number: TypeAlias = FiniteFloat | None
Total: TypeAlias = Milliseconds | None
Offset = Annotated[str, StringConstraints(pattern=r"^(Z|[+-](0\d|1[0-3]):?[0-5]\d|[+-]14:?00)$")]


class Stages(TypedDict, total=False):
    """Totals of a sleep in milliseconds; there is no hypnogram."""

    total_in_bed_time_milli: Total
    total_awake_time_milli: Total
    total_no_data_time_milli: Total
    total_light_sleep_time_milli: Total
    total_slow_wave_sleep_time_milli: Total
    total_rem_sleep_time_milli: Total


class SleepScore(TypedDict, total=False):
    """Of a sleep: breaths a minute, and percent."""

    stage_summary: Stages | None
    respiratory_rate: Number
    sleep_performance_percentage: Number
    sleep_consistency_percentage: Number
    sleep_efficiency_percentage: Number


class Sleep(TypedDict):
    """A sleep, or a nap."""

    id: Id
    start: Instant
    end: Instant
    timezone_offset: Offset
    nap: bool
    score_state: Word
    score: NotRequired[SleepScore | None]


class RecoveryScore(TypedDict, total=False):
    """Percent, beats a minute, milliseconds (what `milli` stands for here), °C; straps before 4.0 lack the last two."""

    user_calibrating: bool | None
    recovery_score: Number
    resting_heart_rate: Number
    hrv_rmssd_milli: Number
    spo2_percentage: Number
    skin_temp_celsius: Number


class Recovery(TypedDict):
    """The recovery after a sleep."""

    sleep_id: Id
    created_at: Instant
    score_state: Word
    score: NotRequired[RecoveryScore | None]


class CycleScore(TypedDict, total=False):
    """Strain from 0 to 21; energy, resting burn included."""

    strain: Number
    kilojoule: Number


class Cycle(TypedDict):
    """A cycle; without an end while it runs."""

    id: int
    start: Instant
    end: NotRequired[Instant | None]
    timezone_offset: Offset
    score_state: Word
    score: NotRequired[CycleScore | None]


class WorkoutScore(TypedDict, total=False):
    """Strain, beats a minute, energy, percent that was recorded, metres, milliseconds in each zone of heart rate."""

    strain: Number
    average_heart_rate: Number
    max_heart_rate: Number
    kilojoule: Number
    percent_recorded: Number
    distance_meter: Number
    zone_durations: dict[Id, Total] | None


class Workout(TypedDict):
    """A workout; the names of sports are many."""

    id: Id
    start: Instant
    end: Instant
    timezone_offset: Offset
    sport_name: NotRequired[Word | None]
    score_state: Word
    score: NotRequired[WorkoutScore | None]


class Notice(TypedDict):
    """Whose data changed, and of which type. The `id` of a recovery's notice is that of its sleep (v1: its cycle)."""

    user_id: int
    id: Id
    type: Word
