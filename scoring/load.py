"""How much a person trained, against their own past: hard days, full weeks, sameness, sessions close together.

Load is one number a day on one scale (`Night.load_series`); where the scale changes, every comparison begins anew. The
last week is set against the eight weeks before it, never against a mean that holds it: the ratio of acute to chronic
load does little better than chance (Lolli 2017, Impellizzeri 2020).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .night import Bools, Diary, Floats, Night, Rows
from .windows import WEEK, WEEKS_8, before, known, mean_and_deviation, percentile, trailing

OLDEST = WEEKS_8 + WEEK - 1  # the eight weeks end a week ago
FEWEST_DAYS, FEWEST_WEEKS = 14, 28
HARD_SHARE = 80  # percentile of the own load above which a day is hard
LAST_DAYS, HARD_OF_5, TOGETHER, LONGEST_RUN = 5, 3, 3, 21
FULL_WEEK, HIGH = 1.5, 1.0  # own scales of a week's mean load
STEADY_WEEKS = 0.2  # of the mean: who trains alike every week has no smaller scale
MONOTONOUS, MOST_MONOTONY = 2.0, 10.0  # mean over SD of seven days (Foster 1998)
SESSION_MINUTES, ABOVE_MODERATE = 20, 0.75
CLOSE, CLOSE_DAYS = 24 * 60, 3  # minutes from the end of a hard session to the next; days for which it is told
DAY_MINUTES = 24 * 60
HIGHEST_LOAD = 1e6  # on any scale


@dataclass(frozen=True, slots=True)
class Training:
    """Per row, how the days up to the one before the night stand against the person's own."""

    hard: Rows  # hard days of the last five
    together: Rows  # hard days in a row, the latest included
    above: Floats  # how far the week stands above the own weeks, in their scale; 0 where that is not known
    full: Bools  # clearly above
    monotonous: Bools  # a week above the own, and day like day
    high: Bools  # training is high at all: the other side of a pattern
    double: Rows  # days of the last five with two sessions, one of them above moderate
    close: Floats  # fewest minutes between two hard sessions of the last days; NaN from a day on


def training(diary: Diary) -> Training:
    """Every row's training."""
    load, since = _load(diary)
    limit = _hard_from(load, since)
    hard = trailing(load, LONGEST_RUN, since) > limit[:, None]
    of_5: Rows = hard[:, -LAST_DAYS:].sum(axis=1)
    together: Rows = np.cumprod(hard[:, ::-1], axis=1).sum(axis=1)
    week, spread = mean_and_deviation(trailing(load, WEEK, since), WEEK - 2)
    above = _above(week, since)
    twice = diary.where([_two_a_day(night) for night in diary.nights]).astype(np.float64)
    return Training(
        hard=of_5,
        together=together,
        above=above,
        full=above >= FULL_WEEK,
        monotonous=_monotonous(load, since, week, spread) & (above > 0),
        high=(of_5 >= HARD_OF_5) | (above >= HIGH),
        double=np.nansum(trailing(twice, LAST_DAYS), axis=1).astype(np.int64),
        close=_close(diary),
    )


def _load(diary: Diary) -> tuple[Floats, Rows]:
    """Load, and the row at which its present scale began."""
    load = diary.column("load")
    load[~((load >= 0) & (load <= HIGHEST_LOAD))] = np.nan
    began = np.zeros(len(load), dtype=np.int64)
    current: str | None = None
    for night, row in zip(diary.nights, diary.at, strict=True):
        if np.isfinite(load[row]) and night.load_series != current:
            began[row] = 0 if current is None else row
            current = night.load_series
    return load, np.maximum.accumulate(began)


def _hard_from(load: Floats, since: Rows) -> Floats:
    """The load above which a day is hard: that of four days in five, and of half of the days with any."""
    limit = percentile(before(load, OLDEST, WEEK, since), HARD_SHARE, FEWEST_DAYS)
    if (load == 0).any():
        trained = np.where(load > 0, load, np.nan)
        limit = np.maximum(limit, np.nan_to_num(percentile(before(trained, OLDEST, WEEK, since), 50, 1)))
    return limit


def _above(week: Floats, since: Rows) -> Floats:
    """How far a week's mean stands above the own weeks, in their scale."""
    usual, scale = mean_and_deviation(before(week, WEEKS_8, WEEK, since), FEWEST_WEEKS)
    scale = np.maximum(scale, STEADY_WEEKS * usual)
    return np.nan_to_num((week - usual) / np.where(scale > 0, scale, np.nan))


def _monotonous(load: Floats, since: Rows, week: Floats, spread: Floats) -> Bools:
    """Seven days alike, and more so than most of the own weeks: a whole day's strain is alike on all days."""
    whole = known(trailing(load, WEEK, since)) == WEEK
    if not (whole & (week > MONOTONOUS * spread)).any():
        return np.zeros(len(load), dtype=np.bool_)
    ratio = week / np.maximum(spread, week / MOST_MONOTONY + np.finfo(float).tiny)
    ratio = np.where(whole & (week > 0), ratio, np.nan)
    own = percentile(before(ratio, WEEKS_8, WEEK, since), HARD_SHARE, FEWEST_DAYS)
    return (ratio > MONOTONOUS) & (ratio > own)


def _two_a_day(night: Night) -> bool:
    """Two sessions of 20 minutes or more, one of them above moderate."""
    long = [session.intensity for session in night.sessions if session.minutes >= SESSION_MINUTES]
    return len(long) > 1 and max(long) > ABOVE_MODERATE


def _close(diary: Diary) -> Floats:
    """Fewest minutes between two hard sessions, of which the later one was on the last days."""
    shortest = np.full(len(diary.days), np.nan)
    spans = sorted(span for night, row in zip(diary.nights, diary.at, strict=True) for span in _hard_spans(night, row))
    for (_, ended), (begins, _) in pairwise(spans):
        row = int(begins // DAY_MINUTES)
        if begins >= ended and 0 <= row < len(shortest):
            shortest[row] = np.fmin(shortest[row], begins - ended)
    fewest: Floats = np.fmin.reduce(trailing(shortest, CLOSE_DAYS), axis=1)
    return fewest


def _hard_spans(night: Night, row: int) -> Iterator[tuple[float, float]]:
    """Hard sessions as minutes from the first row's day on."""
    for session in night.sessions:
        start = session.starts_minute
        hard = SESSION_MINUTES <= session.minutes <= DAY_MINUTES and session.intensity > ABOVE_MODERATE
        if hard and start is not None and 0 <= start < DAY_MINUTES:
            begins = row * DAY_MINUTES + start
            yield begins, begins + session.minutes
