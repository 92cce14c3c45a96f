"""How far the nights stand from usual: tonight's joint deviation, and the strain of the last eight."""

import math
from dataclasses import dataclass, fields

import numpy as np

from .baseline import Baseline, usual
from .gates import Causes
from .night import Bools, Diary, Floats, Rows, last_row
from .windows import trailing

CLIP = 3.0  # a deviation beyond it says "sensor" rather than "more"
CORRELATION = 0.75  # of the two deviations from night to night; -0.80 between ln rMSSD and heart rate in 49 people
JOINT = math.sqrt(2 * (1 + CORRELATION))  # SD of the sum of the two
LOUDEST = 2.25  # most that one night may say for an alert
REACH = 12  # calendar nights that strain may look back
RECENT = 8  # recorded nights among them that it uses
FEWEST_RECENT = 4  # before the worst is dropped
PERSISTENCE_NIGHTS = 7
LEANING = 0.4  # a night's joint deviation above it leans towards strain
EASING_NIGHTS = 3
COLD_NIGHTS = 60  # false alerts are 1.8 times as frequent before


@dataclass(frozen=True, slots=True)
class Evidence:
    """Per row, all that the two deciding signals say. Deviations are in own scales, positive towards strain.

    `*_share` are the parts of a joint figure that each signal brings; both add up to it.
    """

    hrv_low: Floats  # ln(ms)
    hrv_high: Floats
    hrv_nights: Rows  # in the baseline window
    resting_low: Floats  # bpm
    resting_high: Floats
    resting_nights: Rows
    hrv: Floats  # tonight's deviation
    resting: Floats
    tonight: Floats  # the joint deviation u
    tonight_hrv_share: Floats
    tonight_resting_share: Floats
    strain: Floats  # S: mean of the last 8 recorded u without the largest
    strain_hrv_share: Floats
    strain_resting_share: Floats
    unexplained: Floats  # S of the nights that no other cause explains, less what one is known to add
    hrv_strain: Floats  # the same statistic of one signal alone
    resting_strain: Floats
    hrv_mean: Floats  # plain mean over the same nights, for the pattern
    resting_mean: Floats
    latest_mean: Floats  # of the last three recorded u
    recent: Rows  # recorded nights that strain rests on, the dropped one included
    leaning: Rows  # of these, how many lean towards strain
    persistent: Rows  # how many of the last 7 unexplained nights lean
    cold: Bools  # fewer than 60 nights of either series

    def joined(self, row: int, later: "Evidence") -> "Evidence":
        """Keep this evidence before `row` and take `later` from `row` on."""
        parts = {}
        for field in fields(self):
            parts[field.name] = np.concatenate((getattr(self, field.name)[:row], getattr(later, field.name)[row:]))
        return Evidence(**parts)


@dataclass(frozen=True, slots=True)
class Recent:
    """The last nights that count, per row: values of 12 calendar nights, and which of them are the last n recorded."""

    values: Floats
    used: Bools

    def count(self) -> Rows:
        """Nights used."""
        count: Rows = self.used.sum(axis=1)
        return count

    def mean(self) -> Floats:
        """Plain mean of the nights used."""
        return _ratio(np.where(self.used, self.values, 0).sum(axis=1), self.count())

    def above(self, level: float) -> Rows:
        """Nights used whose value is above `level`."""
        count: Rows = (self.used & (self.values > level)).sum(axis=1)
        return count

    def without_worst(self) -> Bools:
        """Leave out the night with the largest value: one bad night must not carry a week."""
        worst = np.argmax(np.where(self.used, self.values, -np.inf), axis=1)
        kept = self.used.copy()
        kept[np.arange(len(kept)), worst] = False
        return kept

    def strain(self) -> Floats:
        """Mean without the worst night; NaN under four nights."""
        kept = np.where(self.without_worst(), self.values, 0).sum(axis=1)
        return np.where(self.count() >= FEWEST_RECENT, _ratio(kept, self.count() - 1), np.nan)


def weigh(diary: Diary, causes: Causes, restart: int = 0) -> Evidence:
    """Compare every night with what was usual; `restart` is the row before which nothing is usual any more.

    What an alert rests on leaves out the nights that another cause excuses and takes off what one adds to a night;
    what a person is shown counts both.
    """
    hrv_since = np.maximum(diary.since["hrv"], restart)
    resting_since = np.maximum(diary.since["resting_heart_rate"], restart)
    hrv_usual, resting_usual = usual(diary, "hrv", hrv_since), usual(diary, "resting_heart_rate", resting_since)
    hrv = _deviation(hrv_usual, np.log(diary.values["hrv"]), -1)
    resting = _deviation(resting_usual, diary.values["resting_heart_rate"], 1)
    hrv_share, resting_share, tonight = _joint(hrv, resting)
    counts = ~diary.tagged("alcohol")
    began = np.maximum(diary.since["hrv"], diary.since["resting_heart_rate"])
    nights = _recent(tonight, RECENT, counts, began)
    hrv_alone, resting_alone = _recent(hrv, RECENT, counts, began), _recent(resting, RECENT, counts, began)
    unexplained, unexcused = tonight - causes.relief, counts & ~causes.excused
    kept = nights.without_worst()
    enough = np.where(nights.count() >= FEWEST_RECENT, nights.count() - 1.0, np.nan)
    return Evidence(
        hrv_low=hrv_usual.low,
        hrv_high=hrv_usual.high,
        hrv_nights=hrv_usual.nights,
        resting_low=resting_usual.low,
        resting_high=resting_usual.high,
        resting_nights=resting_usual.nights,
        hrv=hrv,
        resting=resting,
        tonight=tonight,
        tonight_hrv_share=hrv_share,
        tonight_resting_share=resting_share,
        strain=nights.strain(),
        strain_hrv_share=np.where(kept, trailing(hrv_share, REACH), 0).sum(axis=1) / enough,
        strain_resting_share=np.where(kept, trailing(resting_share, REACH), 0).sum(axis=1) / enough,
        unexplained=_recent(np.minimum(unexplained, LOUDEST), RECENT, unexcused, began).strain(),
        hrv_strain=hrv_alone.strain(),
        resting_strain=resting_alone.strain(),
        hrv_mean=hrv_alone.mean(),
        resting_mean=resting_alone.mean(),
        latest_mean=_recent(tonight, EASING_NIGHTS, counts, began).mean(),
        recent=nights.count(),
        leaning=nights.above(LEANING),
        persistent=_recent(unexplained, PERSISTENCE_NIGHTS, unexcused, began).above(LEANING),
        cold=_young(diary.values["hrv"], hrv_since) | _young(diary.values["resting_heart_rate"], resting_since),
    )


def nights_heard(diary: Diary) -> Rows:
    """Of the last 12 calendar nights, how many brought either signal at all."""
    heard = np.isfinite(diary.values["hrv"]) | np.isfinite(diary.values["resting_heart_rate"])
    count: Rows = (trailing(heard.astype(np.float64), REACH) > 0).sum(axis=1)
    return count


def nights_silent(evidence: Evidence) -> Rows:
    """Calendar nights since the last one that could be compared."""
    rows = np.arange(len(evidence.tonight))
    return rows - last_row(np.isfinite(evidence.tonight))


def _deviation(baseline: Baseline, values: Floats, sign: int) -> Floats:
    return np.clip(sign * (values - baseline.center) / baseline.scale, -CLIP, CLIP)


def _joint(hrv: Floats, resting: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of the two signals and their sum u; a signal alone is u by itself."""
    has_hrv, has_resting = np.isfinite(hrv), np.isfinite(resting)
    divisor = np.where(has_hrv & has_resting, JOINT, 1.0)
    hrv_share, resting_share = np.nan_to_num(hrv) / divisor, np.nan_to_num(resting) / divisor
    return hrv_share, resting_share, np.where(has_hrv | has_resting, hrv_share + resting_share, np.nan)


def _recent(values: Floats, most: int, counts: Bools, began: Rows) -> Recent:
    """Take the last `most` recorded nights that count: of 12 calendar nights, none older than the present series."""
    windows = trailing(np.where(counts, values, np.nan), REACH)
    rows = np.arange(len(values))[:, None] - REACH + 1 + np.arange(REACH)
    known = np.isfinite(windows) & (rows >= began[:, None])
    from_latest = np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
    return Recent(windows, known & (from_latest <= most))


def _young(values: Floats, since: Rows) -> Bools:
    """Fewer than 60 valid nights of the present series so far, over all history."""
    so_far = np.concatenate(([0], np.cumsum(np.isfinite(values))))
    young: Bools = so_far[1:] - so_far[since] < COLD_NIGHTS
    return young


def _ratio(total: Floats, count: Rows) -> Floats:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
