"""Queries on what is judged: score requests, readiness, a person's own tags and choice of device."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import from_json
from sqlalchemy import Text, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Readiness, ScoreRequest, SeriesChoice, Tag
from scoring import Assessment

ASSESSMENT: TypeAdapter[Assessment] = TypeAdapter(Assessment)
OWN_WORD = "person"
EVERY_SIGNAL = "every"  # a choice is made for all signals at once: one device's pulse beside another's rhythm is weaker
UNDECIDED = ""  # the policy of what was written while nights were on their way, and nothing was decided
DEBOUNCE = timedelta(seconds=1)


def request_score(session: Session, person_id: int, reason: str, delay: timedelta = DEBOUNCE) -> None:
    """Note that this person's readiness is out of date; of several requests one remains, due when the first was."""
    new = insert(ScoreRequest).values(person=person_id, due_at=clock.now() + delay, reason=reason)
    again = {
        "version": ScoreRequest.version + 1,
        "due_at": func.least(ScoreRequest.due_at, new.excluded.due_at),
        "reason": new.excluded.reason,
        "buried_at": None,
        "attempts": 0,
        "error": None,
    }
    session.execute(new.on_conflict_do_update(index_elements=[ScoreRequest.person], set_=again))


def hurry_score(session: Session, person_id: int) -> bool:
    """Let a request that stands be due now: the run that raised it is over and brings no more. Whether one stands."""
    own = (ScoreRequest.person == person_id, ScoreRequest.buried_at.is_(None))
    sooner = func.least(ScoreRequest.due_at, clock.now())
    hurried = update(ScoreRequest).where(*own).values(due_at=sooner).returning(ScoreRequest.person)
    return session.scalar(hurried, execution_options={"synchronize_session": False}) is not None


def scored(session: Session, person_id: int) -> bool:
    """Whether nothing waits to be scored for this person; what was given up does not wait."""
    waiting = select(ScoreRequest.person).where(ScoreRequest.person == person_id, ScoreRequest.buried_at.is_(None))
    return session.scalar(waiting) is None


def readiness(session: Session, person_id: int, since: date | None = None) -> list[Assessment]:
    """The stored assessments, oldest first, from `since` on."""
    wanted = select(Readiness.assessment).where(Readiness.person == person_id).order_by(Readiness.day)
    if since is not None:
        wanted = wanted.where(Readiness.day >= since)
    return [ASSESSMENT.validate_python(row, strict=False) for row in session.scalars(wanted)]


class Stands(NamedTuple):
    """What is stored of a night: the assessment as a document, and the policy it was made under."""

    document: Mapping[str, Any]
    policy: str


def standing(session: Session, person_id: int) -> dict[date, Stands]:
    """Every stored assessment of a person by its day, oldest first."""
    own = select(Readiness.day, cast(Readiness.assessment, Text), Readiness.policy)
    rows = session.execute(own.where(Readiness.person == person_id).order_by(Readiness.day))
    # The driver's parser takes three times as long, over years of documents that mostly say the same again.
    return {day: Stands(from_json(document), policy) for day, document, policy in rows}


def save_readiness(
    session: Session,
    person_id: int,
    assessments: Sequence[Assessment],
    policy: str,
    stands: Mapping[date, Stands] | None = None,
) -> int:
    """Write the assessments that differ from what stands, and remove days that are no more; how many rows changed.

    What is UNDECIDED replaces nothing that was decided on: else nobody could tell later what a person was told of.
    `stands` spares the reading of what the caller has read in this transaction.
    """
    stands = standing(session, person_id) if stands is None else stands
    if policy == UNDECIDED:
        decided = {day for day, seen in stands.items() if seen.policy != UNDECIDED}
        assessments = [a for a in assessments if a.day not in decided]
        stands = {day: seen for day, seen in stands.items() if day not in decided}
    documents = {a.day: ASSESSMENT.dump_python(a, mode="json") for a in assessments}
    changed = [a for a in assessments if stands.get(a.day) != (documents[a.day], policy)]
    gone = stands.keys() - documents.keys()
    if gone:
        session.execute(delete(Readiness).where(Readiness.person == person_id, Readiness.day.in_(gone)))
    if changed:
        at = clock.now()
        new = insert(Readiness)
        columns = ("score", "state", "alert", "algorithm_version", "policy", "assessment", "computed_at")
        session.execute(
            new.on_conflict_do_update(
                index_elements=[Readiness.person, Readiness.day],
                set_={name: getattr(new.excluded, name) for name in columns},
            ),
            [
                {
                    "person": person_id,
                    "day": a.day,
                    "score": a.score,
                    "state": a.state,
                    "alert": a.alert,
                    "algorithm_version": a.algorithm_version,
                    "policy": policy,
                    "assessment": documents[a.day],
                    "computed_at": at,
                }
                for a in changed
            ],
        )
    return len(changed) + len(gone)


def tag_days(session: Session, person_id: int, days: Iterable[date], name: str, *, present: bool = True) -> None:
    """Write the person's own word on these days; it stands above any vendor's, also as a no."""
    rows = [
        {
            "person": person_id,
            "day": day,
            "name": name,
            "source": OWN_WORD,
            "present": present,
            "as_of": clock.now(),
            "content": "",
        }
        for day in sorted(set(days))
    ]
    if not rows:
        return
    new = insert(Tag)
    latest = {"present": new.excluded.present, "as_of": new.excluded.as_of}
    session.execute(
        new.on_conflict_do_update(index_elements=[Tag.person, Tag.day, Tag.name, Tag.source], set_=latest), rows
    )
    request_score(session, person_id, f"tag {name}")


def untag_days(session: Session, person_id: int, days: Iterable[date], name: str) -> None:
    """Take the person's own word back; what a vendor says counts again."""
    own = (Tag.person == person_id, Tag.name == name, Tag.source == OWN_WORD)
    session.execute(delete(Tag).where(*own, Tag.day.in_(list(days))))
    request_score(session, person_id, f"tag {name} taken back")


def chosen_device(session: Session, person_id: int) -> SeriesChoice | None:
    """The account a person wants their nights read from; None where they leave it to the rule."""
    return session.get(SeriesChoice, (person_id, EVERY_SIGNAL))


def choose_device(session: Session, person_id: int, account: int | None) -> None:
    """Read this person's nights from one of their accounts, or by the rule again; they are judged anew."""
    session.execute(delete(SeriesChoice).where(SeriesChoice.person == person_id))
    if account is not None:
        chosen = SeriesChoice(person=person_id, signal=EVERY_SIGNAL, vendor_account=account, chosen_at=clock.now())
        session.add(chosen)
    session.flush()
    request_score(session, person_id, "device chosen")
