"""The made-up person on the first page: four months of nights, the last of them strained, always the same."""

import random
from datetime import date, timedelta
from functools import lru_cache

from ingest import chart
from scoring import Night, assess

NIGHTS, STRAINED, SEED = 120, 9, 5
TOLD = timedelta(days=2)


@lru_cache(maxsize=2)
def pictures(last: date) -> list[str]:
    """Five weeks of this person, ending on `last`."""
    assessments = assess([_night(last - timedelta(days=back), back) for back in reversed(range(NIGHTS))])
    return chart.pair(assessments, told=[last - TOLD])


def _night(day: date, back: int) -> Night:
    chance = random.Random(SEED * 1000 + back)  # noqa: S311  (a picture, no secret)
    strain = 1.0 if back < STRAINED else 0.0
    return Night(
        day,
        hrv_ms=61 * (1 + chance.gauss(0, 0.09)) - 13 * strain,
        resting_heart_rate=51.5 + chance.gauss(0, 1.5) + 4.5 * strain,
        hrv_series="made up",
        resting_series="made up",
    )
