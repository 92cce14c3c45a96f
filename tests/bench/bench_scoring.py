"""How long two years of one person take, all signals, and one night more; measured, never asserted.

Processor time, not wall time: the work runs on one core, and other work on the machine is not its cost.
"""

import math
import random
from datetime import date, timedelta
from statistics import median
from time import process_time
from typing import Any

from scoring import Night, Session, assess

NIGHTS, RUNS, BAR_MS = 730, 11, 60.0


def rows() -> dict[str, dict[str, Any]]:
    """Median milliseconds of assessing two years, and of one more night after them, each beside its bar.

    One more night costs what all of them cost: nothing of the last assessment is kept, so all are assessed again.
    """
    nights = _two_years(NIGHTS + RUNS)
    assess(nights[:NIGHTS])  # warm caches, as in a running worker
    return {
        "assess_two_years_ms": _row([_milliseconds(nights[:NIGHTS]) for _ in range(RUNS)]),
        "assess_one_new_night_ms": _row([_milliseconds(nights[: NIGHTS + more]) for more in range(1, RUNS + 1)]),
    }


def _row(took: list[float]) -> dict[str, Any]:
    value = round(median(took), 1)
    return {"value": value, "unit": "ms", "bar": BAR_MS, "ok": value <= BAR_MS}


def _milliseconds(nights: list[Night]) -> float:
    begun = process_time()
    assess(nights)
    return (process_time() - begun) * 1000


def _two_years(length: int) -> list[Night]:
    rng = random.Random(2026)
    nights = []
    for day in range(length):
        depth = 1.5 if day % 120 > 104 or 400 < day < 440 else 0.0  # blocks of strain, one of them a new usual
        noise = rng.gauss(0, 1)
        night = Night(
            date(2024, 1, 1) + timedelta(days=day),
            hrv_ms=60 * math.exp(0.17 * (noise - depth)),
            resting_heart_rate=52 + 3.4 * (depth - 0.8 * noise + 0.6 * rng.gauss(0, 1)),
            respiratory_rate=rng.gauss(14.5, 0.5),
            skin_temperature=rng.gauss(0, 0.3),
            oxygen_saturation=rng.gauss(96, 0.5),
            sleep_minutes=rng.gauss(440, 40),
            utc_offset_minutes=60,
            steps=rng.uniform(3000, 14000),
            load=rng.gammavariate(2, 40),
            sessions=(Session(60, 0.8), Session(30, 0.4)),
            performance=rng.gauss(1, 0.03),
            tags=frozenset({"alcohol"} if day % 9 == 0 else ()),
            cycle_phase="luteal" if day % 28 >= 14 else "follicular",
        )
        nights.append(night)
    return nights


if __name__ == "__main__":
    print(rows())  # noqa: T201 - the figure is the output
