"""Ask, then tell: one quiet question when nights begin to lean, long before anybody is told of strain.

What a person knows of other causes is worth more than statistics, so it is asked for while it can still be remembered.
`stretch` is pure: assessments and nights go in, the nights to ask about come out.
"""

from collections.abc import Sequence
from datetime import date

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import clock, people, push, questions
from ingest.models import Channel, Delivery, Person, Question
from scoring import Assessment, Night
from scoring.deviation import LEANING, REACH, RECENT
from scoring.gates import CAUSES
from workers.alerts import LATEST, after_quiet
from workers.outcomes import Unwanted

LIFE = 12 * 3600  # seconds after which a phone that was off need not ask any more

log = structlog.get_logger(__name__)


def consider(session: Session, person: Person, assessments: Sequence[Assessment], nights: Sequence[Night]) -> bool:
    """Ask this person where there is something to ask; returns whether a message waits because of it.

    Call it after alerts are decided, in the same transaction: nobody is asked who is told.
    """
    nightly = stretch(assessments, nights, people.today_of(session, person.id))
    if nightly is None or not questions.allowed(session, person):
        return False
    first, last, since = nightly
    if questions.about(session, person.id, min(first, since)):
        return False
    question = questions.ask(session, person.id, first, last)
    channel = _channel(session, person.id)
    log.info("asked", question=question.id, channel=channel)
    return channel is not None and _deliver(session, person, question, channel)


def stretch(assessments: Sequence[Assessment], nights: Sequence[Night], today: date) -> tuple[date, date, date] | None:
    """The first and the last night to ask about, and since when they lean; None where there is nothing to ask.

    There is not where the last night is not of these days, where nights do not lean or somebody was told already, and
    where a cause is known for any of these nights.
    """
    if not assessments or assessments[-1].state != questions.ASKING:
        return None
    recorded = [each for each in assessments[-REACH:] if each.tonight is not None][-RECENT:]
    leaning = [each.day for each in recorded if each.tonight is not None and each.tonight > LEANING]
    if not leaning or recorded[-1].day < today - LATEST:
        return None
    first, last = leaning[0], recorded[-1].day
    noted = any(first <= night.day <= last and not night.tags.isdisjoint(CAUSES) for night in nights[-2 * REACH :])
    if noted or any(gate.active for gate in assessments[-1].gates):
        return None
    return first, last, assessments[-1].state_since


def still_asked(session: Session, delivery: Delivery) -> None:
    """Whether the question is still open and this person may still be asked so. Raises Unwanted."""
    question = session.get(Question, delivery.subject)
    if question is None or question.person != delivery.person or not questions.holds(session, question):
        raise Unwanted("nobody waits for the answer any more")
    if not questions.welcome(session.get_one(Person, delivery.person)):
        raise Unwanted("the person does not want to be asked now")
    channel = session.get_one(Channel, delivery.channel)
    if channel.kind != push.KIND and questions.KIND not in channel.wants:
        raise Unwanted("the channel was turned off")


def _channel(session: Session, person_id: int) -> int | None:
    """The one channel that asks: the newest browser, else a mail address whose person wants questions there."""
    on = (Channel.person == person_id, Channel.state == "on")
    browsers = select(Channel.id).where(*on, Channel.kind == push.KIND).order_by(Channel.id.desc())
    mails = select(Channel.id).where(*on, Channel.kind != push.KIND, Channel.wants.contains([questions.KIND]))
    return session.scalar(browsers.limit(1)) or session.scalar(mails.order_by(Channel.id).limit(1))


def _deliver(session: Session, person: Person, question: Question, channel: int) -> bool:
    now = clock.now()
    wait = after_quiet(people.local_time(session, person.id), person.quiet_from, person.quiet_until)
    told = Delivery(
        person=person.id,
        channel=channel,
        kind=questions.KIND,
        subject=question.id,
        key=f"{questions.KIND}:{question.id}",
        thread=f"{questions.KIND}-{question.id}",
        not_before=now + wait,
        status="held" if wait else "waiting",
        created_at=now,
    )
    session.add(told)
    session.flush()
    return True
