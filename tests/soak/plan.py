"""Who is soaked, and when it is looked at: all follows from a seed, and is equal for the calm life and the storm."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from providers.simulator.people import Story

CONNECTED = datetime(2026, 2, 28, 6, tzinfo=UTC)
FIRST_DAY = date(2026, 3, 1)
# Each day is looked at once, after one of the three times at which phones hand over, in turn; then two quiet days.
PHONE = (time(7, 30), time(14), time(20))
MOMENTS = (time(8), time(14, 30), time(20, 30))
PAST = (45, 75)  # nights before the first day
BOTH = ("oura", "whoop")
WORN = (("oura",), ("whoop",), ("oura",), ("whoop",), BOTH)
STORIES = (
    Story.OVERREACHING,
    Story.STEADY,
    Story.OVERREACHING,
    Story.ILL,
    Story.OVERREACHING,
    Story.DRINKER,
    Story.OVERREACHING,
    Story.MISSING_NIGHTS,
    Story.OVERREACHING,
    Story.TRAVELLER,
    Story.NEW_DEVICE,
)
SENSITIVITIES = ("balanced", "early", "balanced", "calm")
NOTIFIED = 0.1  # of the people: each notice is a call of its own, and polls bring the nights of the others
REGRETS = 0.02  # chance, each moment, that somebody throws a sleep of the last days away


@dataclass(frozen=True, slots=True)
class Someone:
    """A made-up person: their story as the vendors know it, and how they set Vagus up."""

    handle: str
    story: Story
    last_day: date  # the last night there is: later ones were not worn
    nights: int
    seed: int
    worn: tuple[str, ...]
    sensitivity: str
    sleeps_undisturbed: bool  # keeps the usual quiet hours
    notified: bool

    @property
    def address(self) -> str:
        return f"{self.handle}@example.org"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is lived: so many people, so many days."""

    people: int = 200
    days: int = 30
    seed: int = 1
    quiet_days: int = 2

    def everyone(self) -> Sequence[Someone]:
        return [self._someone(number) for number in range(self.people)]

    @property
    def count(self) -> int:
        """How many moments there are, quiet ones too."""
        return self.days + self.quiet_days

    def moments(self) -> Iterator[datetime]:
        """When somebody looks, in order."""
        for day in range(self.days):
            yield datetime.combine(FIRST_DAY + timedelta(days=day), MOMENTS[day % len(MOMENTS)], UTC)

    def quiet_moments(self, lived: int) -> Iterator[datetime]:
        """The days after so many, on which nothing goes wrong any more."""
        for day in range(self.quiet_days):
            yield datetime.combine(FIRST_DAY + timedelta(days=lived + day), MOMENTS[1], UTC)

    def dice(self, *parts: object) -> random.Random:
        """Chance that falls the same way for the same parts."""
        return random.Random(f"{self.seed}/{'/'.join(str(part) for part in parts)}")

    def _someone(self, number: int) -> Someone:
        dice, story = self.dice("person", number), STORIES[number % len(STORIES)]
        ends = dice.randint(2, self.days + 6)
        return Someone(
            handle=f"p{number}",
            story=story,
            last_day=FIRST_DAY + timedelta(days=ends),
            nights=dice.randint(*PAST) + ends,
            seed=self.seed * 1000 + number,
            worn=WORN[number % len(WORN)],
            sensitivity=SENSITIVITIES[number % len(SENSITIVITIES)],
            sleeps_undisturbed=dice.random() < 0.5,
            notified=dice.random() < NOTIFIED,
        )
