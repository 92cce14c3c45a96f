"""Stories of synthetic people, told in own units: what a night was like, in scales of the person's usual scatter."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from scoring import Night

FIRST = date(2024, 1, 1)


class Story:
    """A person of HRV about 60 ms and heart rate about 52 bpm, night after night; `u` moves both towards strain."""

    def __init__(self, nights: int, seed: int = 7, scatter: float = 1.0) -> None:
        rng = np.random.default_rng(seed)
        first, second = rng.standard_normal((2, nights)) * scatter
        self.hrv = first
        self.resting = -0.8 * first + 0.6 * second
        self.breathing = 14.5 + 0.3 * scatter * rng.standard_normal(nights)
        self.warmth = 0.2 * scatter * rng.standard_normal(nights)
        self.more: dict[int, dict[str, Any]] = {}

    def strain(self, start: int, end: int, depth: float = 1.5) -> "Story":
        """HRV lower and heart rate higher by `depth` scales on [start, end)."""
        self.hrv[start:end] -= depth
        self.resting[start:end] += depth
        return self

    def tell(self, start: int, end: int | None = None, **fields: Any) -> "Story":
        """Set fields of Night on [start, end), or on one night."""
        for day in range(start, start + 1 if end is None else end):
            self.more.setdefault(day, {}).update(fields)
        return self

    def night(self, day: int) -> Night:
        night = Night(
            FIRST + timedelta(days=day),
            hrv_ms=60 * float(np.exp(0.17 * self.hrv[day])),
            resting_heart_rate=52 + 3.4 * float(self.resting[day]),
            respiratory_rate=float(self.breathing[day]),
            skin_temperature=float(self.warmth[day]),
            oxygen_saturation=96.0,
            sleep_minutes=440.0,
            utc_offset_minutes=60,
        )
        return replace(night, **self.more.get(day, {}))

    def nights(self, *, without: tuple[int, ...] = ()) -> list[Night]:
        return [self.night(day) for day in range(len(self.hrv)) if day not in without]


@pytest.fixture(scope="session")
def story() -> Callable[..., Story]:
    return Story
