"""A person's life as every vendor sees it: the nights of a story, the person's own clock, and when they train."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from providers.simulator.people import Story, SyntheticNight, nights

HARD_STRAIN = 12.0  # a day with a workout
WORKOUT_STARTS, SHORTEST_WORKOUT = 17, 40  # o'clock, minutes
USUAL_PACE, USUAL_HRV = 1.15, 62  # metres a heartbeat on foot; ms


@dataclass(frozen=True, slots=True)
class Life:
    """A person's nights: `count` of a story, the last one waking on `last_day`, which may lie ahead."""

    story: Story
    last_day: date
    count: int
    seed: int
    utc_offset_minutes: int = 0

    def nights(self) -> list[SyntheticNight]:
        """Night by night."""
        zone = self.utc_offset_minutes
        return nights(self.story, self.last_day, self.count, self.seed, utc_offset_minutes=zone)


def today(now: datetime, utc_offset_minutes: int) -> date:
    """The civil day at an offset."""
    return (now.astimezone(UTC) + timedelta(minutes=utc_offset_minutes)).date()


def zone(night: SyntheticNight) -> timezone:
    """The zone that the person is in, as an offset."""
    return timezone(timedelta(minutes=night.utc_offset_minutes))


def local(night: SyntheticNight, at: datetime) -> datetime:
    """A time on the person's clock, aware."""
    return at.replace(tzinfo=zone(night))


def workout_span(night: SyntheticNight) -> tuple[datetime, datetime] | None:
    """When the person trained on the day that begins with this waking; None on an easy day."""
    if night.strain < HARD_STRAIN:
        return None
    start = datetime.combine(night.day, time(WORKOUT_STARTS), zone(night))
    return start, start + timedelta(minutes=SHORTEST_WORKOUT + 5 * round(night.strain - HARD_STRAIN))


def above_resting(night: SyntheticNight) -> int:
    """How far the heart of somebody who trains at an even pace beats above rest, /min; higher on a harder day."""
    return 66 + round(3 * (night.strain - HARD_STRAIN))


def metres_a_beat(night: SyntheticNight) -> float:
    """Output at a given effort on foot, which follows the night before: less after nights of suppressed HRV."""
    return float(USUAL_PACE * (night.hrv_ms / USUAL_HRV) ** 0.15)
