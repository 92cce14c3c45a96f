"""One sentence about a connection: fresh, late, or in need of its person; why, since when, and what to do.

Pure: `ingest.standings` reads the rows. Of an ordered list of causes the first that holds is what is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from ingest import words

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
    """What is said of a connection: a mood, a word for it, the sentence, and what the person can do."""

    mood: Mood
    word: str
    text: str
    action: Action = ""


def sentence(seen: Standing, now: datetime) -> Sentence:
    """The first cause that holds. `now` carries the zone of the person, in which times are told."""
    return next(said for cause in _CAUSES if (said := cause(seen, now)) is not None)


def moment(at: datetime, now: datetime) -> str:
    """An instant as people say it, in the zone of `now`: `06:12`, with its date where that is another day."""
    here = at.astimezone(now.tzinfo)
    told = f"{here:%H:%M}"
    return told if here.date() == now.date() else f"{words.short(here.date(), now.date())}, {told}"


def on_day(at: datetime, now: datetime) -> str:
    """The date of an instant: `on 20 Nov`, or `today`."""
    here = at.astimezone(now.tzinfo).date()
    return "today" if here == now.date() else f"on {words.short(here, now.date())}"


def _disconnected(seen: Standing, now: datetime) -> Sentence | None:
    if seen.state != "disconnected":
        return None
    return Sentence(
        "off", "Disconnected", f"You disconnected it {on_day(seen.since, now)}. Its nights are kept.", "reconnect"
    )


def _lost(seen: Standing, now: datetime) -> Sentence | None:
    if seen.state != "reconnect":
        return None
    text = f"{seen.title} ended our access {on_day(seen.since, now)}. Connect again and we fetch what is missing."
    return Sentence("needs_you", "Needs you", f"{text} Nothing is lost.", "reconnect")


def _needs_person(seen: Standing, now: datetime) -> Sentence | None:
    if seen.state != "needs_you":
        return None
    reason = (seen.reason or f"{seen.title} waits for something that only you can do there").rstrip(".")
    text = f"{reason[:1].upper()}{reason[1:]}. So it is {_since(seen.since, now)}; we look again every day."
    on = "Once that is settled, connecting again goes on at once."
    return Sentence("needs_you", "Needs you", f"{text} {on} Nothing is lost.", "reconnect")


def _paused(seen: Standing, now: datetime) -> Sentence | None:
    by_hand = seen.state == "paused" or seen.held
    shut = seen.paused_until is not None and seen.paused_until > now
    if not by_hand and not shut:
        return None
    if shut and seen.failing_for_all and not by_hand:
        text = f"{seen.title} is failing for everyone at the moment. We keep trying; there is nothing to do."
        return Sentence("late", f"{seen.title} is away", text)
    why = f": {seen.reason}" if seen.state == "paused" and seen.reason else ""
    return Sentence("off", "Paused", f"The person who runs this service has paused {seen.title}{why}.")


def _unshared(seen: Standing, _: datetime) -> Sentence | None:
    missing = [stream.title for stream in seen.streams if stream.nightly and stream.state == "forbidden"]
    if not missing:
        return None
    text = f"You did not share {words.listed(missing)} with us, so we cannot judge nights."
    return Sentence("needs_you", "Needs you", text, "share")


def _denied(seen: Standing, now: datetime) -> Sentence | None:
    if seen.denied_until is None or seen.denied_until <= now:
        return None
    text = f"{seen.title} asks us to slow down; continuing at {moment(seen.denied_until, now)}."
    return Sentence("waiting", "Slowed down", text)


def _unreadable(seen: Standing, _: datetime) -> Sentence | None:
    buried = [stream.title for stream in seen.streams if stream.nightly and stream.state == "buried"]
    if not buried:
        return None
    text = f"What {seen.title} sends of {words.listed(buried)} cannot be read yet. Whoever runs this service sees it."
    return Sentence("late", "Not readable", f"{text} Nothing is lost.")


def _failing(seen: Standing, now: datetime) -> Sentence | None:
    failing = [stream for stream in seen.streams if stream.nightly and stream.failing_since is not None]
    since = min((stream.failing_since for stream in failing if stream.failing_since), default=None)
    if since is None or now - since < WORTH_TELLING:
        return None
    again = min((stream.next_at for stream in failing if stream.next_at), default=None)
    when = f"again at {moment(again, now)}" if again and again > now else "again now"
    text = f"{seen.title} has not answered us as it should since {moment(since, now)}. We try {when}; nothing is lost."
    return Sentence("late", "Trying again", text)


def _filling(seen: Standing, now: datetime) -> Sentence | None:
    if not seen.windows_waiting:
        return None
    here = "Last night is here. " if seen.night is not None and seen.night >= now.date() else ""
    return Sentence("waiting", "Reading your past", f"{here}Your past nights are on their way, the newest first.")


def _file(seen: Standing, now: datetime) -> Sentence | None:
    if seen.kind != "file":
        return None
    if seen.night is None:
        return Sentence("waiting", "A file", "There is no night in it yet.", "import")
    recent = seen.night >= now.date() - DAY
    text = f"Its newest night is that of {words.short(seen.night, now.date())}."
    return Sentence("fresh" if recent else "late", "A file", f"{text} A newer one goes on from there.", "import")


def _nothing_yet(seen: Standing, now: datetime) -> Sentence | None:
    if seen.night is not None:
        return None
    if seen.asked_at is None:
        return Sentence("waiting", "Connected", "We ask for your first nights now.")
    asked = moment(seen.asked_at, now)
    text = f"There is no night yet; we last asked at {asked}. Wear it to bed, and open the {seen.title} app after."
    return Sentence("waiting", "Connected", text)


def _night(seen: Standing, now: datetime) -> Sentence | None:
    if seen.night is None:
        return None
    silence = (now.date() - seen.night).days
    if silence <= 0:
        came = f", here since {moment(seen.night_at, now)}" if seen.night_at else ""
        return Sentence("fresh", "Up to date", f"Night of {words.short(seen.night)}{came}.")
    if silence == 1:
        return Sentence("late", "Late", f"Last night isn't here yet. Opening the {seen.title} app sends it.")
    night = words.short(seen.night, now.date())
    text = f"Nothing since the night of {night}. Usually the device has not met the phone: open the {seen.title} app."
    return Sentence("late", "Late", text)


def _since(at: datetime, now: datetime) -> str:
    here = at.astimezone(now.tzinfo).date()
    return "since today" if here == now.date() else f"since {words.short(here, now.date())}"


_CAUSES: Sequence[Callable[[Standing, datetime], Sentence | None]] = (
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
