"""Two tests of a minute: reaction time and finger tapping, each against the person's own last eight weeks.

They are told beside the nights and never counted: no public data shows that they foretell strain. A reaction is what
lies between the mark and the key, in milliseconds; faster than 100 nobody reacts, so that was a guess, and from 500 on
it was a lapse (Dinges and Powell 1985). A tapping rate is taps a second over half a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median, pstdev
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import clock, people
from ingest.models import DriveTest
from ingest.words import answers as answer_words
from providers.errors import VagusError
from scoring import Language

Kind = Literal["reaction", "tapping"]

KINDS: tuple[Kind, ...] = get_args(Kind)
FASTEST, SLOWEST = 100, 1500  # ms
LAPSE = 500  # ms
FEWEST_TRIALS = 5
TAPPING_SECONDS, SPANS = 30, 6
FEWEST_TAPS, MOST_TAPS = TAPPING_SECONDS, 15 * TAPPING_SECONDS  # 1 to 15 a second
MOST_TRIALS = 60
WEEKS = timedelta(weeks=8)
COMPARED_FROM = 5  # tests, this one included
SCALE = 1.4826  # makes the median absolute deviation comparable with a standard deviation
NARROWEST = 0.03  # of the median: a few tests that happen to agree are no proof of a steady hand
MOST_A_DAY = 20


class Implausible(VagusError):
    """Raised when a result cannot be somebody's own: nothing was kept; do the test again."""


class Enough(VagusError):
    """Raised when one more test of a day would be too many: nothing was kept; come back tomorrow."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test: `value` in ms or taps a second, `spread` its own scatter in the same unit."""

    value: float
    spread: float
    trials: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A test beside the earlier ones of eight weeks; without a range while there are too few."""

    day: date
    value: float
    count: int  # tests in these weeks, this one included
    low: float | None = None
    high: float | None = None

    @property
    def side(self) -> Literal["", "above", "below", "within"]:
        """Where the value lies; empty without a range."""
        if self.low is None or self.high is None:
            return ""
        return "above" if self.value > self.high else "below" if self.value < self.low else "within"


def reaction(times: Sequence[float]) -> Result:
    """The median of the valid trials, lapses among them. Raises Implausible."""
    valid = [each for each in times if FASTEST <= each <= SLOWEST]
    if len(times) > MOST_TRIALS or len(valid) < FEWEST_TRIALS:
        raise Implausible(f"{_counted(valid)} were usable and {FEWEST_TRIALS} are needed: nothing was kept")
    middle = median(valid)
    return Result(middle, SCALE * median(abs(each - middle) for each in valid), len(valid))


def lapses(times: Sequence[float]) -> int:
    """How often the mark was there for half a second and more."""
    return sum(each >= LAPSE for each in times)


def guesses(times: Sequence[float]) -> int:
    """How often the key came sooner after the mark than anybody can react."""
    return sum(each < FASTEST for each in times)


def tapping(taps: Sequence[float]) -> Result:
    """Taps a second, from the milliseconds of each tap after the first; scatter over six spans. Raises Implausible."""
    length = TAPPING_SECONDS * 1000
    ordered = all(later > earlier for earlier, later in pairwise(taps))
    if not FEWEST_TAPS <= len(taps) <= MOST_TAPS or not ordered or not (taps[0] > 0 and taps[-1] <= length):
        raise Implausible("that is not half a minute of one finger's taps: nothing was kept")
    span = length / SPANS
    rates = [sum(k * span < each <= (k + 1) * span for each in taps) * 1000 / span for k in range(SPANS)]
    return Result(len(taps) / TAPPING_SECONDS, pstdev(rates), len(taps))


def save(session: Session, person_id: int, kind: Kind, result: Result) -> DriveTest:
    """Keep one test of today. Raises Enough beyond twenty a day."""
    day = people.today_of(session, person_id)
    today = select(DriveTest.id).where(DriveTest.person == person_id, DriveTest.day == day, DriveTest.kind == kind)
    if len(session.scalars(today).all()) >= MOST_A_DAY:
        raise Enough(f"{MOST_A_DAY} tests a day are plenty: nothing was kept")
    row = DriveTest(
        person=person_id,
        day=day,
        at=clock.now(),
        kind=kind,
        value=result.value,
        spread=result.spread,
        trials=result.trials,
    )
    session.add(row)
    session.flush()
    return row


def remove(session: Session, person_id: int, test_id: int) -> None:
    """Forget one test of this person, as somebody else may have had a go; one that is not theirs stays."""
    test = session.get(DriveTest, test_id)
    if test is not None and test.person == person_id:
        session.delete(test)


def history(session: Session, person_id: int, kind: Kind, today: date) -> list[DriveTest]:
    """The tests of the last eight weeks, oldest first."""
    own = (DriveTest.person == person_id, DriveTest.kind == kind, DriveTest.day > today - WEEKS)
    return list(session.scalars(select(DriveTest).where(*own).order_by(DriveTest.at, DriveTest.id)))


def beside(tests: Sequence[DriveTest]) -> Beside | None:
    """The last of these tests beside those before it; None where there is none.

    The range is the median of the earlier ones with one scatter to each side, from the fifth test on.
    """
    if not tests:
        return None
    last, earlier = tests[-1], [test.value for test in tests[:-1]]
    if len(tests) < COMPARED_FROM:
        return Beside(last.day, last.value, len(tests))
    middle = median(earlier)
    scatter = max(SCALE * median(abs(each - middle) for each in earlier), NARROWEST * middle)
    return Beside(last.day, last.value, len(tests), middle - scatter, middle + scatter)


def said(session: Session, person_id: int, today: date, language: Language = "en") -> list[str]:
    """What the tests of today say, a sentence each; nothing where none was done or there is too little beside it."""
    say, lines = answer_words.SPEAKERS[language].say, []
    for kind in KINDS:
        seen = beside(history(session, person_id, kind, today))
        if seen and seen.day == today and seen.side:
            value, verdict = say(f"{kind}.value", value=seen.value), say(f"{kind}.{seen.side}")
            lines.append(say("test.today", test=say(kind), value=value, verdict=verdict))
    return lines


def _counted(valid: Sequence[float]) -> str:
    return "one reaction" if len(valid) == 1 else f"{len(valid) or 'no'} reactions"
