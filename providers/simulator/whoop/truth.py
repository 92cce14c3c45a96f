"""What a person really had, whatever the phone, the faults and the pages did to it: what a test compares with."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from providers.simulator.documents import Body
from providers.simulator.whoop.cloud import Account
from providers.simulator.whoop.cycles import KILOJOULES
from providers.simulator.whoop.documents import SCORED
from providers.simulator.whoop.nights import MINUTE

Rows: TypeAlias = dict[str, list[list[Any]]]


def truth(account: Account, since: datetime, until: datetime) -> Rows:
    """Every row of what began in a span, its end excluded, in the order of time; documents in their last version.

    Each begins with the document's id and its day: the local date of the waking, for a cycle that of its night.
    """
    bodies = {
        kind: [document.versions[-1].body for document in documents if since <= document.versions[-1].stamp < until]
        for kind, documents in account.documents.items()
    }
    kept = [body for body in bodies["sleep"] if body["id"] not in account.removed]
    recoveries = {body["sleep_id"]: body for body in bodies["recovery"]}
    nights = [body for body in kept if not body["nap"]]
    days = {document.id: night.day for document, night in zip(account.documents["cycle"], account.nights, strict=True)}
    return {
        "night": [_night(body, recoveries[body["id"]]) for body in nights if body["score_state"] == SCORED],
        "unscorable": [[body["id"], _day(body)] for body in nights if body["score_state"] != SCORED],
        "nap": [[body["id"], _day(body), body["start"], body["end"]] for body in kept if body["nap"]],
        "cycle": [_cycle(body, days[str(body["id"])].isoformat()) for body in bodies["cycle"]],
        "workout": [
            [body["id"], _day(body), body["start"], body["end"], body["sport_name"]] for body in bodies["workout"]
        ],
    }


def _night(sleep: Body, recovery: Body) -> list[Any]:
    """Id, day, HRV, resting rate, breathing, skin temperature, oxygen, minutes asleep, recovery, calibrating."""
    score = recovery["score"]
    return [
        sleep["id"],
        _day(sleep),
        score["hrv_rmssd_milli"],
        score["resting_heart_rate"],
        sleep["score"]["respiratory_rate"],
        score.get("skin_temp_celsius"),
        score.get("spo2_percentage"),
        sum(_asleep(sleep["score"]["stage_summary"])),
        score["recovery_score"],
        score["user_calibrating"],
    ]


def _asleep(stages: Body) -> Iterator[float]:
    for stage in ("light", "slow_wave", "rem"):
        yield stages[f"total_{stage}_sleep_time_milli"] / MINUTE


def _cycle(body: Body, day: str) -> list[Any]:
    """Id, day, strain, kilocalories, whether it has ended."""
    return [body["id"], day, body["score"]["strain"], body["score"]["kilojoule"] / KILOJOULES, "end" in body]


def _day(body: Body) -> str:
    """The local date on which it ended."""
    offset = "+00:00" if body["timezone_offset"] == "Z" else body["timezone_offset"]
    minutes = int(offset[1:3]) * 60 + int(offset[4:])
    shift = timedelta(minutes=-minutes if offset[0] == "-" else minutes)
    return (datetime.fromisoformat(body["end"]) + shift).date().isoformat()
