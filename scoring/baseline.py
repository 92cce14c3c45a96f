"""What is usual for this person: a lagged, robust, rolling centre and scale of each signal.

The window is the 60 nights that end a week ago, so that a bad week is not compared with itself (Plews 2014 and Altini
use 4 to 9 weeks of own history). Median and a mix of MAD and clipped SD resist single nights; a prior scale steadies
short histories. The last nights are left out by the lag, not by the state, so no alert can freeze its own baseline.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .night import Bools, Diary, Floats, Rows, SignalName, last_row
from .windows import before

OLDEST, NEWEST = 66, 7  # the window is [t - 66, t - 7], in calendar nights
FEWEST_NIGHTS = 14  # fewer say too little of a scale
PRIOR_NIGHTS = 12  # weight of the prior scale, in nights
NORMAL_MAD = 1.4826  # makes the MAD of a normal distribution its SD
PHASE_NIGHTS, PHASE_PRIOR = 10, 8  # nights needed of each phase of the cycle; weight of "no difference"

# Nightly scatter of 49 people's exports: ln rMSSD 0.17-0.19, sleeping heart rate 3.4-4.2 bpm, a vendor's smoothed
# all-day resting rate 1.35 bpm.
PRIOR_SCALE = {"hrv": 0.17, "resting_heart_rate": 3.4}
PRIOR_VENDOR_DAY = 1.5
FLOOR = {"respiratory_rate": 0.25, "skin_temperature": 0.12, "oxygen_saturation": 0.5, "sleep": 20.0}


@dataclass(frozen=True, slots=True)
class Baseline:
    """Per row: the usual value and its scale (NaN under 14 nights), and how many nights they rest on."""

    center: Floats
    scale: Floats
    nights: Rows

    @property
    def low(self) -> Floats:
        """Lower edge of the usual range: one scale below the centre."""
        return self.center - self.scale

    @property
    def high(self) -> Floats:
        """Upper edge of the usual range: one scale above the centre."""
        return self.center + self.scale


def usual(diary: Diary, signal: SignalName, since: Rows | None = None) -> Baseline:
    """Baseline of one signal for every row; of ln(ms) for HRV, of the signal's own unit otherwise."""
    values = diary.values[signal]
    values = np.log(values) if signal == "hrv" else values
    clean = np.where(diary.tagged("alcohol", "ill"), np.nan, values)
    window = before(clean, OLDEST, NEWEST, diary.since[signal] if since is None else since)
    window, shift = _without_phase(window, _phase(diary))
    nights = np.isfinite(window).sum(axis=1)
    center = _median(window, nights)
    scale = _robust_scale(window, center, nights)
    scale = _steadied(scale, nights, diary, signal)
    enough = nights >= FEWEST_NIGHTS
    return Baseline(np.where(enough, center + shift, np.nan), np.where(enough, scale, np.nan), nights)


def _median(window: Floats, nights: Rows) -> Floats:
    ordered = np.sort(window, axis=1)  # NaN sorts last
    rows = np.arange(len(window))
    lower, upper = np.maximum(nights - 1, 0) // 2, np.minimum(nights // 2, window.shape[1] - 1)
    middle: Floats = (ordered[rows, lower] + ordered[rows, upper]) / 2
    return middle


def _robust_scale(window: Floats, center: Floats, nights: Rows) -> Floats:
    """Half MAD, half SD of the values clipped to 3 MADs: robust like the one, smooth like the other."""
    away = window - center[:, None]
    mad = NORMAL_MAD * _median(np.abs(away), nights)
    bound = 3 * mad[:, None]
    near = np.nan_to_num(np.minimum(np.maximum(away, -bound), bound))
    count = np.maximum(nights, 2)
    squares = np.einsum("ij,ij->i", near, near) - near.sum(axis=1) ** 2 / count  # about the median, so nothing cancels
    scale: Floats = 0.5 * mad + 0.5 * np.sqrt(np.maximum(squares, 0) / (count - 1))
    return scale


def _steadied(scale: Floats, nights: Rows, diary: Diary, signal: SignalName) -> Floats:
    """Shrink towards what most people scatter by, or, for context signals, never below what a sensor resolves."""
    if signal in FLOOR:
        return np.maximum(scale, FLOOR[signal])
    prior = np.full(len(scale), PRIOR_SCALE[signal])
    if signal == "resting_heart_rate":
        prior[vendor_day(diary)] = PRIOR_VENDOR_DAY
    steadied: Floats = np.sqrt((nights * scale**2 + PRIOR_NIGHTS * prior**2) / (nights + PRIOR_NIGHTS))
    return steadied


def vendor_day(diary: Diary) -> Bools:
    """Rows whose latest resting heart rate is a vendor's smoothed all-day value."""
    latest = last_row(np.isfinite(diary.values["resting_heart_rate"]))
    smoothed = diary.where([night.resting_kind == "vendor_day" for night in diary.nights])
    return np.where(latest >= 0, smoothed[latest], smoothed)


def _phase(diary: Diary) -> Floats | None:
    """+1 on luteal, -1 on follicular rows; None if the person shares no phase at all."""
    signs = {"luteal": 1.0, "follicular": -1.0}
    column = np.zeros(len(diary.days))
    column[diary.at] = [signs.get(night.cycle_phase or "", 0.0) for night in diary.nights]
    return column if column.any() else None


def _without_phase(window: Floats, phase: Floats | None) -> tuple[Floats, Floats]:
    """Take half the person's own luteal-follicular difference off each side; the other half is tonight's shift.

    Resting heart rate is about 3 bpm higher and HRV about 5 ms lower in the luteal phase (Jasinski 2024, Shilaih 2017):
    a rhythm, not strain. Needs 10 nights of each phase in the window; shrunk by n / (n + 8).
    """
    if phase is None:
        return window, np.zeros(len(window))
    signs = sliding_window_view(np.concatenate((np.zeros(OLDEST), phase)), window.shape[1])[: len(window)]
    known = np.isfinite(window)
    luteal, follicular = _by_phase(known.astype(np.float64), signs)
    totals = _by_phase(np.where(known, window, 0.0), signs)
    fewest = np.minimum(luteal, follicular)
    difference = totals[0] / np.maximum(luteal, 1) - totals[1] / np.maximum(follicular, 1)
    half = np.where(fewest >= PHASE_NIGHTS, difference * fewest / (fewest + PHASE_PRIOR) / 2, 0.0)
    return window - signs * half[:, None], phase * half


def _by_phase(values: Floats, signs: Floats) -> tuple[Floats, Floats]:
    """Sums over the luteal and over the follicular nights of each window."""
    apart, together = np.einsum("ij,ij->i", values, signs), np.einsum("ij,ij->i", values, signs * signs)
    return (together + apart) / 2, (together - apart) / 2
