"""What can be measured: names, units and plausible ranges; and the definitions under which a measure forms a series.

Names follow the field (Open mHealth / IEEE 1752, HealthKit). LOINC is given where one is certain; rMSSD has none, and
80404-7, which public code often puts there, means SDNN.
"""

from dataclasses import dataclass
from typing import Literal

Context = Literal["sleep", "day", "workout", "rest"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity, its unit, and the range outside which a value cannot be true of a living person.

    `resolution` caps what is kept of a dense series: in each span of so many seconds, the first sample.
    """

    name: str
    unit: str
    low: float
    high: float
    loinc: str | None = None
    resolution: int = 1

    def plausible(self, value: float) -> bool:
        """Whether `value` can be true. NaN never is."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Definition:
    """How a measure was obtained. Values of two definitions are never mixed in one baseline."""

    measure: Measure
    name: str
    context: Context


HEART_RATE = Measure("heart_rate", "/min", 25, 240, "8867-4", resolution=5)
RESTING_HEART_RATE = Measure("resting_heart_rate", "/min", 25, 130, "40443-4")
HRV_RMSSD = Measure("heart_rate_variability_rmssd", "ms", 1, 350)
HRV_SDNN = Measure("heart_rate_variability_sdnn", "ms", 1, 400, "80404-7")
RESPIRATORY_RATE = Measure("respiratory_rate", "/min", 4, 40, "9279-1")
OXYGEN_SATURATION = Measure("oxygen_saturation", "%", 60, 100, "59408-5")
SKIN_TEMPERATURE = Measure("skin_temperature", "Cel", 15, 45)
SKIN_TEMPERATURE_DEVIATION = Measure("skin_temperature_deviation", "K", -8, 8)
STEP_COUNT = Measure("step_count", "{steps}", 0, 200_000, "55423-8")
TOTAL_SLEEP_TIME = Measure("total_sleep_time", "min", 0, 1440, "93832-4")
ACTIVE_ENERGY = Measure("active_energy", "kcal", 0, 30_000)
VENDOR_READINESS = Measure("vendor_readiness", "%", 0, 100)
VENDOR_STRAIN = Measure("vendor_strain", "{score}", 0, 21)
