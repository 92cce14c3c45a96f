"""Sleep documents: a night as analysed in the background and as the app settled it, and what else looks like sleep.

One document a period, several a day. A short `sleep` carries the sentinels that the recordings show: no series, no
average HRV, a lowest heart rate of 255. A `rest` is a false detection with plausible values, a `deleted` a tombstone.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from providers.simulator.documents import Document, Version, Wearer
from providers.simulator.life import local
from providers.simulator.oura.documents import STEP, written
from providers.simulator.people import SyntheticNight

USUAL_TEMPERATURE = 33.6  # the synthetic person's own, from which Oura reports a deviation
SETTLES_AFTER = timedelta(hours=2)  # until the app's own analysis replaces the one made in the background
CUT_SHORT = 3  # values that the background analysis has not yet seen
NO_HEART_RATE = 255
SHORT_SHARE, NAP_SHARE, REST_SHARE, DELETED_SHARE = 0.31, 0.12, 0.06, 0.02
DEEP, LIGHT, REM, AWAKE = "1234"

Ints = NDArray[np.int64]
Series = list[float | None]


def sleeps(wearer: Wearer, night: SyntheticNight, ring: str) -> Iterator[Document]:
    """Every sleep document of the day that a night ends on; none where the ring was not worn."""
    if not night.worn:
        return
    yield _main(wearer, night, ring)
    dice = wearer.dice("more sleep", night.day)
    short, nap, rest, deleted = (dice.random() < share for share in (SHORT_SHARE, NAP_SHARE, REST_SHARE, DELETED_SHARE))
    if short:
        yield _short(wearer, night, ring)
    if nap:
        yield _brief(wearer, night, ring, "late_nap", hour=17)
    if rest:
        yield _brief(wearer, night, ring, "rest", hour=19)
    if deleted:
        yield _brief(wearer, night, ring, "deleted", hour=15)


def _main(wearer: Wearer, night: SyntheticNight, ring: str) -> Document:
    """The long sleep in two versions: woken, and two hours later as it stays."""
    dice = wearer.dice("sleep", night.day)
    count = -(-night.in_bed_minutes * 60 // STEP)
    gaps = _gaps(dice, count)
    hrv = _series(np.clip(np.rint(dice.normal(night.hrv_ms, 0.15 * night.hrv_ms, count)), 5, 250), gaps)
    above = np.rint(np.abs(dice.normal(6, 4, count)))
    above[int(dice.integers(1, count - CUT_SHORT))] = 0
    heart = _series(night.resting_heart_rate + above, gaps & (above > 0))
    settled = _night(night, ring, hrv, heart)
    first = _night(night, ring, hrv[:-CUT_SHORT], heart[:-CUT_SHORT]) | {
        "bedtime_end": written(local(night, night.wake - timedelta(seconds=CUT_SHORT * STEP))),
        "time_in_bed": night.in_bed_minutes * 60 - CUT_SHORT * STEP,
        "total_sleep_duration": night.asleep_minutes * 60 - CUT_SHORT * STEP,
        "light_sleep_duration": night.light_minutes * 60 - CUT_SHORT * STEP,
        "average_hrv": night.hrv_ms + int(dice.choice([-2, -1, 1, 2])),
        "sleep_analysis_reason": "background_sleep_analysis",
    }
    known = wearer.id("sleep", night.day, 0)
    woken = local(night, night.wake)
    versions = (
        Version(woken, woken - timedelta(seconds=CUT_SHORT * STEP), first | {"id": known}),
        Version(woken + SETTLES_AFTER, woken, settled | {"id": known}),
    )
    return Document("sleep", known, versions)


def _night(night: SyntheticNight, ring: str, hrv: Series, heart: Series) -> dict[str, Any]:
    beats = [beat for beat in heart if beat is not None]
    return _body(night, ring, "long_sleep", night.onset, night.in_bed_minutes) | {
        "period": 0,
        "deep_sleep_duration": night.deep_minutes * 60,
        "light_sleep_duration": night.light_minutes * 60,
        "rem_sleep_duration": night.rem_minutes * 60,
        "awake_time": night.awake_minutes * 60,
        "total_sleep_duration": night.asleep_minutes * 60,
        "latency": 60 * (5 + night.awake_minutes % 15),
        "efficiency": round(100 * night.asleep_minutes / night.in_bed_minutes),
        "average_hrv": night.hrv_ms,
        "average_heart_rate": round(sum(beats) / len(beats), 2),
        "lowest_heart_rate": round(min(beats)),
        "average_breath": night.respiratory_rate,
        "hrv": _sampled(night, night.onset, hrv),
        "heart_rate": _sampled(night, night.onset, heart),
        "sleep_phase_5_min": _phases(night, len(hrv)),
        "readiness": readiness(night),
        "sleep_analysis_reason": "background_created_foreground_updated",
    }


def _short(wearer: Wearer, night: SyntheticNight, ring: str) -> Document:
    """A quarter of an hour taken for sleep, about which next to nothing is known."""
    onset = datetime.combine(night.day, datetime.min.time()) + timedelta(hours=13, minutes=10)
    body = _body(night, ring, "sleep", onset, 15) | {
        "period": 1,
        "efficiency": 3,
        "average_breath": 15.5,
        "average_heart_rate": float(night.resting_heart_rate + 12),
        "lowest_heart_rate": NO_HEART_RATE,
        "readiness": {**readiness(night), "contributors": dict.fromkeys(readiness(night)["contributors"], 0)},
    }
    return _once(wearer, night, body, 1)


def _brief(
    wearer: Wearer, night: SyntheticNight, ring: str, kind: Literal["late_nap", "rest", "deleted"], hour: int
) -> Document:
    """Half an hour in the afternoon with plausible values, which is no night."""
    number = {"late_nap": 2, "rest": 3, "deleted": 4}[kind]
    dice = wearer.dice(kind, night.day)
    onset = datetime.combine(night.day, datetime.min.time()) + timedelta(hours=hour, minutes=int(dice.integers(0, 25)))
    values = np.rint(dice.normal(night.hrv_ms, 5, 6)).clip(5)
    beats = np.rint(dice.normal(night.resting_heart_rate + 9, 2, 6))
    body = _body(night, ring, kind, onset, 30) | {
        "period": number,
        "total_sleep_duration": 1500,
        "light_sleep_duration": 1500,
        "awake_time": 300,
        "efficiency": 83,
        "average_hrv": round(float(values.mean())),
        "average_heart_rate": round(float(beats.mean()), 2),
        "lowest_heart_rate": int(beats.min()),
        "average_breath": night.respiratory_rate,
        "hrv": _sampled(night, onset, _series(values, np.zeros(6, bool))),
        "heart_rate": _sampled(night, onset, _series(beats, np.zeros(6, bool))),
        "sleep_phase_5_min": LIGHT * 6,
    }
    return _once(wearer, night, body, number)


def _once(wearer: Wearer, night: SyntheticNight, body: dict[str, Any], number: int) -> Document:
    known = wearer.id("sleep", night.day, number)
    ended = datetime.fromisoformat(body["bedtime_end"])
    return Document("sleep", known, (Version(ended, ended, body | {"id": known}),))


def _body(night: SyntheticNight, ring: str, kind: str, onset: datetime, minutes: int) -> dict[str, Any]:
    """What every sleep document has, with nothing measured."""
    return {
        "day": night.day.isoformat(),
        "type": kind,
        "bedtime_start": written(local(night, onset)),
        "bedtime_end": written(local(night, onset + timedelta(minutes=minutes))),
        "time_in_bed": minutes * 60,
        "total_sleep_duration": 0,
        "deep_sleep_duration": 0,
        "light_sleep_duration": 0,
        "rem_sleep_duration": 0,
        "awake_time": minutes * 60,
        "latency": 0,
        "restless_periods": 0,
        "average_hrv": None,
        "hrv": None,
        "heart_rate": None,
        "sleep_phase_5_min": None,
        "readiness": None,
        "low_battery_alert": False,
        "ring_id": ring,
        "sleep_algorithm_version": "v2",
        "sleep_analysis_reason": "foreground_sleep_analysis",
    }


def readiness(night: SyntheticNight) -> dict[str, Any]:
    """Oura's own score of a night; contributors are scores too, no beats and no milliseconds."""
    names = (
        "activity_balance body_temperature hrv_balance previous_day_activity previous_night recovery_index "
        "resting_heart_rate sleep_balance sleep_regularity"
    )
    return {
        "score": night.recovery,
        "temperature_deviation": round(night.skin_temperature - USUAL_TEMPERATURE, 2),
        "temperature_trend_deviation": round((night.skin_temperature - USUAL_TEMPERATURE) / 3, 2),
        "contributors": dict.fromkeys(names.split(), max(1, night.recovery)),
    }


def _gaps(dice: np.random.Generator, count: int) -> NDArray[np.bool_]:
    gaps = np.zeros(count, bool)
    gaps[dice.choice(count, min(int(dice.integers(3, 31)), count // 3), replace=False)] = True
    return gaps


def _series(values: NDArray[np.float64], gaps: NDArray[np.bool_]) -> Series:
    return [None if gap else float(value) for value, gap in zip(values.tolist(), gaps.tolist(), strict=True)]


def _sampled(night: SyntheticNight, onset: datetime, items: Series) -> dict[str, Any]:
    return {"interval": float(STEP), "items": items, "timestamp": written(local(night, onset))}


def _phases(night: SyntheticNight, count: int) -> str:
    """A night in cycles: awake first, deep sleep early, REM late. Shares are those of the totals."""
    cycles, minutes = 5, night.in_bed_minutes
    shares = ((AWAKE, night.awake_minutes), (LIGHT, night.light_minutes), (DEEP, night.deep_minutes))
    cycle = "".join(stage * round(count / cycles * part / minutes) for stage, part in shares)
    cycle += REM * max(0, count // cycles - len(cycle))
    return (cycle * cycles).ljust(count, LIGHT)[:count]
