"""Synthetic people: nights of noise, fatigue and every other cause, from a seed alone.

Sizes come from published statistics: nightly scatter and its correlation from 49 people's exports; illness from
Natarajan 2020; alcohol from Pietilä 2018; the cycle from Jasinski 2024 and Shilaih 2017; hard sessions from Altini and
Plews 2021. No recording of anybody is in here.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from scoring.night import Bools, Floats, Night, Session

from .causes import live
from .lives import Life, Spell, happens
from .worlds import World

FIRST = date(2024, 1, 1)
SENSES = ("sensors", "oxygen", "steps", "sleep", "trained")
NIGHTS = 545  # a year and a half; the first forty nights hold no fatigue


@dataclass(frozen=True, slots=True)
class Person:
    """Nights as a device would give them, and what truly happened."""

    nights: tuple[Night, ...]
    spells: tuple[Spell, ...]
    length: int  # calendar nights, missing ones included
    drank: frozenset[int] = frozenset()  # calendar nights with drinks, noted or not

    def row(self, day: date) -> int:
        """Calendar night of a day, from 0."""
        return (day - FIRST).days


def person(world: World, seed: int, length: int = NIGHTS) -> Person:
    """Draw one person; the same world, seed and length give the same person."""
    rng = np.random.default_rng(seed)
    life = Life.begin(rng, world, length)
    live(life, world, rng)
    kept = ~_missing(life, rng)
    nights = tuple(night for night, keep in zip(_nights(life, world, rng), kept.tolist(), strict=True) if keep)
    return Person(nights, tuple(life.spells), length, drank=frozenset(life.drank))


def _missing(life: Life, rng: np.random.Generator) -> Bools:
    """Nights without a device: few for most, a third for some, more of them after drinks and on journeys."""
    share = rng.choice([0.02, 0.05, 0.15, 0.3], p=[0.5, 0.25, 0.15, 0.1])
    away = np.array([not tags.isdisjoint({"alcohol", "travel"}) for tags in life.tags])
    missing: Bools = rng.random(life.length) < np.where(away, 2, 1) * share
    return missing


def _nights(life: Life, world: World, rng: np.random.Generator) -> list[Night]:
    """Turn own scales into the units of a device, keeping only what this person's device can sense."""
    center, spread = rng.uniform(3.4, 4.6), life.hrv_scale
    resting = rng.uniform(44, 62) + life.resting_scale * life.resting
    hrv = np.exp(center + spread * life.hrv)
    breathing = rng.uniform(13, 17) + life.breathing + rng.normal(0, 0.45, life.length)
    warmth = life.warmth + rng.normal(0, 0.3, life.length)
    oxygen = np.minimum(96.5 + life.oxygen + rng.normal(0, 0.6, life.length), 100)
    slept = np.maximum(rng.uniform(400, 470) + life.slept + rng.normal(0, 35, life.length), 190)
    steps = rng.uniform(5000, 11000) * life.moved * rng.lognormal(0, 0.35, life.length)
    has = {name: bool(happens(rng, getattr(world, name))) for name in SENSES}
    shared = bool(happens(rng, 0.6))
    whole = _rounded({"hrv": hrv, "resting": resting, "breathing": breathing, "warmth": warmth})
    return [
        Night(
            FIRST + timedelta(days=day),
            hrv_ms=min(max(whole["hrv"][day], 5.0), 300.0),
            resting_heart_rate=min(max(whole["resting"][day], 28.0), 110.0),
            respiratory_rate=whole["breathing"][day] if has["sensors"] else None,
            skin_temperature=whole["warmth"][day] if has["sensors"] else None,
            oxygen_saturation=float(oxygen[day]) if has["oxygen"] else None,
            sleep_minutes=float(slept[day]) if has["sleep"] else None,
            steps=float(steps[day]) if has["steps"] else None,
            load=float(life.load[day]) if has["trained"] else None,
            sessions=_sessions(life, day) if has["trained"] else (),
            utc_offset_minutes=int(life.offset[day]),
            tags=frozenset(life.tags[day]),
            cycle_phase=life.phase(day) if shared else None,
            hrv_series=life.series[day],
            resting_series=life.series[day],
            respiratory_series=life.series[day],
            temperature_series=life.series[day],
        )
        for day in range(life.length)
    ]


def _rounded(columns: dict[str, Floats]) -> dict[str, list[float]]:
    """Round as devices do: whole milliseconds, tenths of everything else."""
    places = {"hrv": 0}
    return {name: np.round(values, places.get(name, 1)).tolist() for name, values in columns.items()}


def _sessions(life: Life, day: int) -> tuple[Session, ...]:
    return (Session(60.0, 0.85 if life.hard[day] else 0.6),) if life.load[day] > 0 else ()
