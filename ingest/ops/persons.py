"""What is done for one person, by number: their nights judged anew, a test sent to one of their channels."""

from sqlalchemy.orm import Session

from ingest import store, trials
from ingest.models import Channel, Person, ScoreRequest
from ingest.ops.act import Act, Plan
from providers.errors import VagusError


def recompute(*, person: int) -> Act:
    """Have all nights of a person judged anew."""

    def plan(session: Session) -> Plan:
        _active(session, person)
        waiting = session.get(ScoreRequest, person)
        if waiting and waiting.buried_at is None:
            return Plan(0, "This is due already.")
        return Plan(1, "All nights are judged anew. Only a state that holds now is told, and what was told is not.")

    def do(session: Session) -> int:
        store.request_score(session, person, "an operator asked")
        return 1

    return Act(
        action="recompute",
        title=f"Judge the nights of person {person} anew",
        about=f"person {person}",
        plan=plan,
        do=lambda session, _: do(session),
        done=lambda _: "It is due.",
        back=f"/ops/people/{person}",
    )


def test(*, channel: int) -> Act:
    """Send a test message to a channel of somebody's. Raises VagusError where it is off, or was tested just now."""

    def plan(session: Session) -> Plan:
        row = _channel(session, channel)
        if row.state != "on":
            return Plan(0, "That channel is off: only its person can turn it on.")
        return Plan(1, f"Person {row.person} gets a test by {row.kind}, at once and in quiet hours too.")

    def do(session: Session) -> int:
        trials.ask(session, _channel(session, channel))
        return 1

    return Act(
        action="test",
        title=f"Send a test to channel {channel}",
        about=f"channel {channel}",
        plan=plan,
        do=lambda session, _: do(session),
        done=lambda _: "The test is on its way.",
    )


def _active(session: Session, person: int) -> None:
    row = session.get(Person, person) if 0 < person < 2**63 else None
    if row is None or row.state != "active":
        raise VagusError(f"there is no person {person}")


def _channel(session: Session, channel: int) -> Channel:
    row = session.get(Channel, channel) if 0 < channel < 2**63 else None
    if row is None:
        raise VagusError(f"there is no channel {channel}")
    return row
