"""The words that page, mail and command line share: states, headlines, ranges, dates and counts.

Rules, held by tests: a headline has at most 28 characters and a suggestion at most 90; no medical word, no alarm, no
blame. "We" is the service, never the body. The sentences stand in `phrases.py`, in each language.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ingest.words.dates import clock_time, day, full, short, span, weekday
from ingest.words.signals import (
    DECIDING,
    SIGNALS,
    SIGNALS_IN,
    SPEAKERS,
    Signal,
    direction,
    finding,
    named,
    one,
    range_sentence,
    read_from,
    recorded,
    shown,
    usual,
    usual_ranges,
    verdict,
)
from scoring import Assessment, Language
from scoring.words import LANGUAGES, Speaker, gates, grouped

__all__ = [
    "DECIDING",
    "SIGNALS",
    "SIGNALS_IN",
    "SPEAKERS",
    "Signal",
    "clock_time",
    "counted",
    "day",
    "direction",
    "finding",
    "full",
    "hero",
    "listed",
    "named",
    "one",
    "range_sentence",
    "read_from",
    "recorded",
    "short",
    "shown",
    "span",
    "usual",
    "usual_ranges",
    "verdict",
    "weekday",
]

FIRST_READING = 21  # recorded nights until a first verdict: fourteen, and the week that a baseline leaves out
QUIET_RUN = 30  # quiet nights from which the headline counts them
WEEK = 7  # days in which a weekday alone names a date
RECENT_NIGHTS = 12  # the calendar nights among which four are needed
NUMBERS: Mapping[Language, Sequence[str]] = {  # spelled out where the language's headlines have room for it
    "en": ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"),
    "de": (),
}
LOCK_SCREEN: Mapping[Language, str] = {  # all that it shows of strain
    "en": "Your recovery trend changed. Tap to see which nights.",
    "de": "Deine Erholung hat sich verändert. Tipp für die Nächte.",
}
NOTED_TRAVEL = frozenset({gates.EN["travel"], gates.DE["travel"]})
LOOKS: Mapping[str, tuple[str, str]] = {  # the shape and the tone of each state
    "collecting": ("learning", "none"),
    "normal": ("usual", "calm"),
    "watch": ("leaning", "leaning"),
    "strained": ("strained", "strained"),
    "possible_illness": ("signs", "signs"),
    "recovering": ("easing", "easing"),
    "travel": ("travel", "none"),
    "new_normal": ("new-usual", "calm"),
    "insufficient": ("few", "none"),
}


@dataclass(frozen=True, slots=True)
class Coming:
    """How a person's new nights come here, in what they are told while nights are missing."""

    learning: str
    late: str
    silent: str


@dataclass(frozen=True, slots=True)
class Hero:
    """What stands first: a state by shape, tone and word, a headline, what to do, and one line more.

    `inside` is what the state is called within a sentence.
    """

    shape: str
    tone: str
    word: str
    headline: str
    suggestion: str
    note: str = ""
    inside: str = ""


def by_file(language: Language = "en") -> Coming:
    """For people who bring their nights as files."""
    told = SPEAKERS[language]
    return Coming(told.say("file.learning"), told.say("file.late"), told.say("file.silent"))


def by_vendor(title: str, language: Language = "en") -> Coming:
    """For people whose nights a vendor sends."""
    told = SPEAKERS[language]
    late, silent = told.say("vendor.late", title=title), told.say("vendor.silent", title=title)
    return Coming(told.say("vendor.learning"), late, silent)


def by_nobody(title: str, language: Language = "en") -> Coming:
    """For people whose vendor sends nothing before they have done something there."""
    first = SPEAKERS[language].say("nobody", title=title)
    return Coming(first, first, first)


def _plain(state: str, language: Language) -> Hero:
    said = SPEAKERS[language].sentences
    headline, suggestion = said.get(f"{state}.headline", ""), said.get(f"{state}.suggestion", "")
    return Hero(*LOOKS[state], said[f"{state}.word"], headline, suggestion, inside=said[f"{state}.inside"])


HEROES_IN: Mapping[Language, Mapping[str, Hero]] = {
    language: {state: _plain(state, language) for state in LOOKS} for language in LANGUAGES
}
HEROES = HEROES_IN["en"]


def hero(assessments: Sequence[Assessment], coming: Coming | None = None, language: Language = "en") -> Hero:
    """The words for the last of these nights; the earlier ones are counted."""
    last = assessments[-1]
    plain, told = HEROES_IN[language][last.state], SPEAKERS[language]
    if last.state == "collecting":
        return _collecting(told, plain, assessments, coming or by_file(language))
    tell = _TELL.get(last.state)
    return tell(told, plain, assessments) if tell else plain


def empty(language: Language = "en") -> Hero:
    """The words for a person without a single night."""
    told = SPEAKERS[language]
    return Hero("learning", "none", told.say("empty.word"), told.say("empty.headline"), told.say("empty.suggestion"))


def connected(title: str, language: Language = "en") -> Hero:
    """The words for a person whose vendor has sent no night yet."""
    told = SPEAKERS[language]
    text = told.say("connected.suggestion", title=title)
    return Hero("learning", "none", told.say("empty.word"), told.say("connected.headline"), text)


def held_up(title: str, language: Language = "en") -> Hero:
    """The words for a person of whom no night can come before they have done something."""
    told = SPEAKERS[language]
    headline, text = told.say("held_up.headline", title=title), told.say("held_up.suggestion", title=title)
    return Hero("waiting", "none", told.say("empty.word"), headline, text)


def working(language: Language = "en") -> Hero:
    """The words while the first nights are being judged."""
    told = SPEAKERS[language]
    headline, text = told.say("working.headline"), told.say("working.suggestion")
    return Hero("waiting", "none", told.say("working.word"), headline, text)


def waiting(assessments: Sequence[Assessment], coming: Coming | None = None, language: Language = "en") -> Hero:
    """The words on a morning before last night's data is here: yesterday is named, never shown as today."""
    told, coming = SPEAKERS[language], coming or by_file(language)
    before = told.say("waiting.before", state=hero(assessments, coming, language).inside)
    return Hero("waiting", "none", told.say("waiting.word"), told.say("waiting.headline"), coming.late, before)


def silent(
    assessments: Sequence[Assessment], today: date, coming: Coming | None = None, language: Language = "en"
) -> Hero:
    """The words when nothing has come for two nights or more."""
    told, coming, last = SPEAKERS[language], coming or by_file(language), assessments[-1].day
    since = weekday(last, language) if (today - last).days < WEEK else short(last, today, language)
    state = hero(assessments, coming, language).inside
    before = told.say("silent.before", day=day(last, language), state=state)
    headline = told.say("silent.headline", since=since)
    return Hero("waiting", "none", told.say("silent.word"), headline, coming.silent, before)


def counted(number: int, noun: str) -> str:
    """`1,043 nights`, `1 night`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(things: Sequence[str]) -> str:
    """`sleep`, `sleep and workouts`, `sleep, heart rate and workouts`."""
    *first, last = things or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _number(count: int, language: Language) -> str:
    spelled = NUMBERS[language]
    return spelled[count] if count < len(spelled) else grouped(count, language)


def _collecting(told: Speaker, plain: Hero, assessments: Sequence[Assessment], coming: Coming) -> Hero:
    last = assessments[-1]
    nights = sum(recorded(each) for each in assessments if each.day >= last.state_since)
    if nights >= FIRST_READING:
        return replace(plain, headline=told.say("collecting.settled"), suggestion=told.say("collecting.settles"))
    due, language = last.day + timedelta(days=FIRST_READING - nights), told.language
    when = weekday(due, language) if (due - last.day).days < WEEK else day(due, language)
    return replace(
        plain,
        headline=told.say("collecting.count", nights=nights, needed=FIRST_READING),
        suggestion=told.say("collecting.when", when=when, coming=coming.learning),
    )


def _normal(told: Speaker, plain: Hero, assessments: Sequence[Assessment]) -> Hero:
    last = assessments[-1]
    if last.provisional:
        learning = HEROES_IN[told.language]["collecting"]
        return replace(learning, headline=told.say("normal.young"), suggestion=told.say("normal.settles"))
    if last.pattern in {"low_low", "adapting"}:
        return replace(plain, suggestion=told.say("normal.relaxed"))
    if last.nights_in_state >= QUIET_RUN:
        return replace(plain, headline=told.say("normal.run", number=grouped(last.nights_in_state, told.language)))
    return plain


def _watch(told: Speaker, plain: Hero, assessments: Sequence[Assessment]) -> Hero:
    last = assessments[-1]
    if not last.outside_nights:
        return plain
    outside, judged = (_number(count, told.language) for count in (last.outside_nights, last.judged_nights))
    return replace(plain, suggestion=told.say("watch.count", outside=outside, judged=judged.lower()))


def _strained(told: Speaker, plain: Hero, assessments: Sequence[Assessment]) -> Hero:
    last = assessments[-1]
    if not last.judged_nights:
        return plain
    headline = told.say("strained.count", outside=last.outside_nights, judged=last.judged_nights)
    if last.nights_in_state == 1:
        return replace(plain, headline=headline, note=told.say("strained.first"))
    return replace(plain, headline=headline, note=told.say("strained.since", day=day(last.state_since, told.language)))


def _signs(_: Speaker, plain: Hero, assessments: Sequence[Assessment]) -> Hero:
    active = (gate.reason for gate in assessments[-1].gates if gate.active and gate.name == "illness")
    return replace(plain, note=next(active, ""))


def _travel(told: Speaker, plain: Hero, assessments: Sequence[Assessment]) -> Hero:
    if any(gate.active and gate.reason in NOTED_TRAVEL for gate in assessments[-1].gates):
        return replace(plain, headline=told.say("travel.noted"), suggestion=told.say("travel.after"))
    return plain


def _recovering(told: Speaker, plain: Hero, assessments: Sequence[Assessment]) -> Hero:
    nights = assessments[-1].nights_in_state
    form = "one" if nights == 1 else "other"
    headline = told.say(f"recovering.nearer.{form}", number=_number(nights, told.language))
    strained = next((each for each in reversed(assessments) if each.state == "strained"), None)
    note = told.count("recovering.lasted", strained.nights_in_state) if strained else ""
    return replace(plain, headline=headline, note=note)


def _insufficient(told: Speaker, plain: Hero, assessments: Sequence[Assessment]) -> Hero:
    last = assessments[-1]
    nights = sum(recorded(each) for each in assessments if (last.day - each.day).days < RECENT_NIGHTS)
    headline = told.count("insufficient.count", nights, days=RECENT_NIGHTS)
    judged = next((each for each in reversed(assessments) if each.state not in {"insufficient", "collecting"}), None)
    if judged is None:
        return replace(plain, headline=headline)
    state = HEROES_IN[told.language][judged.state].inside
    before = told.say("insufficient.before", day=short(judged.day, language=told.language), state=state)
    return replace(plain, headline=headline, note=before)


_TELL: Mapping[str, Callable[[Speaker, Hero, Sequence[Assessment]], Hero]] = {
    "normal": _normal,
    "watch": _watch,
    "strained": _strained,
    "possible_illness": _signs,
    "recovering": _recovering,
    "travel": _travel,
    "insufficient": _insufficient,
}
