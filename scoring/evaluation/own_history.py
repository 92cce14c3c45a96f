"""What each setting of the slider would have done with a person's own nights, where fatigue is put into them.

Their own noise, gaps and other causes stay as they were: only their real nights say how often an alert would have
come, and a made-up stretch of strain in them says how often one would have warned. Pure, and the same every time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from scoring.baseline import usual
from scoring.night import Floats, Night, Rows
from scoring.persistence import Weighing
from scoring.policy import SENSITIVITY

from .causes import YEAR
from .sweep import starts, weighing_of

SPELL_NIGHTS = 16
RAMP = 3  # nights over which strain comes
SHALLOWEST, DEEPEST = 0.8, 1.8  # own scales
APART = 62  # nights from the beginning of one made-up spell to that of the next
COPIES = 4
FEWEST_NIGHTS = 60  # that could be compared; fewer promise nothing


@dataclass(frozen=True, slots=True)
class Outlook:
    """One setting: it would have warned in `warned` of `spells` made-up spells; real nights gave so many alerts."""

    setting: str
    threshold: float
    warned: int
    spells: int
    alerts_a_year: float


def own_history(nights: Sequence[Night], levels: Mapping[str, float] = SENSITIVITY) -> tuple[Outlook, ...]:
    """One Outlook for each level, in their order; empty under 60 nights that could be compared.

    Nights ascend by day. Two years take well under two seconds.
    """
    if not nights:
        return ()
    weighing = weighing_of(nights)
    compared = np.flatnonzero(np.isfinite(weighing.since().strain))
    if len(compared) < FEWEST_NIGHTS:
        return ()
    real = starts(weighing, levels.values())
    taken = _taken(weighing, real)
    warned, spells = dict.fromkeys(levels, 0), 0
    for copy in range(COPIES):
        onsets = _onsets(compared, copy * APART // COPIES, taken)
        spells += len(onsets)
        found = starts(weighing_of(_strained(nights, weighing, onsets, copy)), levels.values())
        for name, level in levels.items():
            warned[name] += _warned(found[level], [_span(weighing, onset) for onset in onsets])
    years = len(compared) / YEAR
    return tuple(Outlook(name, level, warned[name], spells, len(real[level]) / years) for name, level in levels.items())


def _onsets(compared: Rows, shift: int, taken: set[int]) -> list[int]:
    """Rows where made-up strain begins: they could be compared, and no real alert is about then."""
    free = set(compared.tolist()) - taken
    first, last = int(compared[0]) + shift, int(compared[-1]) - SPELL_NIGHTS
    return [row for row in range(first, last + 1, APART) if row in free]


def _taken(weighing: Weighing, real: Mapping[float, tuple[date, ...]]) -> set[int]:
    """Rows on which made-up strain would fall together with a real alert of any level."""
    rows = {day: row for row, day in enumerate(weighing.diary.days)}
    begun = {rows[day] for days in real.values() for day in days}
    return {row for start in begun for row in range(start - SPELL_NIGHTS, start + SPELL_NIGHTS)}


def _span(weighing: Weighing, onset: int) -> tuple[date, date]:
    return weighing.diary.days[onset], weighing.diary.days[onset + SPELL_NIGHTS]


def _strained(nights: Sequence[Night], weighing: Weighing, onsets: Sequence[int], copy: int) -> list[Night]:
    """The nights with HRV lower and heart rate higher from each onset on, by a depth in the person's own scales."""
    diary = weighing.diary
    depth = np.zeros(len(diary.days))
    ramp = np.minimum(1, np.arange(1, SPELL_NIGHTS + 1) / RAMP)
    for place, onset in enumerate(onsets):
        share = (5 * place + 3 * copy) % 16 / 15  # depths spread evenly over spells, without chance
        depth[onset : onset + SPELL_NIGHTS] = (SHALLOWEST + share * (DEEPEST - SHALLOWEST)) * ramp
    hrv = np.nan_to_num(depth * usual(diary, "hrv").scale)
    resting = np.nan_to_num(depth * usual(diary, "resting_heart_rate").scale)
    return [_moved(night, row, hrv, resting) for night, row in zip(nights, diary.at, strict=True)]


def _moved(night: Night, row: int, hrv: Floats, resting: Floats) -> Night:
    if hrv[row] == 0 and resting[row] == 0:
        return night
    return replace(
        night,
        hrv_ms=night.hrv_ms and night.hrv_ms * float(np.exp(-hrv[row])),
        resting_heart_rate=night.resting_heart_rate and night.resting_heart_rate + float(resting[row]),
    )


def _warned(days: Sequence[date], spans: Sequence[tuple[date, date]]) -> int:
    return sum(any(first <= day <= end for day in days) for first, end in spans)
