"""The few numbers a person or an operator may turn; everything else in scoring is fixed and documented."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ALGORITHM_VERSION = "3"  # raise it whenever the same nights may give another assessment

# The slider in the settings. Synthetic people hear about .6, 1.4 and 2.2 false alerts a year; on real nights, which are
# noisier, the same rate takes a threshold about .15 higher, so that it comes to about .8, 1.9 and 3 there.
SENSITIVITY: Mapping[str, float] = MappingProxyType({"calm": 1.0, "balanced": 0.7, "early": 0.5})


@dataclass(frozen=True, slots=True)
class Policy:
    """Levels of strain (in units of a person's own nightly scatter) at which states change."""

    threshold: float = SENSITIVITY["balanced"]  # strain above it, persisting, is an alert
    watch: float = 0.5  # strain above it is worth a quiet look
    off: float = 0.35  # strain below it has passed; lower than `watch`, so that states do not flicker
    cold_start: float = 0.4  # added to the threshold while a series is young
    cooldown_nights: int = 5  # between the end of one alert and the start of the next

    def __post_init__(self) -> None:
        levels = (self.threshold, self.watch, self.off, self.cold_start)
        finite = all(math.isfinite(level) for level in levels)
        ordered = self.threshold > 0 and 0 < self.off <= self.watch
        if not (finite and ordered and self.cold_start >= 0 and self.cooldown_nights >= 0):
            message = f"levels must be finite, 0 < threshold, 0 < off <= watch, the others not negative: {self}"
            raise ValueError(message)
