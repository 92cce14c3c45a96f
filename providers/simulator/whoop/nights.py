"""Sleeps and the recoveries after them: stage totals without a hypnogram, and a recovery without a time of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from providers.simulator.documents import Body, Document, Wearer
from providers.simulator.life import local
from providers.simulator.people import SyntheticNight
from providers.simulator.whoop.documents import (
    RESCORED_SHARE,
    Strap,
    cycle_id,
    offset,
    pending_then,
    sleep_id,
    user_id,
    written,
)
from providers.simulator.whoop_export import SLEEP_CONSISTENCY, SLEEP_NEED, sleep_efficiency, sleep_performance

NAP_SHARE = 0.15
MINUTE = 60_000  # milliseconds


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person's own correction of a night does to it: minutes asleep added at its end, HRV in ms."""

    minutes: int = 10
    hrv_ms: int = 2


def sleeps(wearer: Wearer, night: SyntheticNight, strap: Strap) -> Iterator[Document]:
    """The night, and now and then a nap in the afternoon; none where the strap was not worn."""
    if not night.worn:
        return
    start, end = local(night, night.onset), local(night, night.wake)
    body = _sleep(wearer, night, start, end, position=0)
    score = _night_score(night) if strap.scores(wearer, night) else None
    yield Document("sleep", body["id"], tuple(pending_then(wearer, end, start, body, score)))
    dice = wearer.dice("whoop nap", night.day)
    if dice.random() < NAP_SHARE:
        minutes = int(dice.integers(25, 80))
        began = local(night, datetime.combine(night.day, time(13, 30)))
        ended = began + timedelta(minutes=minutes)
        nap = _sleep(wearer, night, began, ended, position=1)
        yield Document("sleep", nap["id"], tuple(pending_then(wearer, ended, began, nap, _nap_score(night, minutes))))


def recovery(wearer: Wearer, night: SyntheticNight, strap: Strap, *, calibrating: bool) -> Iterator[Document]:
    """The recovery after a night, kept by the sleep's id; now and then scored twice, at first a little wrong."""
    if not night.worn:
        return
    start, end = local(night, night.onset), local(night, night.wake)
    body = {"cycle_id": cycle_id(wearer, night), "sleep_id": sleep_id(wearer, night), "user_id": user_id(wearer)}
    score = _recovery_score(night, strap, calibrating=calibrating)
    scores: list[Body | None] = [score]
    if not strap.scores(wearer, night):
        scores = [None]
    elif wearer.dice("whoop rescored", night.day).random() < RESCORED_SHARE:
        scores = [{**score, "hrv_rmssd_milli": score["hrv_rmssd_milli"] - 3.0}, score]
    yield Document("recovery", str(body["sleep_id"]), tuple(pending_then(wearer, end, start, body, *scores)))


def edited(kind: str, body: Body, edit: Edit) -> Body:
    """A scored sleep or recovery as it reads after the person has corrected the night."""
    score = dict(body["score"])
    if kind == "recovery":
        return {**body, "score": {**score, "hrv_rmssd_milli": score["hrv_rmssd_milli"] + edit.hrv_ms}}
    added = edit.minutes * MINUTE
    stages = dict(score["stage_summary"])
    for name in ("total_in_bed_time_milli", "total_light_sleep_time_milli"):
        stages[name] += added
    end = datetime.fromisoformat(body["end"]) + timedelta(minutes=edit.minutes)
    return {**body, "end": written(end), "score": {**score, "stage_summary": stages}}


def _sleep(wearer: Wearer, night: SyntheticNight, start: datetime, end: datetime, position: int) -> Body:
    return {
        "id": sleep_id(wearer, night, position),
        "cycle_id": cycle_id(wearer, night),
        "user_id": user_id(wearer),
        "start": written(start),
        "end": written(end),
        "timezone_offset": offset(night),
        "nap": position > 0,
    }


def _night_score(night: SyntheticNight) -> Body:
    stages = (night.light_minutes, night.deep_minutes, night.rem_minutes)
    return {
        "stage_summary": _stages(night.in_bed_minutes, night.awake_minutes, *stages),
        "sleep_needed": _needed(),
        "respiratory_rate": night.respiratory_rate,
        "sleep_performance_percentage": float(sleep_performance(night)),
        "sleep_consistency_percentage": float(SLEEP_CONSISTENCY),
        "sleep_efficiency_percentage": float(sleep_efficiency(night)),
    }


def _nap_score(night: SyntheticNight, minutes: int) -> Body:
    return {
        "stage_summary": _stages(minutes, 5, minutes - 5, 0, 0),
        "sleep_needed": _needed(),
        "respiratory_rate": night.respiratory_rate + 0.5,
        "sleep_performance_percentage": 12.0,
        "sleep_consistency_percentage": 0.0,
        "sleep_efficiency_percentage": float(round(100 * (minutes - 5) / minutes)),
    }


def _stages(in_bed: int, awake: int, light: int, deep: int, rem: int) -> dict[str, int]:
    return {
        "total_in_bed_time_milli": in_bed * MINUTE,
        "total_awake_time_milli": awake * MINUTE,
        "total_no_data_time_milli": 0,
        "total_light_sleep_time_milli": light * MINUTE,
        "total_slow_wave_sleep_time_milli": deep * MINUTE,
        "total_rem_sleep_time_milli": rem * MINUTE,
        "sleep_cycle_count": max(1, in_bed // 95),
        "disturbance_count": awake // 4,
    }


def _needed() -> dict[str, int]:
    parts = {"need_from_sleep_debt_milli": 20, "need_from_recent_strain_milli": 15, "need_from_recent_nap_milli": -5}
    added = {name: minutes * MINUTE for name, minutes in parts.items()}
    return {"baseline_milli": SLEEP_NEED * MINUTE - sum(added.values()), **added}


def _recovery_score(night: SyntheticNight, strap: Strap, *, calibrating: bool) -> Body:
    sensed = {"spo2_percentage": night.oxygen_saturation, "skin_temp_celsius": night.skin_temperature}
    return {
        "user_calibrating": calibrating,
        "recovery_score": float(night.recovery),
        "resting_heart_rate": float(night.resting_heart_rate),
        "hrv_rmssd_milli": float(night.hrv_ms),
        **({} if strap.older else sensed),
    }
