"""What `vagus status` shows: the servers, our processes, and the address."""

import json
import time
from dataclasses import asdict

from rich.table import Table

from workers.supervision.running import Running


def status_table(state: Running) -> Table:
    """The running processes as a table for people."""
    title = f"Vagus at {state.address}" if state.ready else f"Vagus is starting, for {_span(state.since)}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("Process")
    for heading in ("Id", "Up for", "Restarts"):
        table.add_column(heading, justify="right")
    for one in (*state.servers, *state.children):
        span = _span(one.since) if one.pid else "[red]ended[/]"
        table.add_row(one.name, str(one.pid or "–"), span, str(one.restarts))
    table.add_row("supervisor", str(state.pid), _span(state.since), "")
    return table


def status_json(state: Running | None) -> str:
    """The same for machines; URLs with their secrets stay out."""
    if state is None:
        return json.dumps({"running": False})
    now = time.monotonic()
    content = {"running": True, **asdict(state)}
    for private in ("database_url", "redis_url"):
        content.pop(private)
    for one in (content, *content["servers"], *content["children"]):
        one["up_seconds"] = round(now - one.pop("since"), 1)
    return json.dumps(content)


def _span(since: float) -> str:
    seconds = int(time.monotonic() - since)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
