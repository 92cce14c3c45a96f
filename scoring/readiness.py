"""One night's result: a score of 0 to 100, what made it, how far it can be trusted, and the record of it all."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from .baseline import FEWEST_NIGHTS, Baseline, vendor_day
from .deviation import Evidence
from .gates import Gate
from .night import Diary, Floats, Night, Rows, SignalName
from .persistence import Alert, Ending, Notice, State
from .policy import ALGORITHM_VERSION
from .words import Language, doubts, speaker

Band: TypeAlias = Literal["good", "moderate", "low"]
Direction: TypeAlias = Literal["above", "within", "below"]
RestingKind: TypeAlias = Literal["sleep", "vendor_day"]

CENTER, SLOPE = 0.70, 0.80  # score = 100 Φ(.70 - .80 x): median near 75, one night in 16 at 33 or less
START = 100 * NormalDist().cdf(CENTER)  # the score of a night exactly as usual: 75.8
TONIGHT_CLIP = 2.5
SMALLEST = 1e-6  # below it the ratio of parts is taken from the slope
GOOD, LOW = 67, 33
DEAD_ZONE = 0.3  # own scales; a mean inside it is "same"
SETTLED_NIGHTS = 28  # baseline nights until which a result is provisional
FULL_NIGHTS, FULL_RECENT = 45, 6  # baseline and recent nights of full confidence
CHANGED_NIGHTS = 21
SHOWN_CONFIDENCE = 0.35  # floor of every score that is shown
SPOT, SDNN, ONE_SIGNAL, CHANGED, MIXED = 0.9, 0.5, 0.6, 0.5, 0.5

DECIDING: tuple[SignalName, ...] = ("hrv", "resting_heart_rate")
SERIES: Mapping[SignalName, str] = {
    "hrv": "hrv_series",
    "resting_heart_rate": "resting_series",
    "respiratory_rate": "respiratory_series",
    "skin_temperature": "temperature_series",
}

PATTERNS: Mapping[tuple[int, int], str] = {  # (HRV, resting heart rate): -1 down, 0 same, 1 up
    (-1, 1): "strained",
    (-1, 0): "hrv_low",
    (0, 1): "rhr_high",
    (-1, -1): "low_low",
    (1, -1): "adapting",
    (1, 1): "mixed",
    (0, 0): "steady",
    (1, 0): "hrv_high",
    (0, -1): "rhr_low",
}


@dataclass(frozen=True, slots=True)
class Driver:
    """What one signal adds to or takes from the score of a usual night; value and range in the person's units."""

    signal: SignalName
    points: float
    value: float | None
    usual_low: float | None
    usual_high: float | None
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class Input:
    """One signal of the night beside its own usual range, and the nights that range rests on.

    `kind` says of resting heart rate whether it was measured asleep or is a vendor's value of the day.
    """

    signal: SignalName
    value: float | None
    usual_low: float | None
    usual_high: float | None
    nights: int
    series: str
    kind: RestingKind | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that can be said of one night, from this night and those before it."""

    day: date
    score: float | None  # 0-100, unrounded
    band: Band | None
    state: State
    provisional: bool  # under 28 baseline nights
    state_since: date
    nights_in_state: int  # calendar nights, this one included
    confidence: float  # 0-1
    confidence_reasons: tuple[str, ...]
    drivers: tuple[Driver, ...]  # points sum to score - 75.80
    pattern: str | None
    context: tuple[str, ...]
    gates: tuple[Gate, ...]
    inputs: tuple[Input, ...]
    alert: Alert | None
    ended_by: Ending | None
    notice: Notice | None
    explanation: str
    suggestion: str
    algorithm_version: str = ALGORITHM_VERSION
    strain: float | None = None  # S: the last eight nights without the worst, in own scales
    tonight: float | None = None  # u: this night's joint deviation
    judged_nights: int = 0  # recorded nights that strain rests on
    outside_nights: int = 0  # of these, how many lean towards strain
    load: float | None = None  # training load of the day before, on the scale that `load_series` names
    load_series: str = ""


class Reading(NamedTuple):
    """The part of an assessment that needs no state."""

    score: float | None
    band: Band | None
    provisional: bool
    confidence: float
    confidence_reasons: tuple[str, ...]
    drivers: tuple[Driver, ...]
    pattern: str | None
    inputs: tuple[Input, ...]
    strain: float | None
    tonight: float | None
    judged_nights: int
    outside_nights: int


class Scored(NamedTuple):
    """Columns of the score and of each deciding signal's points."""

    score: Floats
    hrv_points: Floats
    resting_points: Floats


def score_nights(evidence: Evidence) -> Scored:
    """Score and points of every row: half tonight's deviation, half the strain of the last eight nights.

    x is linear in both signals, so its parts are exact; clipping tonight scales both parts alike.
    """
    held = np.clip(evidence.tonight, -TONIGHT_CLIP, TONIGHT_CLIP)
    scaling = np.where(np.abs(evidence.tonight) > TONIGHT_CLIP, held / np.where(held == 0, 1, evidence.tonight), 1.0)
    hrv = 0.5 * scaling * evidence.tonight_hrv_share + 0.5 * evidence.strain_hrv_share
    resting = 0.5 * scaling * evidence.tonight_resting_share + 0.5 * evidence.strain_resting_share
    x = 0.5 * held + 0.5 * evidence.strain
    score = np.array([50 * math.erfc(-(CENTER - SLOPE * each) / math.sqrt(2)) for each in x.tolist()])
    tiny = np.abs(x) < SMALLEST
    slope = -100 * SLOPE * NormalDist().pdf(CENTER)
    rate = np.where(tiny, slope, (score - START) / np.where(tiny, 1.0, x))
    return Scored(score, rate * hrv, rate * resting)


class Readings:
    """Every night's reading; columns are turned into plain numbers once."""

    def __init__(
        self, diary: Diary, evidence: Evidence, around: Mapping[SignalName, Baseline], language: Language = "en"
    ) -> None:
        self.told = speaker(language, doubts.EN, doubts.DE)
        self.kinds: list[RestingKind] = ["vendor_day" if day else "sleep" for day in vendor_day(diary).tolist()]
        scored = score_nights(evidence)
        self.score = _plain(scored.score)
        self.points: dict[SignalName, list[float]] = {
            "hrv": scored.hrv_points.tolist(),
            "resting_heart_rate": scored.resting_points.tolist(),
        }
        self.own = {"hrv": _plain(evidence.hrv), "resting_heart_rate": _plain(evidence.resting)}
        self.strain, self.tonight = _plain(evidence.strain), _plain(evidence.tonight)
        self.recent, self.leaning = evidence.recent.tolist(), evidence.leaning.tolist()
        self.means = list(zip(_plain(evidence.hrv_mean), _plain(evidence.resting_mean), strict=True))
        self.values = {name: _plain(values) for name, values in diary.values.items()}
        self.began = np.maximum(diary.since["hrv"], diary.since["resting_heart_rate"]).tolist()
        self.lows: dict[SignalName, list[float | None]] = {}
        self.highs: dict[SignalName, list[float | None]] = {}
        self.nights: dict[SignalName, list[int]] = {}
        self._range("hrv", np.exp(evidence.hrv_low), np.exp(evidence.hrv_high), evidence.hrv_nights)
        self._range("resting_heart_rate", evidence.resting_low, evidence.resting_high, evidence.resting_nights)
        for name, usual in around.items():
            self._range(name, usual.low, usual.high, usual.nights)

    def at(self, row: int, night: Night) -> Reading:
        """Read one given night."""
        score, pattern = self.score[row], _pattern(*self.means[row])
        used = self._compared(row)
        settled = self._settled(row, used)
        trust, reasons = self._confidence(row, night, pattern, used, settled)
        return Reading(
            score=score,
            band=_band(score),
            provisional=settled < SETTLED_NIGHTS,
            confidence=trust if score is None else max(trust, SHOWN_CONFIDENCE),
            confidence_reasons=reasons,
            drivers=self._drivers(row) if score is not None else (),
            pattern=pattern,
            inputs=self._inputs(row, night),
            strain=self.strain[row],
            tonight=self.tonight[row],
            judged_nights=self.recent[row],
            outside_nights=self.leaning[row],
        )

    def _range(self, name: SignalName, low: Floats, high: Floats, nights: Rows) -> None:
        self.lows[name], self.highs[name], self.nights[name] = _plain(low), _plain(high), nights.tolist()

    def _compared(self, row: int) -> list[SignalName]:
        """Signals that tonight's deviation rests on; on a night without any, those that could be compared."""
        tonight = [name for name in DECIDING if self.own[name][row] is not None]
        return tonight or [name for name in DECIDING if self.nights[name][row] >= FEWEST_NIGHTS]

    def _settled(self, row: int, used: list[SignalName]) -> int:
        """Nights in the thinner baseline of those in use."""
        if not used:
            return max(self.nights[name][row] for name in DECIDING)
        return min(self.nights[name][row] for name in used)

    def _drivers(self, row: int) -> tuple[Driver, ...]:
        drivers = []
        for name in DECIDING:
            points = self.points[name][row]
            if points == 0 and self.own[name][row] is None:
                continue
            value, low, high = self.values[name][row], self.lows[name][row], self.highs[name][row]
            drivers.append(Driver(name, points, value, low, high, _direction(value, low, high)))
        return tuple(drivers)

    def _inputs(self, row: int, night: Night) -> tuple[Input, ...]:
        inputs = []
        for name, values in self.values.items():
            value, nights = values[row], self.nights[name][row]
            if value is not None or nights:
                series = getattr(night, SERIES[name]) if name in SERIES else ""
                kind = self.kinds[row] if name == "resting_heart_rate" else ""
                inputs.append(Input(name, value, self.lows[name][row], self.highs[name][row], nights, series, kind))
        return tuple(inputs)

    def _confidence(
        self, row: int, night: Night, pattern: str | None, used: list[SignalName], settled: int
    ) -> tuple[float, tuple[str, ...]]:
        """Product of what limits trust, and a sentence for each part that does."""
        recent, told, term = self.recent[row], self.told, self.kinds[row]
        limits: list[tuple[float, str]] = []
        if settled < FULL_NIGHTS:
            limits.append((settled / FULL_NIGHTS, told.count("settled", settled)))
        if recent < FULL_RECENT:
            limits.append((recent / FULL_RECENT, told.count("recent", recent)))
        if "hrv" in used and night.hrv_kind == "sdnn":
            limits.append((SDNN, told.say("sdnn")))
        elif "hrv" in used and night.hrv_window == "spot":
            limits.append((SPOT, told.say("spot")))
        if len(used) == 1:
            limits.append((ONE_SIGNAL, told.say(f"only.{'hrv' if used == ['hrv'] else term}")))
        if self.began[row] > 0 and row - self.began[row] < CHANGED_NIGHTS:
            limits.append((CHANGED, told.say("changed")))
        if pattern == "mixed":
            limits.append((MIXED, told.say(f"mixed.{term}")))
        return math.prod(factor for factor, _ in limits), tuple(reason for _, reason in limits)


def _plain(column: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in column.tolist()]


def _pattern(hrv: float | None, resting: float | None) -> str | None:
    return None if hrv is None or resting is None else PATTERNS[_sign(-hrv), _sign(resting)]


def _sign(mean: float) -> int:
    return (mean > DEAD_ZONE) - (mean < -DEAD_ZONE)


def _band(score: float | None) -> Band | None:
    """Band of the score as it is shown, so that a shown 67 is never called moderate."""
    if score is None:
        return None
    shown = round(score)
    return "good" if shown >= GOOD else "low" if shown <= LOW else "moderate"


def _direction(value: float | None, low: float | None, high: float | None) -> Direction | None:
    if value is None or low is None or high is None:
        return None
    return "above" if value > high else "below" if value < low else "within"
