"""Cycles, from falling asleep to falling asleep, and the workouts in them."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from providers.simulator.documents import Body, Document, Version, Wearer
from providers.simulator.life import local, metres_a_beat, workout_span
from providers.simulator.people import SyntheticNight
from providers.simulator.whoop.documents import SCORED, cycle_id, offset, pending_then, user_id, written
from providers.simulator.whoop_export import highest_heart_rate, mean_heart_rate

KILOJOULES = 4.184  # in a kilocalorie
SEEN_AT = (10, 14, 18, 22)  # o'clock: how often a running cycle is counted anew
SPORTS = ("running", "cycling", "weightlifting")
SPRINTING = 15  # strain of a day whose workout was not an even one
FASTER = {"running": 1.0, "cycling": 2.3}  # than on foot; sports without a distance are not named


def cycle(wearer: Wearer, night: SyntheticNight, following: SyntheticNight | None) -> Document:
    """The cycle that a night begins, in the versions it goes through; open until the next night has been synced."""
    start, woken = local(night, night.onset), local(night, night.wake)
    known = cycle_id(wearer, night)
    body = {"id": known, "user_id": user_id(wearer), "start": written(start), "timezone_offset": offset(night)}
    versions = list(pending_then(wearer, woken, start, body, _cycle_score(night, 0.1)))
    for hour in SEEN_AT:
        at = local(night, datetime.combine(night.day, time(hour)))
        if at > woken:
            versions.append(_running(at, start, body, _cycle_score(night, (hour - 4) / 20)))
    if following:
        closed = {**body, "end": written(local(following, following.onset))}
        versions.append(_running(local(following, following.wake), start, closed, _cycle_score(night, 1)))
    return Document("cycle", str(known), tuple(versions))


def workouts(wearer: Wearer, night: SyntheticNight) -> Iterator[Document]:
    """The day's workout with its heart rates and zones; no power, no pace."""
    if span := workout_span(night):
        start, end = span
        sport = SPORTS[night.day.toordinal() % len(SPORTS)]
        body = {
            "id": wearer.id("whoop workout", night.day),
            "user_id": user_id(wearer),
            "start": written(start),
            "end": written(end),
            "timezone_offset": offset(night),
            "sport_name": sport,
        }
        score = _workout_score(night, end - start, sport)
        yield Document("workout", str(body["id"]), tuple(pending_then(wearer, end, start, body, score)))


def _running(at: datetime, start: datetime, body: Body, score: Body) -> Version:
    return Version(at, start, {**body, "score_state": SCORED, "score": score})


def _cycle_score(night: SyntheticNight, share: float) -> Body:
    return {
        "strain": round(night.strain * share, 4),
        "kilojoule": round(night.energy_kcal * KILOJOULES * share, 4),
        "average_heart_rate": mean_heart_rate(night),
        "max_heart_rate": highest_heart_rate(night),
    }


def _workout_score(night: SyntheticNight, lasted: timedelta, sport: str) -> Body:
    milli = round(lasted.total_seconds() * 1000)
    zones = ("zone_zero", "zone_one", "zone_two", "zone_three", "zone_four", "zone_five")
    average = 112 + round(night.strain)
    highest = highest_heart_rate(night) if night.strain >= SPRINTING else average + 12
    moved = {
        "distance_meter": round(milli / 60_000 * average * metres_a_beat(night) * FASTER.get(sport, 0), 1),
        "altitude_gain_meter": 42.0,
        "altitude_change_meter": -1.5,
    }
    return {
        "strain": round(night.strain * 0.8, 4),
        "average_heart_rate": average,
        "max_heart_rate": highest,
        "kilojoule": round(milli / 60_000 * 40, 4),
        "percent_recorded": 100.0,
        **(moved if sport in FASTER else {}),
        "zone_durations": {f"{name}_milli": milli // len(zones) for name in zones},
    }
