"""WHOOP's limits, a minute's and a day's for the whole app, told with every answer; a 429 says no more than those."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

MINUTE, DAY = 60, 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an app stands after a call: what the headers say, and whether the call was one too many."""

    headers: Mapping[str, str]
    exceeded: bool


@dataclass
class Limits:
    """So many calls in a minute and in a day, each counted in spans of the clock."""

    per_minute: int = 100
    per_day: int = 10_000
    counted: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)  # app, window → span, calls

    def count(self, client_id: str, now: datetime) -> Standing:
        """Count a call; the headers tell of whichever window is nearer to its end of calls."""
        instant = int(now.timestamp())
        left = []
        for window, most in ((MINUTE, self.per_minute), (DAY, self.per_day)):
            span, calls = self.counted.get((client_id, window), (0, 0))
            calls = calls + 1 if span == instant // window else 1
            self.counted[client_id, window] = instant // window, calls
            left.append((most - calls, window - instant % window, most))
        remaining, reset, most = min(left)
        headers = {
            "x-ratelimit-limit": f"{most}, {self.per_minute};window={MINUTE}, {self.per_day};window={DAY}",
            "x-ratelimit-remaining": str(max(0, remaining)),
            "x-ratelimit-reset": str(reset),
        }
        return Standing(headers, remaining < 0)
