"""Oura's two layers of limits, for a token and for the whole app, each counted in spans of the clock."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from providers.simulator.conversation import Reply, as_json


@dataclass
class Limits:
    """So many calls in so many seconds; the vendor's frequently asked questions say 5000 in five minutes."""

    app: int = 5000
    token: int = 5000
    window: int = 300
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    span: int = 0

    def reached(self, client_id: str, access: str, now: datetime) -> Reply | None:
        """Count a call; a 429 that names the layer where it is one too many."""
        instant = int(now.timestamp())
        span = instant // self.window
        if span != self.span:
            self.span = span
            self.counted.clear()
        for tier, key, most in (("token", access, self.token), ("app", client_id, self.app)):
            self.counted[tier, key] += 1
            if self.counted[tier, key] > most:
                return self._refusal(tier, most, instant, (span + 1) * self.window)
        return None

    def _refusal(self, tier: str, most: int, instant: int, reset: int) -> Reply:
        headers = {
            "retry-after": str(reset - instant),
            "x-ratelimit-limit": str(most),
            "x-ratelimit-window": str(self.window),
            "x-ratelimit-reset": str(reset),
            "x-ratelimit-tier": tier,
        }
        return as_json(429, {"detail": "Request rate limit exceeded."}, headers)
