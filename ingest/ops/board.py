"""The one page of those who run the service: are people being told, is data fresh, what waits, what is stuck, why.

Every number is one query's count; nothing here is a health value or an address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ingest.models import Heartbeat, OperatorAction, Person
from ingest.ops import counts
from ingest.ops.calls import Calls, calls, shut
from ingest.ops.fresh import Freshness, freshness
from ingest.ops.graves import Cause, causes, given_up
from ingest.ops.past import Past, pasts
from ingest.ops.problems import Problem, healing, yours
from ingest.ops.queues import QueueStand, queues
from ingest.ops.saying import lasting, many, share
from ingest.ops.telling import Told, told

LATEST = 10
SORTS = "SET LOCAL work_mem = '32MB'"  # a hundred thousand rows are then sorted in memory


@dataclass(frozen=True, slots=True)
class Acted:
    """Something an operator did; `about` names rows."""

    at: datetime
    by: str
    action: str
    about: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything at one instant. `yours` needs a human and is red; `healing` ends by itself and is yellow.

    `given_up` are the jobs of each kind, `buried` their causes, the first of them where there are very many.
    `people` are the active ones, `beat_at` is when the scheduler last ticked, `broker` whether Valkey answers.
    """

    at: datetime
    people: int
    told: Told
    fresh: Sequence[Freshness]
    queues: Sequence[QueueStand]
    calls: Sequence[Calls]
    buried: Sequence[Cause]
    given_up: Mapping[str, int]
    past: Sequence[Past]
    actions: Sequence[Acted]
    beat_at: datetime | None
    broker: bool
    yours: Sequence[Problem] = ()
    healing: Sequence[Problem] = ()

    @property
    def nothing_to_do(self) -> str:
        """The sentence where `yours` and `healing` are empty."""
        followed = sum(vendor.followed for vendor in self.fresh)
        on_time = sum(vendor.on_time for vendor in self.fresh)
        oldest = min((queue.oldest for queue in self.queues if queue.oldest), default=None)
        parts = [many(self.people, "person", "people")]
        parts += [f"{share(on_time, followed)} have last night's data"] if followed else []
        waits = f"oldest waiting {lasting(self.at - oldest)}" if oldest else "nothing waits"
        return f"Nothing to do. {', '.join(parts)}; {waits}."


def board(session: Session, now: datetime) -> Board:
    """Count everything. `now` carries the zone in which today begins."""
    session.execute(text(SORTS))
    asked = calls(session, now)
    counted = Board(
        at=now,
        people=session.scalar(select(func.count()).where(Person.state == "active")) or 0,
        told=told(session, now),
        fresh=freshness(session, now),
        queues=queues(session, now, shut(asked)),
        calls=asked,
        buried=causes(session),
        given_up=given_up(session),
        past=pasts(session, now),
        actions=acted(session, LATEST),
        beat_at=session.scalar(select(Heartbeat.at).where(Heartbeat.name == "beat")),
        broker=_answers(),
    )
    return replace(counted, yours=yours(counted), healing=healing(counted))


def acted(session: Session, limit: int) -> Sequence[Acted]:
    """The latest actions of operators, newest first."""
    rows = session.scalars(select(OperatorAction).order_by(OperatorAction.id.desc()).limit(limit))
    return [Acted(row.at, row.by, row.action, row.about, row.count, row.reason) for row in rows]


def _answers() -> bool:
    try:
        return bool(counts.client().ping())
    except RedisError:
        return False
