"""The words that page, mail and command line share: states, headlines, ranges, dates and counts.

Rules, held by tests: a headline has at most 28 characters and a suggestion at most 90; no medical word, no alarm, no
blame. "We" is the service, never the body.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from scoring import Assessment, Input

FIRST_READING = 21  # recorded nights until a first verdict: fourteen, and the week that a baseline leaves out
QUIET_RUN = 30  # quiet nights from which the headline counts them
WEEK = 7  # days in which a weekday alone names a date
RECENT_NIGHTS = 12  # the calendar nights among which four are needed
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
DECIDING = ("hrv", "resting_heart_rate")
DISCLAIMER = "Not a medical device."
FEELING = "How you feel counts more than this page."


@dataclass(frozen=True, slots=True)
class Signal:
    """How one signal is called and shown."""

    label: str
    short: str
    unit: str
    decimals: int = 0


SIGNALS: Mapping[str, Signal] = {
    "hrv": Signal("Overnight HRV", "HRV", "ms"),
    "resting_heart_rate": Signal("Sleeping heart rate", "heart rate", "bpm"),
    "respiratory_rate": Signal("Breathing rate", "breathing rate", "a minute", 1),
    "skin_temperature": Signal("Skin temperature", "skin temperature", "°C", 1),
    "oxygen_saturation": Signal("Blood oxygen", "blood oxygen", "%"),
    "sleep": Signal("Time asleep", "sleep", "min"),
}

_PLAIN: Mapping[str, str] = {"hrv": "HRV", "resting_heart_rate": "sleeping heart rate"}


@dataclass(frozen=True, slots=True)
class Coming:
    """How a person's new nights come here, in what they are told while nights are missing."""

    learning: str
    late: str
    silent: str


BY_FILE = Coming(
    "Bring a newer file then.",
    "Bring a newer file when you have one.",
    "Bring a newer file, and we go on where it stopped.",
)


def by_vendor(title: str) -> Coming:
    """For people whose nights a vendor sends."""
    return Coming(
        "Just wear it to bed.",
        f"Opening the {title} app sends it.",
        f"Open the {title} app once: usually the device has not met the phone.",
    )


def by_nobody(title: str) -> Coming:
    """For people whose vendor sends nothing before they have done something there."""
    first = f"{title} needs you first."
    return Coming(first, first, first)


@dataclass(frozen=True, slots=True)
class Hero:
    """What stands first: a state by shape, tone and word, a headline, what to do, and one line more."""

    shape: str
    tone: str
    word: str
    headline: str
    suggestion: str
    note: str = ""


HEROES: Mapping[str, Hero] = {
    "collecting": Hero("learning", "none", "Learning", "", ""),
    "normal": Hero("usual", "calm", "As usual", "Nothing stands out", "Do what you had planned."),
    "watch": Hero("leaning", "leaning", "Leaning", "A few nights off", "Keep your plan; add nothing hard yet."),
    "strained": Hero(
        "strained",
        "strained",
        "Strained",
        "Strain for some nights",
        "Swap the next hard session for an easy one, or rest. Look again in three nights.",
    ),
    "possible_illness": Hero(
        "signs",
        "signs",
        "Other signs",
        "More than training strain",
        "Rest first. If you feel unwell, ask a professional.",
    ),
    "recovering": Hero("easing", "easing", "Easing", "", "Come back in steps over two or three days."),
    "travel": Hero(
        "travel",
        "none",
        "Travelling",
        "Your clock has moved",
        "We hold back judgement for a week after a three-hour shift.",
    ),
    "new_normal": Hero(
        "new-usual", "calm", "New usual", "This is your usual now", "From today we compare with the new range."
    ),
    "insufficient": Hero("few", "none", "Too few nights", "", "We need four nights of twelve to say anything."),
}


def hero(assessments: Sequence[Assessment], coming: Coming = BY_FILE) -> Hero:
    """The words for the last of these nights; the earlier ones are counted."""
    last = assessments[-1]
    plain = HEROES[last.state]
    if last.state == "collecting":
        return _collecting(plain, last, assessments, coming)
    told = _TELL.get(last.state)
    return told(plain, last, assessments) if told else plain


def empty() -> Hero:
    """The words for a person without a single night."""
    return Hero(
        "learning",
        "none",
        "No nights yet",
        "Bring your past nights",
        "Connect what you wear, or bring its file. A month of nights is enough for an answer.",
    )


def connected(title: str) -> Hero:
    """The words for a person whose vendor has sent no night yet."""
    text = f"{title} is connected. The first night comes by itself; there is nothing else to do."
    return Hero("learning", "none", "No nights yet", "Wear it to bed tonight", text)


def held_up(title: str) -> Hero:
    """The words for a person of whom no night can come before they have done something."""
    text = f"Then your nights come by themselves. Nothing of what {title} has is lost."
    return Hero("waiting", "none", "No nights yet", f"{title} needs you first", text)


def working() -> Hero:
    """The words while the first nights are being judged."""
    return Hero("waiting", "none", "Working it out", "Your nights are being read", "This page refreshes by itself.")


def waiting(assessments: Sequence[Assessment], coming: Coming = BY_FILE) -> Hero:
    """The words on a morning before last night's data is here: yesterday is named, never shown as today."""
    before = hero(assessments).word.lower()
    return Hero(
        "waiting",
        "none",
        "Waiting for last night",
        "Last night isn't here yet",
        coming.late,
        f"Yesterday: {before}.",
    )


def silent(assessments: Sequence[Assessment], today: date, coming: Coming = BY_FILE) -> Hero:
    """The words when nothing has come for two nights or more."""
    last = assessments[-1].day
    since = WEEKDAYS[last.weekday()] if (today - last).days < WEEK else short(last, today)
    return Hero(
        "waiting",
        "none",
        "No new nights",
        f"Nothing since {since}",
        coming.silent,
        f"Last reading, {day(last)}: {hero(assessments).word.lower()}.",
    )


def shown(value: float, signal: str) -> str:
    """A value as people read it: `48`, `14.6`."""
    return f"{value:.{SIGNALS[signal].decimals}f}"


def direction(given: Input) -> str | None:
    """`below`, `within` or `above` the usual range, as the printed numbers say; None where nothing can be compared."""
    if given.value is None or given.usual_low is None or given.usual_high is None:
        return None
    places = SIGNALS[given.signal].decimals
    value, low, high = (round(number, places) for number in (given.value, given.usual_low, given.usual_high))
    return "below" if value < low else "above" if value > high else "within"


def verdict(given: Input) -> str:
    """A comparison, not a grade: `below usual`, `as usual`, `above usual`."""
    return {"below": "below usual", "within": "as usual", "above": "above usual", None: ""}[direction(given)]


def usual(given: Input) -> str:
    """The usual range: `54–68`; empty while there is none."""
    if given.usual_low is None or given.usual_high is None:
        return ""
    return f"{shown(given.usual_low, given.signal)}–{shown(given.usual_high, given.signal)}"


def range_sentence(given: Input) -> str:
    """Say it in one: `Overnight HRV 48 ms, below usual (54–68)`."""
    signal = SIGNALS[given.signal]
    if given.value is None:
        return f"{signal.label}: nothing last night."
    told = f"{signal.label} {shown(given.value, given.signal)} {signal.unit}"
    return f"{told}, {verdict(given)} ({usual(given)})." if usual(given) else f"{told}."


def usual_ranges(assessment: Assessment) -> str:
    """Both ranges: `Your usual range: HRV 54–68 ms, sleeping heart rate 49–54 bpm.`; empty while there is none."""
    known = [given for name in DECIDING if (given := one(assessment, name)) and usual(given)]
    told = [f"{_PLAIN[given.signal]} {usual(given)} {SIGNALS[given.signal].unit}" for given in known]
    return f"Your usual range: {', '.join(told)}." if told else ""


def finding(assessments: Sequence[Assessment], signal: str) -> str:
    """What a picture of these nights shows of one signal, for those who do not see it."""
    recent = [given for each in assessments if (given := one(each, signal)) and given.value is not None][-8:]
    directions = [direction(given) for given in recent]
    label = SIGNALS[signal].label
    if not recent:
        return f"{label}: no nights."
    for side in ("below", "above"):
        count = directions.count(side)
        if count * 2 > len(recent):
            return f"{label} {side} your usual on {count} of the last {counted(len(recent), 'night')}."
    if not any(directions):
        return f"{label}: {counted(len(recent), 'night')}, no usual range yet."
    return f"{label} within your usual on {directions.count('within')} of the last {counted(len(recent), 'night')}."


def one(assessment: Assessment, signal: str) -> Input | None:
    """One signal of a night, or None."""
    return next((given for given in assessment.inputs if given.signal == signal), None)


def recorded(assessment: Assessment) -> bool:
    """Whether the night has a value of a signal that decides."""
    return any(given.value is not None for given in assessment.inputs if given.signal in DECIDING)


def read_from(assessment: Assessment) -> str:
    """The vendor whose series decided about a night, by the beginning of their names; empty where none did."""
    named = (given.series for given in assessment.inputs if given.signal in DECIDING and given.series)
    return next(named, "").split("/")[0]


def day(value: date) -> str:
    """`Sun 22 Nov`."""
    return f"{WEEKDAYS[value.weekday()][:3]} {value.day} {MONTHS[value.month - 1]}"


def short(value: date, beside: date | None = None) -> str:
    """`22 Nov`, and with its year where that differs from the date it stands beside."""
    year = f" {value.year}" if beside and value.year != beside.year else ""
    return f"{value.day} {MONTHS[value.month - 1]}{year}"


def full(value: date) -> str:
    """`22 Nov 2026`."""
    return f"{short(value)} {value.year}"


def span(first: date, last: date) -> str:
    """`14–22 Nov`, `28 Oct – 3 Nov`, or one date."""
    if first == last:
        return short(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{short(last)}"
    return f"{short(first, last)} – {short(last)}"


def counted(number: int, noun: str) -> str:
    """`1,043 nights`, `1 night`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(things: Sequence[str]) -> str:
    """`sleep`, `sleep and workouts`, `sleep, heart rate and workouts`."""
    *first, last = things or [""]
    return f"{', '.join(first)} and {last}" if first else last


def clock_time(minutes: int) -> str:
    """Minutes since midnight as `22:00`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def _collecting(plain: Hero, last: Assessment, assessments: Sequence[Assessment], coming: Coming) -> Hero:
    nights = sum(recorded(each) for each in assessments if each.day >= last.state_since)
    if nights >= FIRST_READING:
        return replace(plain, headline="Learning your usual", suggestion="A few more nights in a row are needed.")
    due = last.day + timedelta(days=FIRST_READING - nights)
    when = WEEKDAYS[due.weekday()] if (due - last.day).days < WEEK else day(due)
    return replace(
        plain,
        headline=f"{nights} of {FIRST_READING} nights so far",
        suggestion=f"Around {when} there are enough nights. {coming.learning}",
    )


def _normal(plain: Hero, last: Assessment, _: Sequence[Assessment]) -> Hero:
    if last.provisional:
        return Hero(
            "learning",
            "none",
            "Learning",
            "Looks as usual, early days",
            "Your range settles over the next two weeks.",
        )
    if last.pattern in {"low_low", "adapting"}:
        return replace(plain, suggestion="Unusually relaxed nights: keep an eye on how sessions feel.")
    if last.nights_in_state >= QUIET_RUN:
        return replace(plain, headline=f"{last.nights_in_state:,} nights as usual")
    return plain


def _watch(plain: Hero, last: Assessment, _: Sequence[Assessment]) -> Hero:
    if not last.outside_nights:
        return plain
    told = f"{_number(last.outside_nights)} of your last {_number(last.judged_nights).lower()} lean towards strain."
    return replace(plain, suggestion=f"{told} {plain.suggestion}")


def _strained(plain: Hero, last: Assessment, _: Sequence[Assessment]) -> Hero:
    if not last.judged_nights:
        return plain
    headline = f"Strain for {last.outside_nights} of {last.judged_nights} nights"
    if last.nights_in_state == 1:
        return replace(plain, headline=headline, note="With last night they add up; one night alone never does.")
    return replace(plain, headline=headline, note=f"Strained since {day(last.state_since)}.")


def _signs(plain: Hero, last: Assessment, _: Sequence[Assessment]) -> Hero:
    note = next((gate.reason for gate in last.gates if gate.active and gate.name == "illness"), "")
    return replace(plain, note=note)


def _travel(plain: Hero, last: Assessment, _: Sequence[Assessment]) -> Hero:
    if any(gate.active and gate.name == "travel" and "noted" in gate.reason for gate in last.gates):
        return replace(plain, headline="You noted travel", suggestion="We hold back judgement for a week after it.")
    return plain


def _recovering(plain: Hero, last: Assessment, assessments: Sequence[Assessment]) -> Hero:
    nights = last.nights_in_state
    strained = next((each for each in reversed(assessments) if each.state == "strained"), None)
    return replace(
        plain,
        headline=f"{_number(nights)} {'night' if nights == 1 else 'nights'} nearer usual",
        note=f"Strain lasted {counted(strained.nights_in_state, 'night')}." if strained else "",
    )


def _insufficient(plain: Hero, last: Assessment, assessments: Sequence[Assessment]) -> Hero:
    nights = sum(recorded(each) for each in assessments if (last.day - each.day).days < RECENT_NIGHTS)
    headline = f"{counted(nights, 'night')} in {RECENT_NIGHTS} days"
    judged = next((each for each in reversed(assessments) if each.state not in {"insufficient", "collecting"}), None)
    note = f"Last reading: {short(judged.day)}, {HEROES[judged.state].word.lower()}." if judged else ""
    return replace(plain, headline=headline, note=note)


_TELL: Mapping[str, Callable[[Hero, Assessment, Sequence[Assessment]], Hero]] = {
    "normal": _normal,
    "watch": _watch,
    "strained": _strained,
    "possible_illness": _signs,
    "recovering": _recovering,
    "travel": _travel,
    "insufficient": _insufficient,
}
