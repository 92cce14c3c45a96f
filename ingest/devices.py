"""From which account the nights are read, where a person wears more than one device. Pure: `ingest.nights` has rows.

One account leads, and HRV and resting rate are read from it together: a rhythm of one sensor beside a pulse of another
is the weaker pair. Whoever began first leads as long as it speaks; so a device that is added changes no night that was
judged. After a week without a word from it the account with the longest unbroken history takes over, of equally long
ones the better. A person's own choice stands above all that for as long as the chosen account speaks.

Every day is decided by that day and those before it alone.
"""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, TypeVar

SWITCH_AFTER = timedelta(days=7)
UNHEARD = SWITCH_AFTER.days + 1
LEARNT = 21  # nights of both signals after which a usual range of their own stands: fourteen, and the week of lag

RowT = TypeVar("RowT")


class Word(NamedTuple):
    """What an account gives of one night: both signals that decide, or less; of the night or a spot; rMSSD or SDNN."""

    pair: bool = False
    whole_night: bool = False
    rmssd: bool = False


@dataclass(slots=True)
class Streak:
    """The history of one account so far, unbroken: no silence in it was longer than a week."""

    last: date
    word: Word
    nights: int = 0
    pairs: int = 0  # nights of both signals, unbroken likewise
    last_pair: date = date.min

    def go_on(self, day: date, word: Word) -> None:
        """Add one more night."""
        self.nights = self.nights + 1 if day - self.last <= SWITCH_AFTER else 1
        self.last, self.word = day, word
        if word.pair:
            self.pairs = self.pairs + 1 if day - self.last_pair <= SWITCH_AFTER else 1
            self.last_pair = day

    def speaks(self, day: date) -> bool:
        """Whether it was heard of within a week."""
        return day - self.last <= SWITCH_AFTER

    def gives_both(self, day: date) -> bool:
        """Whether both signals came from it within a week."""
        return bool(self.pairs) and day - self.last_pair <= SWITCH_AFTER


def account_name(vendor: str | None, external_id: str | None) -> str:
    """How an account is called in the names of series."""
    return f"{vendor or ''}/{external_id or ''}"


def leads(words: Mapping[str, Mapping[date, Word]], wanted: str | None = None) -> dict[date, str]:
    """By day on which the leading account changes: which leads from then on."""
    by_day: dict[date, dict[str, Word]] = defaultdict(dict)
    for account, days in words.items():
        for day, word in days.items():
            by_day[day][account] = word
    streaks: dict[str, Streak] = {}
    changes: dict[date, str] = {}
    lead = ""
    for day in sorted(by_day):
        for account, word in by_day[day].items():
            streaks.setdefault(account, Streak(day, word)).go_on(day, word)
        chosen = _chosen(day, lead, wanted, by_day[day], streaks)
        if chosen != lead:
            changes[day] = lead = chosen
    return changes


def _chosen(day: date, lead: str, wanted: str | None, spoke: Mapping[str, Word], streaks: Mapping[str, Streak]) -> str:
    if wanted and wanted in streaks and streaks[wanted].speaks(day):
        return wanted
    if lead and streaks[lead].speaks(day):
        if streaks[lead].gives_both(day):
            return lead
        spoke = {name: word for name, word in spoke.items() if word.pair and streaks[name].pairs >= LEARNT}
        if not spoke:
            return lead

    def rank(account: str) -> tuple[bool, int, Word, str]:
        streak = streaks[account]
        both = streak.gives_both(day)
        return both, streak.pairs if both else streak.nights, streak.word, account

    return max(spoke, key=rank)


def followed(given: Mapping[str, Mapping[date, RowT]], lead: str, nights: AbstractSet[date]) -> dict[date, RowT]:
    """One signal by day: the leading account's; while that does not give it, another's, each for as long as it speaks.

    `nights` are those of the leading account: a signal is missing when more than seven of them went by without it, not
    when the device lay in a drawer.
    """
    own = given.get(lead, {})
    others = {account: rows for account, rows in given.items() if account != lead}
    if not others:
        return dict(own)
    changes = leads({account: dict.fromkeys(rows, Word()) for account, rows in others.items()})
    found: dict[date, RowT] = {}
    other, missed = "", UNHEARD
    for day in sorted(set(nights).union(*given.values())):
        other = changes.get(day, other)
        if day in own:
            found[day], missed = own[day], 0
            continue
        missed += day in nights
        if missed >= UNHEARD and day in others.get(other, {}):
            found[day] = others[other][day]
    return found
