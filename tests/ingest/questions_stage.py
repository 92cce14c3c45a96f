"""People whose last nights lean, as the engine would say it, without depending on where its levels lie."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ingest import people, questions, store
from ingest.models import Question
from scoring import Assessment, Night, assess

TODAY = date(2026, 11, 22)
LEAN = (0.1, 0.9, 0.6, -0.2, 1.1, 0.9)  # tonight's deviation on the last nights; the fifth lies furthest out


def leaning(last: date = TODAY, lean: Sequence[float | None] = LEAN, state: str = "watch") -> list[Assessment]:
    """Two quiet weeks, then these nights; the state holds since two nights. None is a night without data."""
    days = [last - timedelta(days=back) for back in reversed(range(14 + len(lean)))]
    plain = assess([Night(days[0], hrv_ms=60, resting_heart_rate=50)])[0]
    tonight = [*[0.0] * 14, *lean]
    return [
        replace(
            plain,
            day=day,
            tonight=u,
            state=state if day > last - timedelta(days=2) else "normal",
            state_since=last - timedelta(days=1),
            explanation="",
        )
        for day, u in zip(days, tonight, strict=True)
    ]


def ready(session: Session, *, address: str = "mira@example.org") -> int:
    """A person whose nights lean, as stored."""
    person = people.ensure(session, address)
    person.zone, person.quiet_from, person.quiet_until = "UTC", None, None
    session.flush()
    store.save_readiness(session, person.id, leaning(), "balanced")
    return person.id


def restate(session: Session, person: int, state: str) -> None:
    """Judge the last nights otherwise."""
    store.save_readiness(session, person, leaning(state=state), "balanced")


def asked(session: Session, person: int) -> Question:
    """A question that was put about these nights."""
    return questions.ask(session, person, TODAY - timedelta(days=4), TODAY)
