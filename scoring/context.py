"""What else was going on: training, sleep, air, output. Sentences only; none of it moves score or state.

Training load, two-a-days and hard days back to back explain strain, but no public data shows that they predict it;
feelings do not follow it either (r = .04 in 901 nights). So they are told, not counted. Soreness is not even told.
"""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .baseline import Baseline
from .night import Bools, Diary, Floats, Night, Rows, SignalName

WEEKS_8 = 56
FEWEST_DAYS = 14
HARD_SHARE = 80  # percentile of the own load above which a day is hard
HARD_OF_5 = 3
TWO_A_DAYS_OF_5 = 2
SESSION_MINUTES, ABOVE_MODERATE = 20, 0.75
SHORT_NIGHT = 60.0  # minutes under the own median
WEEKLY_DEBT = 300.0
SATURATION_DROP, BREATHING_UP = 2.0, 1.0  # points; scales
FEWEST_OUTPUTS, WEAK_SHARE = 8, 20
RELAXED: Mapping[str, tuple[str, ...]] = {  # endurance overload can look so as well (Le Meur 2013); told, never counted
    "adapting": ("You are unusually relaxed while training is high: keep an eye on how sessions feel.",),
    "low_low": ("HRV and heart rate are both low while training is high: keep an eye on your performance.",),
}
STILL = 0.4  # of the own median of steps
SIGNS: Mapping[str, str] = {
    "heavy_warm_up": "warm-up sets felt heavy",
    "grip": "grip or bar control was off",
    "coordination": "coordination was off",
    "flat_power": "power stayed flat",
}


class Context:
    """Sentences about the days and nights around each night."""

    def __init__(self, diary: Diary, usual: Mapping[SignalName, Baseline]) -> None:
        self.hard = _hard_days(diary).tolist()
        double = diary.where([_two_a_day(night) for night in diary.nights])
        self.double = np.nansum(_trailing(double.astype(np.float64), 5), axis=1).astype(int).tolist()
        self.weak = _weak(diary).tolist()
        sleep, owed = diary.values["sleep"], usual["sleep"].center
        self.slept, self.usual_sleep = sleep.tolist(), owed.tolist()
        self.short = (owed - sleep >= SHORT_NIGHT).tolist()
        self.debt = np.nansum(_trailing(owed - sleep, 7), axis=1).tolist()
        self.thin_air = _thin_air(diary, usual).tolist()
        self.still = _still(diary).tolist()

    def at(self, row: int, night: Night, pattern: str | None, *, training: bool) -> tuple[str, ...]:
        """All that is worth saying of one night; `training` false leaves out load and output."""
        lines = self._training(row, night, pattern) if training else []
        if self.short[row]:
            lines.append(f"You slept {_hours(self.slept[row])}, usual for you is {_hours(self.usual_sleep[row])}.")
        if self.debt[row] >= WEEKLY_DEBT:
            lines.append(f"Over seven nights you slept about {_hours(self.debt[row])} less than usual.")
        if self.thin_air[row]:
            lines.append("Oxygen saturation is down and breathing rate up: altitude or heat may play a part.")
        if self.still[row]:
            lines.append("For two days you have moved much less than usual.")
        if "alcohol" in night.tags:
            lines.append("This night is noted with alcohol, so it is left out of strain and of your usual range.")
        return tuple(lines)

    def _training(self, row: int, night: Night, pattern: str | None) -> list[str]:
        lines = []
        if self.hard[row] >= HARD_OF_5:
            lines.append(f"You had {self.hard[row]} hard days in 5.")
            lines += RELAXED.get(pattern or "", ())
        if self.double[row] >= TWO_A_DAYS_OF_5:
            lines.append(f"You trained twice on {self.double[row]} of 5 days.")
        if self.weak[row]:
            lines.append("Your output at a given effort is among the lowest fifth of your last eight weeks.")
        noted = [words for tag, words in SIGNS.items() if tag in night.tags]
        if noted:
            lines.append(f"You noted that {', '.join(noted)}: signs that often go with reduced drive.")
        return lines


def _hard_days(diary: Diary) -> Rows:
    """Of the last five days, how many had a load above the own 80th percentile of eight weeks."""
    load = diary.column("load")
    load[load < 0] = np.nan
    weeks = _trailing(load, WEEKS_8)
    limit = _percentile(weeks, HARD_SHARE, FEWEST_DAYS)
    hard: Rows = (weeks[:, -5:] > limit[:, None]).sum(axis=1)
    return hard


def _weak(diary: Diary) -> Bools:
    """Output under the own 20th percentile of eight weeks."""
    output = diary.column("performance")
    return output < _percentile(_trailing(output, WEEKS_8), WEAK_SHARE, FEWEST_OUTPUTS)


def _still(diary: Diary) -> Bools:
    """Two days in a row under two fifths of the own median of steps."""
    steps = diary.column("steps")
    steps[steps < 0] = np.nan
    few = steps < STILL * _percentile(_trailing(steps, WEEKS_8), 50, FEWEST_DAYS)
    return few & np.concatenate(([False], few[:-1]))


def _thin_air(diary: Diary, usual: Mapping[SignalName, Baseline]) -> Bools:
    drop = usual["oxygen_saturation"].center - diary.values["oxygen_saturation"]
    breathing = usual["respiratory_rate"]
    up = (diary.values["respiratory_rate"] - breathing.center) / breathing.scale
    return (drop >= SATURATION_DROP) & (up >= BREATHING_UP)


def _two_a_day(night: Night) -> bool:
    """Two sessions of 20 minutes or more, one of them above moderate."""
    long = [session.intensity for session in night.sessions if session.minutes >= SESSION_MINUTES]
    return len(long) > 1 and max(long) > ABOVE_MODERATE


def _trailing(values: Floats, width: int) -> Floats:
    """Row t holds the last `width` values, tonight's last."""
    return sliding_window_view(np.concatenate((np.full(width - 1, np.nan), values)), width)


def _percentile(windows: Floats, share: int, fewest: int) -> Floats:
    """Return the value that `share` % of each window's values do not exceed; NaN under `fewest` values."""
    count = np.isfinite(windows).sum(axis=1)
    ordered = np.sort(windows, axis=1)  # NaN sorts last
    value = ordered[np.arange(len(windows)), np.maximum(count - 1, 0) * share // 100]
    return np.where(count >= fewest, value, np.nan)


def _hours(minutes: float) -> str:
    return f"{minutes // 60:.0f} h {minutes % 60:02.0f} min"
