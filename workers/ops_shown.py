"""The board and a cause, as a terminal and a machine read them."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta

from rich.markup import escape
from rich.table import Table

from ingest import clock
from ingest.db import transaction
from ingest.freshness import moment
from ingest.ops.board import Board, board
from ingest.ops.queues import QueueStand
from ingest.ops.saying import lasting
from ingest.ops.why import Why, why

COLUMNS = ("Queue", "Age", "With retries", "Ready", "Gated", "Later", "Running", "Done a minute", "Worker")


def now_on_board() -> Board:
    """The board as of now, in the zone of this machine."""
    with transaction() as session:
        return board(session, clock.now().astimezone())


def cause(connection: int) -> Why:
    """Why a connection stands as it does. Raises VagusError where there is no such connection."""
    with transaction() as session:
        return why(session, connection, clock.now().astimezone())


def as_json(shown: Board | Why) -> str:
    """All of it as one JSON object: instants by ISO 8601, spans in seconds."""
    return json.dumps(asdict(shown), default=_plain)


def queues_table(seen: Board) -> Table:
    """The queues, worst first."""
    table = Table(box=None, pad_edge=False)
    for title in COLUMNS:
        table.add_column(title, justify="left" if title in {"Queue", "Worker"} else "right")
    for each in seen.queues:
        numbers = (each.ready, each.gated, each.later, each.running)
        pace = "" if each.done_a_minute is None else f"{each.done_a_minute:,.0f}"
        ages = (_age(seen.at, each.oldest), _age(seen.at, each.oldest_with_retries))
        table.add_row(each.queue, *ages, *(f"{number:,}" for number in numbers), pace, _worker(each, seen.at))
    return table


def problem_lines(seen: Board) -> list[str]:
    """What is wrong, as it is printed: red for a human, yellow for what heals."""
    lines = [f"[red]●[/] {escape(problem.sentence)}" for problem in seen.yours]
    lines += [f"[yellow]◐[/] {escape(problem.sentence)}" for problem in seen.healing]
    return lines or [escape(seen.nothing_to_do)]


def _worker(each: QueueStand, now: datetime) -> str:
    if each.hold is not None:
        return f"held by {escape(each.hold.by)}"
    if each.listened(now):
        return "listens"
    return f"none since {moment(each.seen_at, now)}" if each.seen_at else "none"


def _age(now: datetime, since: datetime | None) -> str:
    return lasting(now - since) if since else "0 s"


def _plain(value: object) -> object:
    """An instant by ISO 8601, a span in seconds."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
    return str(value)
