"""The morning check-in: what a person notes of a day in ten seconds, and the tags that follow in their own name.

A day's answers concern the night that ended that morning, and `rpe` the training of the day before. Soreness is asked
and shown; nothing that judges nights reads it, as muscles that feel fine prove nothing.
"""

from datetime import date, timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock, people, store
from ingest.models import CheckIn
from ingest.words import answers as answer_words
from providers.errors import VagusError
from scoring import Language

Feeling = Literal["great", "ok", "heavy", "ill"]
Sign = Literal["heavy_warm_up", "grip", "compound", "coordination", "flat_power"]

FEELINGS: tuple[Feeling, ...] = get_args(Feeling)
SIGNS: tuple[Sign, ...] = get_args(Sign)
SORENESS = 3  # the highest step
DRINKS = ("0", "1", "2", "3+")
LISTED = timedelta(days=14)
HARDEST = 10


class AnotherDay(VagusError):
    """Raised when a check-in was filled in for a day that is over where the person is: open the page again."""


class Answers(BaseModel):
    """What was answered; all of it is optional, and what was not answered is not stored."""

    feeling: Feeling | None = None
    signs: list[Sign] = Field(default_factory=list, max_length=len(SIGNS))
    soreness: Annotated[int, Field(ge=0, le=SORENESS)] | None = None
    drinks: Annotated[int, Field(ge=0, lt=len(DRINKS))] | None = None  # the last stands for three and more
    travelled: bool = False
    hot_night: bool = False
    rpe: Annotated[int, Field(ge=0, le=HARDEST)] | None = None  # how hard yesterday's training was

    def stored(self) -> dict[str, Any]:
        """What was answered, as it is kept; empty where nothing was."""
        return self.model_dump(exclude_defaults=True)

    def tags(self) -> dict[str, bool]:
        """The tags that follow, yes or no: only a number asked for can be answered with a no."""
        said: dict[str, bool] = dict.fromkeys(self.signs, True)
        if self.feeling == "ill":
            said["ill"] = True
        if self.soreness is not None:
            said["soreness"] = self.soreness > 0
        if self.drinks is not None:
            said["alcohol"] = self.drinks > 0
        return said | dict.fromkeys(self._noted(), True)

    def _noted(self) -> list[str]:
        return [tag for tag, held in (("travel", self.travelled), ("hot_night", self.hot_night)) if held]


def of_day(session: Session, person_id: int, day: date) -> Answers:
    """What stands for one day; no answers where nothing was noted."""
    row = session.get(CheckIn, (person_id, day))
    return Answers.model_validate(row.answers) if row else Answers()


def lately(session: Session, person_id: int, today: date) -> list[tuple[date, Answers]]:
    """The check-ins of the last two weeks, newest first."""
    own = select(CheckIn).where(CheckIn.person == person_id, CheckIn.day > today - LISTED)
    rows = session.scalars(own.order_by(CheckIn.day.desc()))
    return [(row.day, Answers.model_validate(row.answers)) for row in rows]


def save(session: Session, person_id: int, day: date, answers: Answers) -> None:
    """Note, or correct, the check-in of today; without an answer none stands. Raises AnotherDay.

    Tags that an earlier version of the day brought and this one does not are taken back.
    """
    if day != people.today_of(session, person_id):
        raise AnotherDay(f"{day} is over where you are: nothing was changed")
    earlier = of_day(session, person_id, day)
    _write(session, person_id, day, answers.stored())
    before, now = earlier.tags(), answers.tags()
    for name in before.keys() - now.keys():
        store.untag_days(session, person_id, [day], name)
    for name, present in now.items():
        store.tag_days(session, person_id, [day], name, present=present)
    if earlier.rpe != answers.rpe:
        store.request_score(session, person_id, "check-in")


def told(answers: Answers, language: Language = "en") -> str:
    """One check-in in a line: `Heavy · Grip or bar control off · drinks: 2 · training the day before: 7 of 10`."""
    say = answer_words.SPEAKERS[language].say
    parts = [say(f"feeling.{answers.feeling}")] if answers.feeling else []
    parts += [say(f"sign.{sign}") for sign in answers.signs]
    if answers.soreness is not None:
        parts.append(say("noted.soreness", value=say(f"soreness.{answers.soreness}").lower()))
    if answers.drinks is not None:
        parts.append(say("noted.drinks", value=DRINKS[answers.drinks]))
    parts += [say(name) for name, held in (("travelled", answers.travelled), ("hot_night", answers.hot_night)) if held]
    if answers.rpe is not None:
        parts.append(say("noted.rpe", value=answers.rpe))
    line = " · ".join(parts)
    return line[:1].upper() + line[1:]


def _write(session: Session, person_id: int, day: date, answers: dict[str, Any]) -> None:
    if not answers:
        session.execute(delete(CheckIn).where(CheckIn.person == person_id, CheckIn.day == day))
        return
    new = insert(CheckIn).values(person=person_id, day=day, answers=answers, saved_at=clock.now())
    again = {name: getattr(new.excluded, name) for name in ("answers", "saved_at")}
    session.execute(new.on_conflict_do_update(index_elements=[CheckIn.person, CheckIn.day], set_=again))
