"""The quiet question about unusual nights: whether one is open, what is answered, and how that is taken back.

It is asked by a worker (`workers.questions`), once for a stretch of nights that lean, before anybody is told of strain.
An answer is a tag on these nights in the person's own name. `Question.answers` keeps each as `tag:day`, so that it can
be taken back and nothing else with it; `tag:day:before` is one that the person had noted already, which stays. It is
empty for "none of these".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest import clock, push, snoozes, store
from ingest.models import Alert, Delivery, Person, Question, Readiness, Tag
from ingest.vault import vault
from providers.errors import VagusError

Answer = Literal["alcohol", "ill", "travel", "none"]

PURPOSE = "unsubscribe"  # the secret behind the links in mails
KIND = "question"
WEEK = timedelta(days=7)
MOST_A_WEEK = 2
CHANGED_WITHIN = WEEK  # an answer may be corrected for so long
ASKING = "watch"
BEFORE = ":before"
BIGINT_DIGITS = 18  # always fit


class Passed(VagusError):
    """Raised when a question is answered too late: its nights turned out as usual, or somebody was told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a page shows it: `nights` are the days it is about, `drank` those noted with drinks.

    `likely` is the night on which drinks are noted where only `drank` is said: the one furthest from usual.
    """

    id: int
    first_day: date
    last_day: date
    answers: Mapping[str, Sequence[date]] | None
    open: bool
    nights: Sequence[date]
    likely: date

    @property
    def drank(self) -> Sequence[date]:
        """The nights noted with drinks by this question."""
        return (self.answers or {}).get("alcohol", ())


def allowed(session: Session, person: Person) -> bool:
    """Whether this person may be asked now: they let us, are not left alone, and were not asked twice this week."""
    if not welcome(person) or _alerted(session, person.id):
        return False
    lately = select(func.count()).where(Question.person == person.id, Question.asked_at > clock.now() - WEEK)
    return (session.scalar(lately) or 0) < MOST_A_WEEK


def welcome(person: Person) -> bool:
    """Whether this person lets us ask, and is not left alone for a while."""
    return person.asks and snoozes.until(person) is None


def about(session: Session, person_id: int, first: date) -> bool:
    """Whether a question was asked already that reaches to this night or beyond."""
    reaching = select(Question.id).where(Question.person == person_id, Question.last_day >= first)
    return session.scalar(reaching.limit(1)) is not None


def ask(session: Session, person_id: int, first: date, last: date) -> Question:
    """Write the question; how it is brought is the worker's."""
    question = Question(person=person_id, first_day=first, last_day=last, asked_at=clock.now())
    session.add(question)
    session.flush()
    return question


def holds(session: Session, question: Question) -> bool:
    """Whether its answer is still waited for: unanswered, the nights lean since, and nobody was told of strain."""
    if question.answers is not None or _alerted(session, question.person):
        return False
    since = (Readiness.person == question.person, Readiness.day >= question.last_day)
    states = set(session.scalars(select(Readiness.state).where(*since)))
    return states == {ASKING}


def waiting(session: Session, person: Person) -> Asked | None:
    """The question that this person's page asks, or None."""
    newest = select(Question).where(Question.person == person.id).order_by(Question.id.desc()).limit(1)
    question = session.scalar(newest)
    if question is None or not welcome(person) or not holds(session, question):
        return None
    return seen(session, question)


def seen(session: Session, question: Question) -> Asked:
    """The question with its nights."""
    span = (Readiness.person == question.person, Readiness.day.between(question.first_day, question.last_day))
    tonight = Readiness.assessment["tonight"].as_float()
    rows = session.execute(select(Readiness.day, tonight).where(*span)).all()
    strain = {day: value for day, value in rows if value is not None}
    likely = max(strain, key=lambda day: (strain[day], day), default=question.last_day)
    nights = [question.first_day + timedelta(days=k) for k in range((question.last_day - question.first_day).days + 1)]
    return Asked(
        question.id,
        question.first_day,
        question.last_day,
        None if question.answers is None else _days(question.answers),
        holds(session, question),
        nights,
        likely,
    )


def answer(session: Session, question: Question, said: Answer) -> None:
    """Note one answer on the nights asked about, drinks on the likeliest one alone. Raises Passed.

    "None of these" takes back what was answered before; the others add up.
    """
    _take(session, question)
    if said == "none":
        _take_back(session, question, question.answers or [])
        question.answers = []
        return
    shown = seen(session, question)
    days = [shown.likely] if said == "alcohol" else shown.nights
    noted = (shown.answers or {}).get(said)
    if not noted:
        question.answers = [*(question.answers or []), *_note(session, question.person, said, days)]


def drank(session: Session, question: Question, days: Iterable[date]) -> None:
    """Correct the nights with drinks to these; nights the question is not about are passed over. Raises Passed."""
    _take(session, question)
    wanted = {day for day in days if question.first_day <= day <= question.last_day}
    noted = set(_days(question.answers or []).get("alcohol", ()))
    store.untag_days(session, question.person, noted - wanted, "alcohol")
    dropped = {f"alcohol:{day}" for day in noted - wanted}
    stay = [each for each in question.answers or [] if each.removesuffix(BEFORE) not in dropped]
    question.answers = [*stay, *_note(session, question.person, "alcohol", wanted - noted)]


def undo(session: Session, question: Question) -> None:
    """Take the answers back; while it holds the question is open again. Raises Passed."""
    _take(session, question)
    _take_back(session, question, question.answers or [])
    question.answers, question.answered_at = None, None


def token(question_id: int) -> str:
    """What a link in a mail ends with; whoever holds it may answer this one question."""
    return f"{question_id}.{vault().sign(PURPOSE, f'{KIND}|{question_id}')}"


def of_token(session: Session, given: str) -> Question | None:
    """The question a token stands for; None where it is not ours."""
    number, _, signature = given.partition(".")
    if not (number.isascii() and number.isdecimal() and len(number) <= BIGINT_DIGITS):
        return None
    ours = vault().signed_by(PURPOSE, f"{KIND}|{number}", signature)
    return session.get(Question, int(number)) if ours else None


def of_receipt(session: Session, given: str) -> Question | None:
    """The question that a push was about, by the token that the push carried; None where it was about something else.

    A worker in a browser answers with it, as nobody may be signed in there.
    """
    delivery = push.delivery_of(given)
    if delivery is None:
        return None
    wanted = (Delivery.id == delivery, Delivery.kind == KIND, Delivery.person == Question.person)
    return session.scalar(select(Question).join(Delivery, Delivery.subject == Question.id).where(*wanted))


def _take(session: Session, question: Question) -> None:
    """Lock the question for an answer. Raises Passed."""
    locked = session.get(Question, question.id, populate_existing=True, with_for_update=True)
    if locked is None or not (_changeable(locked) or holds(session, locked)):
        raise Passed("this has passed: nobody waits for the answer any more")
    question.answered_at = clock.now()


def _changeable(question: Question) -> bool:
    return question.answers is not None and clock.now() - question.asked_at < CHANGED_WITHIN


def _note(session: Session, person_id: int, name: str, days: Iterable[date]) -> list[str]:
    """Tag those of these days that the person did not tag so before; all of them, as they are kept."""
    wanted = set(days)
    own = (Tag.person == person_id, Tag.source == store.OWN_WORD, Tag.name == name, Tag.present, Tag.day.in_(wanted))
    before = set(session.scalars(select(Tag.day).where(*own)))
    store.tag_days(session, person_id, wanted - before, name)
    return [f"{name}:{day}{BEFORE if day in before else ''}" for day in sorted(wanted)]


def _take_back(session: Session, question: Question, kept: Sequence[str]) -> None:
    for name, days in _days(each for each in kept if not each.endswith(BEFORE)).items():
        store.untag_days(session, question.person, days, name)


def _days(kept: Iterable[str]) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}
    for each in kept:
        name, day, *_ = each.split(":")
        found.setdefault(name, []).append(date.fromisoformat(day))
    return found


def _alerted(session: Session, person_id: int) -> bool:
    return session.scalar(select(Alert.id).where(Alert.person == person_id, Alert.state == "open")) is not None
