"""How WHOOP writes: ids of three kinds, instants in UTC beside an offset, and scores that come minutes after a sync."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from providers.simulator.documents import Body, Version, Wearer
from providers.simulator.people import SyntheticNight

SCORED, PENDING, UNSCORABLE = "SCORED", "PENDING_SCORE", "UNSCORABLE"
SCORED_AFTER = tuple(timedelta(minutes=minutes) for minutes in (4, 6, 9))
RESCORED_AFTER = timedelta(hours=2)
RESCORED_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Strap:
    """What a person wears: an `older` one knows neither skin temperature nor oxygen.

    The first `calibrating` nights have a score that says so; a share of nights cannot be scored at all.
    """

    older: bool = False
    calibrating: int = 4
    unscorable_share: float = 0.02

    def scores(self, wearer: Wearer, night: SyntheticNight) -> bool:
        """Whether enough was recorded of a night to score it."""
        return bool(wearer.dice("whoop unscorable", night.day).random() >= self.unscorable_share)


def number(wearer: Wearer, *parts: object) -> int:
    """A whole number of eight digits that is the same for the same parts."""
    text = "/".join(str(part) for part in (wearer.name, wearer.seed, *parts))
    return 10_000_000 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % 90_000_000


def user_id(wearer: Wearer) -> int:
    """WHOOP's own id of a person."""
    return number(wearer, "whoop account")


def cycle_id(wearer: Wearer, night: SyntheticNight) -> int:
    """The id of the cycle that a night begins: a whole number that grows from day to day."""
    return night.day.toordinal() * 100_000_000 + number(wearer, "whoop cycle", night.day)


def sleep_id(wearer: Wearer, night: SyntheticNight, position: int = 0) -> str:
    """The id of a night, or of a nap after it."""
    return wearer.id("whoop sleep", night.day, position)


def written(at: datetime) -> str:
    """An instant as WHOOP writes it."""
    return f"{at.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def offset(night: SyntheticNight) -> str:
    """The zone as WHOOP writes it beside an instant: `-05:00`, or `Z`."""
    hours, minutes = divmod(abs(night.utc_offset_minutes), 60)
    sign = "-" if night.utc_offset_minutes < 0 else "+"
    return f"{sign}{hours:02}:{minutes:02}" if night.utc_offset_minutes else "Z"


def pending_then(
    wearer: Wearer, ready_at: datetime, stamp: datetime, body: Body, *scores: Body | None
) -> Iterator[Version]:
    """A document that waits for its score, and as it reads with each; None is a score that cannot be given."""
    yield Version(ready_at, stamp, {**body, "score_state": PENDING})
    takes = SCORED_AFTER[int(wearer.dice("whoop scored", stamp).integers(len(SCORED_AFTER)))]
    for score in scores:
        state = {"score_state": UNSCORABLE} if score is None else {"score_state": SCORED, "score": score}
        yield Version(ready_at, stamp, {**body, **state}, takes)
        takes += RESCORED_AFTER
