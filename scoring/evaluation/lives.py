"""A life being drawn: its columns in own scales, where nothing has happened yet but noise."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from scoring.night import Bools, Floats, Rows

from .worlds import World

Kind: TypeAlias = Literal[
    "fatigue",
    "illness",
    "vaccination",
    "alcohol",
    "travel",
    "altitude",
    "heat",
    "short_sleep",
    "device",
    "firmware",
    "medication",
]
SETTLING = 40  # nights before anything but everyday things happens
TRIES = 50


@dataclass(frozen=True, slots=True)
class Spell:
    """What truly happened on the calendar nights [first, end)."""

    kind: Kind
    first: int
    end: int


@dataclass(slots=True)
class Life:
    """Columns over calendar nights: the two deciding signals in own scales, the others in their units."""

    length: int
    hrv_scale: float  # ln(ms)
    resting_scale: float  # bpm
    hrv: Floats
    resting: Floats
    breathing: Floats  # per minute, away from usual
    warmth: Floats  # °C
    oxygen: Floats  # points
    slept: Floats  # minutes
    moved: Floats  # share of usual steps
    load: Floats
    hard: Bools
    offset: Rows
    luteal: Bools | None
    tags: list[set[str]]
    series: list[str]
    spells: list[Spell] = field(default_factory=list)
    drank: set[int] = field(default_factory=set)  # nights, noted or not

    @classmethod
    def begin(cls, rng: np.random.Generator, world: World, length: int) -> "Life":
        """Noise of both signals: correlated, following itself, drifting, with heavy tails."""
        hrv, resting = _noise(rng, world, length)
        breathing, warmth, oxygen, slept = np.zeros((4, length))
        return cls(
            length=length,
            hrv_scale=float(rng.uniform(0.12, 0.28)),
            resting_scale=float(rng.uniform(2.2, 5.0)),
            hrv=hrv,
            resting=resting,
            breathing=breathing,
            warmth=warmth,
            oxygen=oxygen,
            slept=slept,
            moved=np.ones(length),
            load=np.zeros(length),
            hard=np.zeros(length, dtype=np.bool_),
            offset=np.full(length, 60),
            luteal=None,
            tags=[set() for _ in range(length)],
            series=["a"] * length,
        )

    def strain(self, first: int, shape: Floats, hrv: float, resting: float) -> None:
        """Move both signals towards strain from a night on: `hrv` in ln(ms) lower, `resting` in bpm higher."""
        end = min(first + len(shape), self.length)
        self.hrv[first:end] -= hrv / self.hrv_scale * shape[: end - first]
        self.resting[first:end] += resting / self.resting_scale * shape[: end - first]

    def add(self, column: Floats, first: int, values: Floats) -> None:
        """Add to one column from a night on, as far as the life goes."""
        end = min(first + len(values), self.length)
        column[first:end] += values[: end - first]

    def tag(self, first: int, end: int, tag: str) -> None:
        """Note something on each night of a span."""
        for tags in self.tags[first:end]:
            tags.add(tag)

    def phase(self, day: int) -> Literal["follicular", "luteal"] | None:
        """Phase of the cycle, for who has one."""
        if self.luteal is None:
            return None
        return "luteal" if self.luteal[day] else "follicular"

    def place(self, rng: np.random.Generator, shortest: int, longest: int, *, apart: int) -> tuple[int, int] | None:
        """Find a span at least `apart` nights from every long spell; None where the life is full."""
        for _ in range(TRIES):
            nights = int(rng.integers(shortest, longest + 1))
            first = int(rng.integers(SETTLING, self.length - nights - 10))
            near = (first - apart < each.end and each.first < first + nights + apart for each in self.spells)
            if not any(near):
                return first, first + nights
        return None


def happens(rng: np.random.Generator, share: float, times: int = 1) -> Bools:
    """Draw whether something happens, so many times over; one time is as good as a truth value."""
    drawn: Bools = rng.random(times) < share
    return drawn


def _noise(rng: np.random.Generator, world: World, length: int) -> tuple[Floats, Floats]:
    together = -np.clip(rng.normal(0.78, 0.1), 0.3, 0.92)
    mix = np.linalg.cholesky([[1, together], [together, 1]]).T
    heavy = rng.standard_t(world.tails, size=(length, 2)) * np.sqrt((world.tails - 2) / world.tails) @ mix
    slow = min(world.slow * np.exp(rng.normal(0, world.uneven)), 0.6) if world.uneven else world.slow
    following = float(np.clip(rng.normal(world.following, 0.08), 0, 0.6))
    night = _carried_on(heavy, following)
    drift = _carried_on(rng.normal(size=(length, 2)) @ mix, 0.96)
    both = np.sqrt(1 - slow) * night + np.sqrt(slow) * drift
    return both[:, 0], both[:, 1]


def _carried_on(steps: Floats, share: float) -> Floats:
    """Each night keeps a share of the one before; the variance stays 1."""
    fresh = np.sqrt(1 - share**2)
    kept = steps.copy()
    for night in range(1, len(steps)):
        kept[night] = share * kept[night - 1] + fresh * steps[night]
    return kept
