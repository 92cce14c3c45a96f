"""What else was going on: training, output, patterns, sleep, air. Sentences only: none moves score or state.

Short sleep, thin air and stillness may besides open a gate (`gates.py`), which does.

Training load, two-a-days and hard days back to back explain strain, but no public data shows that they predict it;
feelings do not follow it either (r = .04 in 901 nights). So they are told, not counted. Soreness is not even told.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .baseline import Baseline
from .deviation import Evidence
from .gates import Gate
from .load import CLOSE, HARD_OF_5, LAST_DAYS, TOGETHER, Training, training
from .night import Bools, Diary, Night, SignalName
from .output import Output, output
from .patterns import Patterns, patterns
from .windows import WEEK, WEEKS_8, percentile, trailing
from .words import Language, speaker
from .words.context import DE, EN

FEWEST_DAYS = 14
HOUR = 60  # minutes
SAME_DAY = 18 * HOUR  # minutes between hard sessions that are news even in a week that is called hard or full
TWO_A_DAYS_OF_5 = 2
SHORT_NIGHT = 60.0  # minutes under the own median
WEEKLY_DEBT = 300.0
SATURATION_DROP, BREATHING_UP = 2.0, 1.0  # points; scales
STILL = 0.4  # of the own median of steps
SAID_BY: Mapping[str, tuple[str, ...]] = {  # what a gate's own reason says already
    "altitude": ("thin_air",),
    "illness": ("still",),
}
SIGNS = ("heavy_warm_up", "grip", "compound", "coordination", "flat_power")


class Context:
    """Sentences about the days and nights around each night."""

    def __init__(
        self, diary: Diary, usual: Mapping[SignalName, Baseline], evidence: Evidence, language: Language = "en"
    ) -> None:
        self.words = speaker(language, EN, DE)
        had, gave = training(diary), output(diary)
        seen = patterns(diary, evidence, had, gave)
        self.hard, self.together, self.double = had.hard.tolist(), had.together.tolist(), had.double.tolist()
        self.close = np.where(had.close < np.where(_busy(had), SAME_DAY, CLOSE), had.close, np.nan).tolist()
        self.saturated = seen.saturated.tolist()
        self.plain = _by_row(_trained(had), _gave(gave, seen, had.high), _seen(seen))
        sleep, owed = diary.values["sleep"], usual["sleep"].center
        self.slept, self.usual_sleep = sleep.tolist(), owed.tolist()
        self.short = (owed - sleep >= SHORT_NIGHT).tolist()
        self.debt = np.nansum(trailing(owed - sleep, WEEK), axis=1).tolist()
        self.around = _by_row({"thin_air": _thin_air(diary, usual), "still": _still(diary), "loose": seen.loose})

    def at(self, row: int, night: Night, gates: Sequence[Gate], *, training: bool) -> tuple[str, ...]:
        """All that is worth saying of one night, beside the reasons of its gates.

        `training` false leaves out load, output and patterns.
        """
        named = {key for gate in gates if gate.active for key in SAID_BY.get(gate.name, ())}
        lines = list(self._training(row, night)) if training else []
        if self.short[row]:
            slept, usual = self._hours(self.slept[row]), self._hours(self.usual_sleep[row])
            lines.append(self.words.say("short", slept=slept, usual=usual))
        if self.debt[row] >= WEEKLY_DEBT:
            lines.append(self.words.say("debt", owed=self._hours(self.debt[row])))
        lines += [self.words.say(key) for key in self.around.get(row, ()) if key not in named]
        if "alcohol" in night.tags:
            lines.append(self.words.say("alcohol"))
        return tuple(lines)

    def _training(self, row: int, night: Night) -> Iterator[str]:
        yield from self._hard(self.hard[row], self.together[row])
        if self.double[row] >= TWO_A_DAYS_OF_5:
            yield self.words.say("double", days=self.double[row])
        yield from self._rest(self.close[row])
        if self.saturated[row]:
            yield self.words.say("saturated", nights=self.saturated[row])
        yield from map(self.words.say, self.plain.get(row, ()))
        noted = [self.words.say(f"sign.{sign}") for sign in SIGNS if sign in night.tags]
        if noted:
            yield self.words.say("noted", signs=", ".join(noted))

    def _hard(self, of_5: int, together: int) -> Iterator[str]:
        if together > LAST_DAYS:
            yield self.words.say("hard_run", days=together)
        elif together >= TOGETHER:
            yield self.words.say("hard_together", days=of_5, together=together)
        elif of_5 >= HARD_OF_5:
            yield self.words.say("hard_days", days=of_5)

    def _rest(self, minutes: float) -> Iterator[str]:
        """What lay between two hard sessions; NaN is neither more nor less than an hour."""
        if minutes >= HOUR:
            yield self.words.count("close", int(minutes // HOUR))
        elif minutes < HOUR:
            yield self.words.say("close.less")

    def _hours(self, minutes: float) -> str:
        hours, left = divmod(round(minutes), HOUR)
        return self.words.say("hours", hours=hours, minutes=f"{left:02}")


def _busy(had: Training) -> Bools:
    return had.full | (had.hard >= HARD_OF_5)


def _trained(had: Training) -> Mapping[str, Bools]:
    """What days one after the other say already is not said again."""
    return {
        "full_week": had.full & (had.hard < HARD_OF_5),
        "monotonous": had.monotonous & (had.together <= LAST_DAYS),
    }


def _gave(gave: Output, seen: Patterns, high: Bools) -> Mapping[str, Bools]:
    """A better figure is told only while training is high: then it is no proof of fitness, else no news."""
    return {
        "weak": gave.weak & ~seen.spent,
        "strong": gave.strong & high,
        "harder": gave.harder,
        "slow": gave.slow,
        "quick": gave.quick & high,
    }


def _seen(seen: Patterns) -> Mapping[str, Bools]:
    return {
        "relaxed": seen.relaxed & ~seen.spent,
        "spent": seen.spent,
        "low": seen.low & (seen.saturated == 0),
        "unsteady": seen.unsteady,
    }


def _by_row(*told: Mapping[str, Bools]) -> Mapping[int, list[str]]:
    """What is said of each row that something is said of, in the order given."""
    found: dict[int, list[str]] = defaultdict(list)
    for key, rows in ((key, rows) for each in told for key, rows in each.items()):
        for row in np.flatnonzero(rows).tolist():
            found[row].append(key)
    return found


def _still(diary: Diary) -> Bools:
    """Two days in a row under two fifths of the own median of steps."""
    steps = diary.column("steps")
    steps[steps < 0] = np.nan
    few = steps < STILL * percentile(trailing(steps, WEEKS_8), 50, FEWEST_DAYS)
    return few & np.concatenate(([False], few[:-1]))


def _thin_air(diary: Diary, usual: Mapping[SignalName, Baseline]) -> Bools:
    drop = usual["oxygen_saturation"].center - diary.values["oxygen_saturation"]
    breathing = usual["respiratory_rate"]
    up = (diary.values["respiratory_rate"] - breathing.center) / breathing.scale
    return (drop >= SATURATION_DROP) & (up >= BREATHING_UP)
