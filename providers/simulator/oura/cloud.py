"""What Oura's cloud holds of one person."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from providers.simulator import cloud
from providers.simulator.documents import Document, Happened, Version
from providers.simulator.oura.days import (
    daily_activity,
    daily_readiness,
    daily_spo2,
    rest_modes,
    ring_id,
    rings,
    workouts,
)
from providers.simulator.oura.heart import Beats, heart_rate
from providers.simulator.oura.sleeps import sleeps

KINDS = (
    "sleep",
    "daily_readiness",
    "daily_spo2",
    "daily_activity",
    "workout",
    "rest_mode_period",
    "ring_configuration",
)
TOMBSTONE = "deleted"


class Account(cloud.Account):
    """A person at Oura; a sleep that was removed stays as a tombstone."""

    kinds = KINDS
    first_event, later_event = "create", "update"

    @property
    def id(self) -> str:
        """Oura's own id of the person."""
        return self.wearer.id("account")

    @cached_property
    def beats(self) -> Beats:
        """Every heart rate there will ever be."""
        long_sleeps = [
            document for document in self.documents["sleep"] if document.versions[-1].body["type"] == "long_sleep"
        ]
        return heart_rate(self.wearer, self.nights, long_sleeps)

    def heart_rates(self, since: datetime, until: datetime, now: datetime) -> Beats:
        """The heart rates of a span, both ends included, as far as the cloud has them."""
        synced = self.synced(now)
        if synced < since:
            return self.beats.between(0, -1)
        return self.beats.between(since.timestamp(), min(until, synced).timestamp())

    def made(self) -> Iterator[Document]:
        """Every document there will ever be."""
        for night in self.nights:
            yield from sleeps(self.wearer, night, ring_id(self.wearer, night.device))
            yield from daily_readiness(self.wearer, night)
            yield from daily_spo2(self.wearer, night)
            yield from daily_activity(self.wearer, night)
            yield from workouts(self.wearer, night)
        yield from rest_modes(self.wearer, self.nights)
        yield from rings(self.wearer, self.nights)

    def without(self, version: Version, at: datetime) -> Version:
        """How a document reads that was removed."""
        return replace(version, ready_at=at, body={**version.body, "type": TOMBSTONE})

    def gone(self, known: str) -> Iterator[Happened]:
        """A removed sleep takes nothing with it."""
        yield Happened("delete", "sleep", known)
