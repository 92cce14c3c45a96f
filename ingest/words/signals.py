"""How the signals of a night are called, and how a value is written beside the person's own usual range."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.words.phrases import DE, EN
from scoring import Assessment, Input, Language
from scoring.words import LANGUAGES, Speaker, grouped, speaker

DECIDING = ("hrv", "resting_heart_rate")
LATELY = 8  # nights that a finding looks at
SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Signal:
    """How one signal is called and shown; `plain` is its whole name within a sentence."""

    label: str
    short: str
    unit: str
    decimals: int = 0
    plain: str = ""


SIGNALS: Mapping[str, Signal] = {
    "hrv": Signal("Overnight HRV", "HRV", "ms", plain="HRV"),
    "resting_heart_rate": Signal("Sleeping heart rate", "heart rate", "bpm", plain="sleeping heart rate"),
    "respiratory_rate": Signal("Breathing rate", "breathing rate", "a minute", 1),
    "skin_temperature": Signal("Skin temperature", "skin temperature", "°C", 1),
    "oxygen_saturation": Signal("Blood oxygen", "blood oxygen", "%"),
    "sleep": Signal("Time asleep", "sleep", "min"),
}
SIGNALS_IN: Mapping[Language, Mapping[str, Signal]] = {
    "en": SIGNALS,
    "de": {
        "hrv": Signal("HRV nachts", "HRV", "ms", plain="HRV"),
        "resting_heart_rate": Signal("Schlafpuls", "Puls", "bpm", plain="Schlafpuls"),
        "respiratory_rate": Signal("Atemfrequenz", "Atemfrequenz", "pro Minute", 1),
        "skin_temperature": Signal("Hauttemperatur", "Hauttemperatur", "°C", 1),
        "oxygen_saturation": Signal("Sauerstoff im Blut", "Sauerstoff", "%"),
        "sleep": Signal("Schlafdauer", "Schlaf", "min"),
    },
}
ALL_DAY: Mapping[Language, Signal] = {  # a vendor's heart rate of the day, which nobody may take for that of a night
    "en": Signal("Resting heart rate", "heart rate", "bpm", plain="resting heart rate"),
    "de": Signal("Ruhepuls", "Puls", "bpm", plain="Ruhepuls"),
}


def named(given: Input, language: Language = "en") -> Signal:
    """How this signal of this night is called: heart rate by what the series is, asleep or a vendor's of the day."""
    return ALL_DAY[language] if given.kind == "vendor_day" else SIGNALS_IN[language][given.signal]


def shown(value: float, signal: str, language: Language = "en") -> str:
    """A value as people read it: `48`, `14.6`."""
    return grouped(value, language, SIGNALS[signal].decimals)


def direction(given: Input) -> str | None:
    """`below`, `within` or `above` the usual range, as the printed numbers say; None where nothing can be compared."""
    if given.value is None or given.usual_low is None or given.usual_high is None:
        return None
    places = SIGNALS[given.signal].decimals
    value, low, high = (round(number, places) for number in (given.value, given.usual_low, given.usual_high))
    return "below" if value < low else "above" if value > high else "within"


def verdict(given: Input, language: Language = "en") -> str:
    """A comparison, not a grade: `below usual`, `as usual`, `above usual`."""
    side = direction(given)
    return SPEAKERS[language].say(side) if side else ""


def usual(given: Input, language: Language = "en") -> str:
    """The usual range: `54–68`; empty while there is none."""
    if given.usual_low is None or given.usual_high is None:
        return ""
    return f"{shown(given.usual_low, given.signal, language)}–{shown(given.usual_high, given.signal, language)}"


def range_sentence(given: Input, language: Language = "en") -> str:
    """Say it in one: `Overnight HRV 48 ms, below usual (54–68)`."""
    told, signal = SPEAKERS[language], named(given, language)
    if given.value is None:
        return told.say("range.none", label=signal.label)
    value = {"label": signal.label, "value": shown(given.value, given.signal, language), "unit": signal.unit}
    compared = usual(given, language)
    if not compared:
        return told.say("range.alone", **value)
    return told.say("range.compared", **value, verdict=verdict(given, language), usual=compared)


def usual_ranges(assessment: Assessment, language: Language = "en") -> str:
    """Both ranges: `Your usual range: HRV 54–68 ms, sleeping heart rate 49–54 bpm.`; empty while there is none."""
    known = [given for name in DECIDING if (given := one(assessment, name)) and usual(given)]
    listed = ", ".join(_plain_range(given, language) for given in known)
    return SPEAKERS[language].say("ranges", ranges=listed) if listed else ""


def finding(assessments: Sequence[Assessment], signal: str, language: Language = "en") -> str:
    """What a picture of these nights shows of one signal, for those who do not see it."""
    told = SPEAKERS[language]
    recent = [given for each in assessments if (given := one(each, signal)) and given.value is not None][-LATELY:]
    if not recent:
        return told.say("finding.none", label=SIGNALS_IN[language][signal].label)
    label, directions = named(recent[-1], language).label, [direction(given) for given in recent]
    if not any(directions):
        return told.count("finding.young", len(recent), label=label)
    outside = next((side for side in ("below", "above") if directions.count(side) * 2 > len(recent)), "within")
    return told.count(f"finding.{outside}", len(recent), label=label, count=directions.count(outside))


def one(assessment: Assessment, signal: str) -> Input | None:
    """One signal of a night, or None."""
    return next((given for given in assessment.inputs if given.signal == signal), None)


def recorded(assessment: Assessment) -> bool:
    """Whether the night has a value of a signal that decides."""
    return any(given.value is not None for given in assessment.inputs if given.signal in DECIDING)


def read_from(assessment: Assessment) -> str:
    """The vendor whose series decided about a night, by the beginning of their names; empty where none did."""
    named_by = (given.series for given in assessment.inputs if given.signal in DECIDING and given.series)
    return next(named_by, "").split("/")[0]


def _plain_range(given: Input, language: Language) -> str:
    signal = named(given, language)
    return f"{signal.plain} {usual(given, language)} {signal.unit}"
