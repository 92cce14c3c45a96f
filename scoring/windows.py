"""Rolling windows over the calendar, and what is counted and measured of each."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .night import Floats, Rows

WEEK, WEEKS_8 = 7, 56


def trailing(values: Floats, width: int, since: Rows | None = None) -> Floats:
    """Row t holds the last `width` values, row t's own last; NaN before row `since[t]`."""
    return _windows(values, width - 1, 0, since)


def before(values: Floats, oldest: int, newest: int, since: Rows | None = None) -> Floats:
    """Row t holds values[t - oldest] to values[t - newest]; NaN before row `since[t]`."""
    return _windows(values, oldest, newest, since)


def known(windows: Floats) -> Rows:
    """How many values of each window are known."""
    count: Rows = np.isfinite(windows).sum(axis=1)
    return count


def percentiles(windows: Floats, shares: Sequence[int], fewest: int) -> list[Floats]:
    """Return, for each share, the value that so many % of a window's values do not exceed; NaN under `fewest`."""
    count = known(windows)
    if not (count >= fewest).any():
        return [np.full(len(windows), np.nan)] * len(shares)
    ordered = np.sort(windows, axis=1)  # NaN sorts last
    rows, last = np.arange(len(windows)), np.maximum(count - 1, 0)
    return [np.where(count >= fewest, ordered[rows, last * share // 100], np.nan) for share in shares]


def percentile(windows: Floats, share: int, fewest: int) -> Floats:
    """The same for one share."""
    return percentiles(windows, (share,), fewest)[0]


def mean_and_deviation(windows: Floats, fewest: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each window; NaN under `fewest` values."""
    count = known(windows)
    held = np.isfinite(windows)
    divisor = np.maximum(count, 1)
    mean = np.where(held, windows, 0.0).sum(axis=1) / divisor
    away = np.where(held, windows - mean[:, None], 0.0)
    deviation = np.sqrt(np.einsum("ij,ij->i", away, away) / np.maximum(divisor - 1, 1))
    enough = count >= fewest
    return np.where(enough, mean, np.nan), np.where(enough, deviation, np.nan)


def _windows(values: Floats, oldest: int, newest: int, since: Rows | None) -> Floats:
    width = oldest - newest + 1
    windows = sliding_window_view(np.concatenate((np.full(oldest, np.nan), values)), width)[: len(values)]
    if since is None or not since.any():
        return windows
    rows = np.arange(len(values))[:, None] - oldest + np.arange(width)
    return np.where(rows >= since[:, None], windows, np.nan)
