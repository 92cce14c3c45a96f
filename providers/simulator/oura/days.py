"""Documents about days: readiness, oxygen, activity as it grows, workouts, rest mode, and the rings themselves."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from providers.simulator.documents import Document, Version, Wearer
from providers.simulator.life import above_resting, local, metres_a_beat, workout_span, zone
from providers.simulator.oura.documents import midnight, written
from providers.simulator.oura.sleeps import SETTLES_AFTER, readiness
from providers.simulator.people import SyntheticNight

DAY_STARTS = timedelta(hours=4)  # an Oura day runs from four to four
SEEN_AT = (10, 14, 18, 22)  # o'clock: how often a growing day is counted anew
NO_OXYGEN_SHARE = 0.05
SPORTS = ("running", "cycling", "strength_training")
FASTER = {"running": 1.0, "cycling": 2.3}  # than on foot; sports without a distance are not named


def daily_readiness(wearer: Wearer, night: SyntheticNight) -> Iterator[Document]:
    """The score of a night, made when woken and once more when the night is settled."""
    if night.worn:
        woken, known = local(night, night.wake), wearer.id("daily_readiness", night.day)
        body = {
            "id": known,
            "day": night.day.isoformat(),
            "timestamp": f"{night.day}T00:00:00+00:00",
            **readiness(night),
        }
        first = body | {"score": max(1, night.recovery - 2)}
        versions = (
            Version(woken, midnight(night), first),
            Version(woken + SETTLES_AFTER, midnight(night), body),
        )
        yield Document("daily_readiness", known, versions)


def daily_spo2(wearer: Wearer, night: SyntheticNight) -> Iterator[Document]:
    """Oxygen in the night; now and then the ring could not tell."""
    if night.worn:
        known = wearer.id("daily_spo2", night.day)
        unknown = wearer.dice("oxygen", night.day).random() < NO_OXYGEN_SHARE
        body = {
            "id": known,
            "day": night.day.isoformat(),
            "spo2_percentage": None if unknown else {"average": night.oxygen_saturation},
            "breathing_disturbance_index": None if unknown else 4,
        }
        yield Document("daily_spo2", known, (Version(local(night, night.wake), midnight(night), body),))


def daily_activity(wearer: Wearer, night: SyntheticNight) -> Iterator[Document]:
    """A day from four to four, in the versions that a day goes through while it lasts, and the final one."""
    known = wearer.id("daily_activity", night.day)
    start = datetime.combine(night.day, time(), zone(night)) + DAY_STARTS
    counted = [(start.replace(hour=hour), (hour - DAY_STARTS.seconds // 3600) / 20) for hour in SEEN_AT]
    versions = (
        Version(at, start, _activity(known, night, start, min(1.0, share)))
        for at, share in [*counted, (start + timedelta(days=1), 1.0)]
    )
    yield Document("daily_activity", known, tuple(versions))


def steps(night: SyntheticNight) -> int:
    """How far the person walked on the day that a night's waking begins."""
    return round(2500 + 620 * night.strain + 7 * night.asleep_minutes)


def _activity(known: str, night: SyntheticNight, start: datetime, share: float) -> dict[str, object]:
    walked = round(steps(night) * share)
    return {
        "id": known,
        "day": night.day.isoformat(),
        "timestamp": written(start),
        "score": 60 + round(2 * min(night.strain, 15)),
        "steps": walked,
        "active_calories": round(45 * night.strain * share),
        "total_calories": round(night.energy_kcal * share),
        "equivalent_walking_distance": round(0.8 * walked),
        "high_activity_time": 0,
        "medium_activity_time": round(240 * night.strain * share),
        "low_activity_time": round(16_000 * share),
        "sedentary_time": round(30_000 * share),
        "resting_time": round(night.in_bed_minutes * 60 * share),
        "non_wear_time": 0 if night.worn else 8 * 3600,
        "met": {"interval": 60.0, "items": [], "timestamp": written(start)},
    }


def workouts(wearer: Wearer, night: SyntheticNight) -> Iterator[Document]:
    """The day's workout, with how hard it felt to the ring; no heart rate, no power."""
    if span := workout_span(night):
        start, end = span
        known = wearer.id("workout", night.day)
        minutes = (end - start).total_seconds() / 60
        sport = SPORTS[night.day.toordinal() % len(SPORTS)]
        body = {
            "id": known,
            "day": night.day.isoformat(),
            "activity": sport,
            "calories": round(minutes * 9.5, 1),
            "distance": round(minutes * _metres_a_minute(night) * FASTER[sport], 1) if sport in FASTER else None,
            "start_datetime": written(start),
            "end_datetime": written(end),
            "intensity": "hard" if night.strain >= 15 else "moderate",  # noqa: PLR2004
            "label": None,
            "source": "autodetected",
        }
        yield Document("workout", known, (Version(end, start, body),))


def _metres_a_minute(night: SyntheticNight) -> float:
    return metres_a_beat(night) * (night.resting_heart_rate + above_resting(night))


def rest_modes(wearer: Wearer, nights: Sequence[SyntheticNight]) -> Iterator[Document]:
    """The person turned rest mode on with the first ill morning, and off after the last; open while it lasts."""
    runs: list[list[SyntheticNight]] = []
    for night in nights:
        if "ill" not in night.tags:
            continue
        if runs and runs[-1][-1].day == night.day - timedelta(days=1):
            runs[-1].append(night)
        else:
            runs.append([night])
    for run in runs:
        first, last = run[0], run[-1]
        known = wearer.id("rest_mode_period", first.day)
        opened, closed = local(first, first.wake), local(last, last.wake) + timedelta(days=1)
        body = {
            "id": known,
            "start_day": first.day.isoformat(),
            "start_time": written(opened),
            "end_day": None,
            "end_time": None,
            "episodes": [{"tags": ["tag_generic_sick"], "timestamp": written(opened)}],
        }
        ended = body | {"end_day": last.day.isoformat(), "end_time": written(closed)}
        yield Document(
            "rest_mode_period",
            known,
            (Version(opened, midnight(first), body), Version(closed, midnight(first), ended)),
        )


def ring_id(wearer: Wearer, device: str) -> str:
    """The id of one of the person's rings."""
    return wearer.id("ring", device)


def rings(wearer: Wearer, nights: Sequence[SyntheticNight]) -> Iterator[Document]:
    """A document a ring, set up on the evening before its first night."""
    seen: dict[str, date] = {}
    for night in nights:
        if night.device in seen:
            continue
        seen[night.device] = night.day
        set_up = local(night, night.onset) - timedelta(hours=4)
        known = ring_id(wearer, night.device)
        body = {
            "id": known,
            "color": ("glossy_black", "silver")[len(seen) % 2],
            "design": "horizon",
            "firmware_version": "3.1.4",
            "hardware_type": ("gen3", "gen4")[len(seen) > 1],
            "set_up_at": written(set_up.astimezone(UTC)),
            "size": 9,
        }
        yield Document("ring_configuration", known, (Version(set_up, set_up, body),))
