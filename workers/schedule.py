"""The beat: a few static ticks that ask the database what is due. A second beat is harmless: claims skip locked rows.

A tick expires after a little more than its interval, so that a worker that was away finds one tick and no pile.
"""

from datetime import timedelta
from typing import Any

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

TICKS = {
    "score.tick": ("score", SECOND),
    "notify.tick": ("notify", SECOND),
    "upkeep.tick": ("upkeep", SECOND),
    "upkeep.follow": ("upkeep", SECOND),
    "sync.pulse": ("sync", 5 * SECOND),
    "backfill.pulse": ("backfill", 5 * SECOND),
    "upkeep.silence": ("upkeep", MINUTE),
    "upkeep.briefs": ("upkeep", MINUTE),
    "upkeep.versions": ("upkeep", SECOND),
    "upkeep.subscriptions": ("upkeep", HOUR),
    "upkeep.expiry": ("upkeep", HOUR),
}


def _entry(task: str, queue: str, every: timedelta) -> dict[str, Any]:
    return {
        "task": task,
        "schedule": every,
        "kwargs": {"by_beat": True},
        "options": {"queue": queue, "expires": every.total_seconds() + 1, "ignore_result": True},
    }


SCHEDULE = {task: _entry(task, queue, every) for task, (queue, every) in TICKS.items()}
