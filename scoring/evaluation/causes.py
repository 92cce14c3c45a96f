"""Everything that happens to synthetic people: fatigue first, then each other cause as it shows in the signals."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from scoring.night import Floats

from .lives import SETTLING, Kind, Life, Spell, happens
from .worlds import World

Rng = np.random.Generator
YEAR = 365.25
APART = 12  # nights between two long spells
NIGHTS_OF: Mapping[Kind, tuple[int, int]] = {
    "fatigue": (10, 25),
    "illness": (5, 9),
    "vaccination": (2, 3),
    "travel": (7, 12),
    "altitude": (5, 12),
    "heat": (4, 10),
    "short_sleep": (4, 8),
}
PHASE_DAYS = 14


def live(life: Life, world: World, rng: Rng) -> None:
    """Fill a life: training, fatigue, and all that looks like it."""
    _train(life, world, rng)
    _fatigue(life, world, rng)
    rate = world.causes
    _illness(life, rng, 2 * rate, world)
    _vaccination(life, rng, 0.4 * rate, world)
    _travel(life, rng, 1.5 * rate, world)
    _altitude(life, rng, 0.4 * rate, world)
    _heat(life, rng, 0.6 * rate, world)
    _short_sleep(life, rng, 1.5 * rate, world)
    _drinks(life, rng, world)
    _cycle(life, rng)
    _steps(life, rng, rate)


def _spans(life: Life, world: World, rng: Rng, kind: Kind, rate: float) -> list[tuple[int, int]]:
    """Place spells of one kind at `rate` a year; where causes overlap, only fatigue keeps its distance."""
    spans = []
    for _ in range(rng.poisson(rate * life.length / YEAR)):
        if world.overlap and kind != "fatigue":
            span = _anywhere(life, rng, *NIGHTS_OF[kind])
        else:
            span = life.place(rng, *NIGHTS_OF[kind], apart=APART)
        if span:
            spans.append(span)
            life.spells.append(Spell(kind, *span))
    return spans


def _anywhere(life: Life, rng: Rng, shortest: int, longest: int) -> tuple[int, int] | None:
    nights = int(rng.integers(shortest, longest + 1))
    first = int(rng.integers(SETTLING, life.length - nights - 10))
    return first, first + nights


def _train(life: Life, world: World, rng: Rng) -> None:
    """Three to six sessions a week on the person's own weekdays, one or two of them hard, and idle blocks of more."""
    week = happens(rng, rng.uniform(0.45, 0.85), 7)
    hard = week & happens(rng, 0.35, 7)
    for day in range(life.length):
        if week[day % 7] and happens(rng, 0.85):
            life.load[day] = rng.gamma(6, 10) * (1.8 if hard[day % 7] else 1.0)
    for _ in range(rng.poisson(world.blocks * life.length / YEAR)):
        first = int(rng.integers(20, life.length - 20))
        _more_training(life, rng, first, first + int(rng.integers(8, 16)))


def _more_training(life: Life, rng: Rng, first: int, end: int) -> None:
    more = rng.uniform(1.4, 2.0)
    for day in range(max(first, 0), min(end, life.length)):
        life.load[day] = max(life.load[day], rng.gamma(6, 10) if happens(rng, 0.7) else 0.0) * more


def _fatigue(life: Life, world: World, rng: Rng) -> None:
    """Both signals move for 10 to 25 nights, over a ramp of 2 to 5, and ease over two more."""
    for first, end in _spans(life, world, rng, "fatigue", world.episodes):
        depth = float(rng.uniform(*world.depth))
        ramp = np.minimum(1, np.arange(1, end - first + 1) / rng.integers(2, 6))
        shape = np.concatenate((ramp, [0.6, 0.3]))
        own = depth * rng.uniform(0.8, 1.2, 2)
        life.strain(first, shape, own[0] * life.hrv_scale, own[1] * life.resting_scale)
        if happens(rng, world.coupled):
            _more_training(life, rng, first - int(rng.integers(5, 10)), first + int(rng.integers(2, 8)))
    _hard_days(life)


def _hard_days(life: Life) -> None:
    """A hard session shows for a night or two: about a third of the scatter."""
    trained = life.load[life.load > 0]
    if not len(trained):
        return
    life.hard = life.load > np.percentile(trained, 80)
    for first in np.flatnonzero(life.hard).tolist():
        life.strain(first, np.array([0.36, 0.15]), life.hrv_scale, life.resting_scale)


def _illness(life: Life, rng: Rng, rate: float, world: World) -> None:
    """Heart rate 3-12 bpm up, HRV down, breathing and temperature up in nine of ten, and little movement."""
    for first, end in _spans(life, world, rng, "illness", rate):
        shape = np.sin(np.linspace(0.5, np.pi - 0.2, end - first))
        size = rng.uniform(0.25, 1)
        life.strain(first, shape, 0.5 * size * rng.uniform(0.7, 1.3), 12 * size * rng.uniform(0.7, 1.3))
        if happens(rng, 0.9):
            life.add(life.breathing, first, rng.uniform(1, 3) * shape)
            life.add(life.warmth, first, rng.uniform(0.3, 1.2) * shape)
        life.moved[first + 1 : end] *= np.minimum(1, 1.15 - rng.uniform(0.5, 1) * shape[1:])
        life.load[first + 1 : end + 1] = 0
        if happens(rng, 0.2):
            life.tag(first + 1, end, "ill")


def _vaccination(life: Life, rng: Rng, rate: float, world: World) -> None:
    for first, _ in _spans(life, world, rng, "vaccination", rate):
        shape = np.array([1.0, 0.7, 0.2])
        life.strain(first, shape, rng.uniform(0.1, 0.4), rng.uniform(3, 8))
        life.add(life.breathing, first, rng.uniform(0.2, 1.2) * shape)
        life.add(life.warmth, first, rng.uniform(0.2, 1.0) * shape)


def _travel(life: Life, rng: Rng, rate: float, world: World) -> None:
    """The clock jumps there and back; three to six disturbed nights, fading, after each."""
    for first, end in _spans(life, world, rng, "travel", rate):
        hours = int(rng.choice([-8, -6, -4, 4, 6, 8]))
        life.offset[first:end] += 60 * hours
        for start in (first, end):
            shape = np.exp(-np.arange(7) / rng.uniform(1.5, 3))
            depth = rng.uniform(0.6, 1.4)
            life.strain(start, shape, depth * life.hrv_scale, depth * life.resting_scale)
            life.add(life.slept, start, -70 * shape)
        if happens(rng, 0.2):
            life.tag(first, first + 1, "travel")


def _altitude(life: Life, rng: Rng, rate: float, world: World) -> None:
    for first, end in _spans(life, world, rng, "altitude", rate):
        shape = np.linspace(1, 0.5, end - first)
        life.strain(first, shape, rng.uniform(0.08, 0.3), rng.uniform(2, 6))
        life.add(life.breathing, first, rng.uniform(0.4, 1.5) * shape)
        life.add(life.oxygen, first, -rng.uniform(2, 5) * shape)


def _heat(life: Life, rng: Rng, rate: float, world: World) -> None:
    for first, end in _spans(life, world, rng, "heat", rate):
        shape = np.ones(end - first)
        life.strain(first, shape, rng.uniform(0.02, 0.15), rng.uniform(1, 4))
        life.add(life.warmth, first, rng.uniform(0.2, 0.7) * shape)


def _short_sleep(life: Life, rng: Rng, rate: float, world: World) -> None:
    """One short night in eight, and now and then a run of them."""
    short = np.flatnonzero(happens(rng, 0.12, life.length)).tolist()
    for night in short:
        _shorten(life, rng, night, 1)
    for first, end in _spans(life, world, rng, "short_sleep", rate):
        _shorten(life, rng, first, end - first)


def _shorten(life: Life, rng: Rng, first: int, nights: int) -> None:
    missing = rng.uniform(50, 170, nights)
    life.add(life.slept, first, -missing)
    depth = missing / 120 * rng.uniform(0.2, 0.7)
    life.strain(first, depth, life.hrv_scale, life.resting_scale)


def _drinks(life: Life, rng: Rng, world: World) -> None:
    """Up to one night in six, most of them at the week's end; one night, and an eighth of it the next."""
    often, notes = rng.uniform(0, 0.18), happens(rng, world.noted)
    for night in range(life.length):
        if not happens(rng, often * (2 if night % 7 in (4, 5) else 0.6)):
            continue
        life.drank.add(night)
        much = rng.choice([0.3, 0.6, 1.2], p=[0.5, 0.35, 0.15])
        shape = np.array([1.0, 0.12])
        life.strain(night, shape, 0.45 * much, 7 * much)
        life.add(life.breathing, night, 0.8 * much * shape)
        life.add(life.slept, night, -40 * much * shape)
        if notes and happens(rng, 0.85):
            life.tags[night].add("alcohol")
        if much > 1:
            life.spells.append(Spell("alcohol", night, night + 1))


def _cycle(life: Life, rng: Rng) -> None:
    if happens(rng, 0.6):
        return
    days, begun = int(rng.integers(26, 32)), int(rng.integers(28))
    life.luteal = (np.arange(life.length) + begun) % days >= PHASE_DAYS
    later = life.luteal.astype(np.float64)
    amplitude = rng.uniform(0.4, 1.3)
    life.strain(0, later, 0.08 * amplitude, 2.5 * amplitude)
    life.warmth += 0.35 * amplitude * later


def _steps(life: Life, rng: Rng, rate: float) -> None:
    """What moves a level from one date on: a device that says so, a firmware or a medicine that does not."""
    if happens(rng, 0.25 * rate):
        first = _step(life, rng, "device", rng.uniform(-0.3, 0.3), rng.uniform(-2, 2))
        life.series[first:] = ["b"] * (life.length - first)
    if happens(rng, 0.1 * rate):
        _step(life, rng, "firmware", rng.uniform(-0.2, 0.2), rng.uniform(-1.5, 1.5))
    if happens(rng, 0.1 * rate):
        sign = rng.choice([-1, 1])
        first = _step(life, rng, "medication", sign * rng.uniform(0.0, 0.25), sign * rng.uniform(2, 6))
        if happens(rng, 0.5):
            life.tags[first].add("reset_baseline")


def _step(life: Life, rng: Rng, kind: Literal["device", "firmware", "medication"], hrv: float, resting: float) -> int:
    first = int(rng.integers(80, life.length - 60))
    shape: Floats = np.ones(life.length - first)
    life.strain(first, shape, hrv, resting)
    life.spells.append(Spell(kind, first, first + 28))
    return first
