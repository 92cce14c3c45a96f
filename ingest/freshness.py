"""One sentence about a connection: fresh, late, or in need of its person; why, since when, and what to do.

Pure: `ingest.standings` reads the rows. Of an ordered list of causes the first that holds is what is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from ingest import words
from ingest.words import relayed as relayed_words
from ingest.words.freshness import SPEAKERS
from scoring import Language
from scoring.words import Speaker

Mood = Literal["fresh", "late", "waiting", "needs_you", "off"]
Action = Literal["", "reconnect", "share", "import"]
DAY = timedelta(days=1)
WORTH_TELLING = timedelta(minutes=30)  # a vendor that stumbles and is back has cost nobody anything


@dataclass(frozen=True, slots=True)
class Followed:
    """Where one stream of a connection stands, with the words a person knows it by."""

    title: str
    nightly: bool
    state: str
    failing_since: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the rows say of one connection; instants are aware, in any zone.

    `night` is the newest one, `night_at` when it came in or last changed. `paused_until` is the gate of the whole
    vendor, `failing_for_all` whether its failures shut it, `held` whether an operator did. `denied_until` is when the
    vendor said to come back.
    """

    connection: int
    vendor: str
    title: str
    kind: str
    state: str
    since: datetime
    reason: str | None = None
    paused_until: datetime | None = None
    failing_for_all: bool = False
    held: bool = False
    streams: tuple[Followed, ...] = ()
    denied_until: datetime | None = None
    asked_at: datetime | None = None
    windows: int = 0
    windows_waiting: int = 0
    night: date | None = None
    night_at: datetime | None = None

    @property
    def shared(self) -> list[str]:
        """What the person lets us read, in words."""
        return [stream.title for stream in self.streams if stream.state != "forbidden"]

    @property
    def unshared(self) -> list[str]:
        """What the person does not let us read."""
        return [stream.title for stream in self.streams if stream.state == "forbidden"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said of a connection: a mood, a word for it, the sentence, and what the person can do.

    `cause` is the same in every language.
    """

    mood: Mood
    word: str
    text: str
    action: Action = ""
    cause: str = ""


def sentence(seen: Standing, now: datetime, language: Language = "en") -> Sentence:
    """The first cause that holds. `now` carries the zone of the person, in which times are told."""
    told = SPEAKERS[language]
    return next(said for cause in _CAUSES if (said := cause(seen, now, told)) is not None)


def moment(at: datetime, now: datetime, language: Language = "en") -> str:
    """An instant as people say it, in the zone of `now`: `06:12`, with its date where that is another day."""
    here = at.astimezone(now.tzinfo)
    told = f"{here:%H:%M}"
    return told if here.date() == now.date() else f"{words.short(here.date(), now.date(), language)}, {told}"


def on_day(at: datetime, now: datetime, language: Language = "en") -> str:
    """The date of an instant: `on 20 Nov`, or `today`."""
    return _of_day("on", at, now, SPEAKERS[language])


def _disconnected(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if seen.state != "disconnected":
        return None
    text = told.say("disconnected", when=on_day(seen.since, now, told.language))
    return _sentence(told, "off", "disconnected", text, "reconnect")


def _lost(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if seen.state != "reconnect":
        return None
    text = told.say("lost", title=seen.title, when=on_day(seen.since, now, told.language))
    return _sentence(told, "needs_you", "needs_you", text, "reconnect")


def _needs_person(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if seen.state != "needs_you":
        return None
    reason = _reason(seen.reason.rstrip("."), told) if seen.reason else told.say("waits", title=seen.title)
    since = _of_day("since", seen.since, now, told)
    text = told.say("waits.since", reason=f"{reason[:1].upper()}{reason[1:]}", since=since)
    return _sentence(told, "needs_you", "needs_you", text, "reconnect")


def _paused(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    by_hand = seen.state == "paused" or seen.held
    shut = seen.paused_until is not None and seen.paused_until > now
    if not by_hand and not shut:
        return None
    if shut and seen.failing_for_all and not by_hand:
        return _sentence(told, "late", "away", told.say("away", title=seen.title), title=seen.title)
    why = seen.reason if seen.state == "paused" else None
    key = "paused.why" if why else "paused"
    return _sentence(told, "off", "paused", told.say(key, title=seen.title, reason=why))


def _unshared(seen: Standing, _: datetime, told: Speaker) -> Sentence | None:
    missing = [stream.title for stream in seen.streams if stream.nightly and stream.state == "forbidden"]
    if not missing:
        return None
    text = told.say("unshared", streams=relayed_words.listed(missing, told.language))
    return _sentence(told, "needs_you", "needs_you", text, "share")


def _denied(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if seen.denied_until is None or seen.denied_until <= now:
        return None
    text = told.say("denied", title=seen.title, time=moment(seen.denied_until, now, told.language))
    return _sentence(told, "waiting", "denied", text)


def _unreadable(seen: Standing, _: datetime, told: Speaker) -> Sentence | None:
    buried = [stream.title for stream in seen.streams if stream.nightly and stream.state == "buried"]
    if not buried:
        return None
    text = told.say("unreadable", title=seen.title, streams=relayed_words.listed(buried, told.language))
    return _sentence(told, "late", "unreadable", text)


def _failing(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    failing = [stream for stream in seen.streams if stream.nightly and stream.failing_since is not None]
    since = min((stream.failing_since for stream in failing if stream.failing_since), default=None)
    if since is None or now - since < WORTH_TELLING:
        return None
    again = min((stream.next_at for stream in failing if stream.next_at), default=None)
    known = {"title": seen.title, "since": moment(since, now, told.language)}
    if again is None or again <= now:
        return _sentence(told, "late", "failing", told.say("failing.now", **known))
    return _sentence(told, "late", "failing", told.say("failing", **known, time=moment(again, now, told.language)))


def _filling(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if not seen.windows_waiting:
        return None
    here = seen.night is not None and seen.night >= now.date()
    return _sentence(told, "waiting", "filling", told.say("filling.here" if here else "filling"))


def _file(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if seen.kind != "file":
        return None
    if seen.night is None:
        return _sentence(told, "waiting", "file", told.say("file.none"), "import")
    recent = seen.night >= now.date() - DAY
    text = told.say("file", day=words.short(seen.night, now.date(), told.language))
    return _sentence(told, "fresh" if recent else "late", "file", text, "import")


def _nothing_yet(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if seen.night is not None:
        return None
    if seen.asked_at is None:
        return _sentence(told, "waiting", "connected", told.say("connected.asking"))
    asked = moment(seen.asked_at, now, told.language)
    return _sentence(told, "waiting", "connected", told.say("connected.none", title=seen.title, time=asked))


def _night(seen: Standing, now: datetime, told: Speaker) -> Sentence | None:
    if seen.night is None:
        return None
    silence = (now.date() - seen.night).days
    if silence <= 0:
        day, at = words.short(seen.night, language=told.language), seen.night_at
        here = told.say("fresh.here", day=day, time=moment(at, now, told.language)) if at else None
        return _sentence(told, "fresh", "fresh", here or told.say("fresh", day=day))
    if silence == 1:
        return _sentence(told, "late", "late", told.say("late", title=seen.title))
    night = words.short(seen.night, now.date(), told.language)
    return _sentence(told, "late", "late", told.say("silent", title=seen.title, day=night))


def _sentence(  # noqa: PLR0913  the parts of a sentence
    told: Speaker, mood: Mood, cause: str, text: str, action: Action = "", *, title: str = ""
) -> Sentence:
    return Sentence(mood, told.say(f"{cause}.word", title=title), text, action, cause)


def _reason(text: str, told: Speaker) -> str:
    """A vendor's reason, in the person's language where that is known."""
    known = text if told.language == "en" else relayed_words.german(text)
    return known or told.say("waits.told", reason=text)


def _of_day(key: str, at: datetime, now: datetime, told: Speaker) -> str:
    """The date of an instant after the word that the key names, or `today`."""
    here = at.astimezone(now.tzinfo).date()
    if here == now.date():
        return told.say(f"{key}.today")
    return told.say(f"{key}.day", day=words.short(here, now.date(), told.language))


_CAUSES: Sequence[Callable[[Standing, datetime, Speaker], Sentence | None]] = (
    _disconnected,
    _lost,
    _needs_person,
    _paused,
    _unshared,
    _file,
    _denied,
    _unreadable,
    _failing,
    _filling,
    _nothing_yet,
    _night,
)
