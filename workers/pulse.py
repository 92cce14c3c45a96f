"""Signs of life: which ticks and which queues somebody works on, as rows that `/readyz` and the board read."""

import time
from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.db import transaction
from ingest.models import Heartbeat

# A heartbeat this young is not written again: an idle installation should write next to nothing.
BEAT = timedelta(seconds=5)

_taken: dict[str, float] = {}


def note_heartbeat(session: Session, *names: str) -> None:
    """Write that these are alive, unless that was just written."""
    now = clock.now()
    new = insert(Heartbeat).values([{"name": name, "at": now} for name in sorted(names)])
    older = Heartbeat.at < new.excluded.at - BEAT
    session.execute(
        new.on_conflict_do_update(index_elements=[Heartbeat.name], set_={"at": new.excluded.at}, where=older)
    )


def beat(queue: str) -> None:
    """Write that a worker takes this queue."""
    with transaction() as session:
        note_heartbeat(session, queue)


def taken(queue: str) -> None:
    """The same by work in hand, every few seconds: behind a full queue a pulse expires before its turn comes."""
    now = time.monotonic()
    if now - _taken.get(queue, -BEAT.total_seconds()) >= BEAT.total_seconds():
        _taken[queue] = now
        beat(queue)
