"""Holding a vendor or a queue, and letting it go: rows wait meanwhile, and nothing of them is lost."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

import providers
from ingest import clock
from ingest.grants import pauses
from ingest.grants.pauses import QUEUES
from ingest.models import Connection, QueueHold, VendorApp
from ingest.ops.act import Act, Plan
from ingest.ops.saying import many
from providers.errors import VagusError

MEANS = {
    "sync": "Nothing new is asked of any vendor until it is resumed. Notices from vendors are still taken.",
    "backfill": "No past nights are fetched until it is resumed. What is new is fetched all the same.",
    "score": "No night is judged until it is resumed, so nobody is told anything new.",
    "notify": (
        "No message is sent until it is resumed, and no sign-in code: codes live ten minutes. "
        "You come in by `vagus operator sign-in` meanwhile."
    ),
    "upkeep": "No uploaded file is read until it is resumed.",
}
ENDS_BY_ITSELF = "What a worker has begun, it ends."


def pause_vendor(*, vendor: str) -> Act:
    """Ask a vendor for nothing until it is resumed. Raises Misconfigured for one there is not."""
    title = providers.get(vendor).title

    def plan(session: Session) -> Plan:
        apps = pauses.apps(session, vendor)
        if not apps:
            return Plan(0, f"{title} is not set up here.")
        free = [app for app in apps if app.held_at is None]
        if not free:
            return Plan(0, f'{title} is paused already, by {apps[0].held_by}: "{apps[0].held_reason}".')
        waiting = many(_connections(session, vendor), "connection waits", "connections wait")
        sentence = f"{title} is asked for nothing until it is resumed: {waiting}. Its notices are still taken."
        return Plan(len(free), f"{sentence} {ENDS_BY_ITSELF}")

    return Act(
        action="pause vendor",
        title=f"Pause {title}",
        about=f"vendor {vendor}",
        plan=plan,
        do=lambda session, by: pauses.hold(session, vendor, by.who, by.reason),
        done=lambda count: f"{title} is paused." if count else f"{title} was paused already.",
    )


def resume_vendor(*, vendor: str) -> Act:
    """Ask a vendor again. Raises Misconfigured for one there is not."""
    title = providers.get(vendor).title

    def plan(session: Session) -> Plan:
        held = [app for app in pauses.apps(session, vendor) if app.held_at is not None]
        if not held:
            return Plan(0, f"{title} is not paused by anybody.")
        due = _connections(session, vendor, Connection.next_sync_at <= clock.now())
        is_due = many(due, "connection is due", "connections are due")
        return Plan(len(held), f"{title} is asked again at once, within its budget: {is_due}.")

    return Act(
        action="resume vendor",
        title=f"Resume {title}",
        about=f"vendor {vendor}",
        plan=plan,
        do=lambda session, _: pauses.let_go(session, vendor),
        done=lambda count: f"{title} is asked again." if count else f"{title} was not paused.",
    )


def pause_queue(*, queue: str) -> Act:
    """Claim nothing of a queue until it is resumed. Raises VagusError for one there is not."""
    _known(queue)

    def plan(session: Session) -> Plan:
        if held := session.get(QueueHold, queue):
            return Plan(0, f'The queue {queue} is paused already, by {held.by}: "{held.reason}".')
        return Plan(1, f"{MEANS[queue]} {ENDS_BY_ITSELF}")

    return Act(
        action="pause queue",
        title=f"Pause the queue {queue}",
        about=f"queue {queue}",
        plan=plan,
        do=lambda session, by: pauses.hold_queue(session, queue, by.who, by.reason),
        done=lambda count: f"The queue {queue} is paused." if count else f"The queue {queue} was paused already.",
    )


def resume_queue(*, queue: str) -> Act:
    """Claim of a queue again. Raises VagusError for one there is not."""
    _known(queue)

    def plan(session: Session) -> Plan:
        if not session.get(QueueHold, queue):
            return Plan(0, f"The queue {queue} is not paused.")
        return Plan(1, f"What waits in {queue} goes on at the next tick, within a second or so.")

    return Act(
        action="resume queue",
        title=f"Resume the queue {queue}",
        about=f"queue {queue}",
        plan=plan,
        do=lambda session, _: pauses.let_go_queue(session, queue),
        done=lambda count: f"The queue {queue} goes on." if count else f"The queue {queue} was not paused.",
    )


def _known(queue: str) -> None:
    if queue not in QUEUES:
        raise VagusError(f"there is no queue {queue}: there are {', '.join(QUEUES)}")


def _connections(session: Session, vendor: str, *conditions: ColumnElement[bool]) -> int:
    own = (VendorApp.vendor == vendor, Connection.state == "active", *conditions)
    rows = select(func.count()).select_from(Connection).join(VendorApp, VendorApp.id == Connection.vendor_app)
    return session.scalar(rows.where(*own)) or 0
