"""What a person really had, whatever the phone, the faults and the pages did to it: what a test compares with."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from providers.simulator.documents import Body
from providers.simulator.oura.cloud import Account
from providers.simulator.oura.heart import SOURCES

ASLEEP = frozenset({"long_sleep", "sleep", "late_nap"})  # no false detection, nothing thrown away

Rows = dict[str, list[list[Any]]]


def truth(account: Account, since: datetime, until: datetime) -> Rows:
    """Every row of a span, its end excluded, by name and in the order of time; documents in their last version.

    `heart_rate` rows are [seconds since 1970, bpm, source]; `hrv` and `sleep_heart_rate` [seconds, value, sleep id] of
    every sleep that was one; the others begin with the document's id and its day.
    """
    bodies = {
        kind: [document.versions[-1].body for document in documents if since <= document.versions[-1].stamp < until]
        for kind, documents in account.documents.items()
    }
    kept = [body for body in bodies["sleep"] if body["type"] in ASLEEP and body["id"] not in account.removed]
    return {
        "heart_rate": _beats(account, since, until),
        "hrv": [row for body in kept for row in _series(body, "hrv")],
        "sleep_heart_rate": [row for body in kept for row in _series(body, "heart_rate")],
        "night": [_night(body) for body in kept if body["type"] == "long_sleep"],
        "other_sleep": [[body["id"], body["day"], body["type"]] for body in kept if body["type"] != "long_sleep"],
        "readiness": [
            [body["id"], body["day"], body["score"], body["temperature_deviation"]]
            for body in bodies["daily_readiness"]
        ],
        "oxygen": [
            [body["id"], body["day"], body["spo2_percentage"]["average"]]
            for body in bodies["daily_spo2"]
            if body["spo2_percentage"]
        ],
        "activity": [
            [body["id"], body["day"], body["steps"], body["active_calories"]] for body in bodies["daily_activity"]
        ],
        "workout": [
            [body["id"], body["day"], body["start_datetime"], body["end_datetime"], body["intensity"]]
            for body in bodies["workout"]
        ],
        "rest_mode": [[body["id"], body["start_day"], body["end_day"]] for body in bodies["rest_mode_period"]],
        "ring": [[body["id"], body["set_up_at"]] for body in bodies["ring_configuration"]],
    }


def _beats(account: Account, since: datetime, until: datetime) -> list[list[Any]]:
    """One row an instant; where the vendor has one twice, it is the same value."""
    beats = account.beats.between(since.timestamp(), until.timestamp())
    columns = zip(beats.at.tolist(), beats.bpm.tolist(), beats.source.tolist(), strict=True)
    rows = {at: [at, bpm, SOURCES[source]] for at, bpm, source in columns if at < until.timestamp()}
    return list(rows.values())


def _series(body: Body, name: str) -> Iterator[list[Any]]:
    """The values of a series that is there, with the instants of their positions."""
    if series := body[name]:
        start = int(datetime.fromisoformat(series["timestamp"]).timestamp())
        step = int(series["interval"])
        for index, value in enumerate(series["items"]):
            if value is not None:
                yield [start + step * index, value, body["id"]]


def _night(body: Body) -> list[Any]:
    """Id, day, HRV, lowest heart rate, breathing, temperature deviation, minutes asleep, ring."""
    return [
        body["id"],
        body["day"],
        body["average_hrv"],
        body["lowest_heart_rate"],
        body["average_breath"],
        body["readiness"]["temperature_deviation"],
        body["total_sleep_duration"] / 60,
        body["ring_id"],
    ]
