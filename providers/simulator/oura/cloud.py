"""What Oura's cloud holds of one person: everything the ring saw, as far as the phone has handed it over."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from providers.simulator.oura.days import (
    daily_activity,
    daily_readiness,
    daily_spo2,
    rest_modes,
    ring_id,
    rings,
    workouts,
)
from providers.simulator.oura.documents import Document, Version, Wearer
from providers.simulator.oura.heart import Beats, heart_rate
from providers.simulator.oura.sleeps import sleeps
from providers.simulator.people import SyntheticNight
from providers.simulator.phone import Phone

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


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the vendor shows it now; `number` counts its versions, so that a change can be seen."""

    kind: str
    id: str
    number: int
    version: Version


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that became of a document: what a webhook tells."""

    event_type: str
    data_type: str
    object_id: str


@dataclass
class Account:
    """A person at Oura. `lapsed` is a membership that ran out; `removed` are sleeps the person threw away, and when."""

    handle: str
    seed: int
    nights: Sequence[SyntheticNight]
    phone: Phone = field(default_factory=Phone)
    lapsed: bool = False
    removed: dict[str, datetime] = field(default_factory=dict)

    @cached_property
    def wearer(self) -> Wearer:
        """Whose seed it all follows from."""
        return Wearer(self.handle, self.seed)

    @property
    def id(self) -> str:
        """Oura's own id of the person."""
        return self.wearer.id("account")

    @cached_property
    def documents(self) -> Mapping[str, list[Document]]:
        """Every document there will ever be, by its type, in the order of their last timestamps."""
        made: dict[str, list[Document]] = {kind: [] for kind in KINDS}
        for document in self._made():
            made[document.kind].append(document)
        for kept in made.values():
            kept.sort(key=lambda document: document.versions[-1].stamp)
        return made

    @cached_property
    def arrivals(self) -> list[tuple[datetime, str, str, int]]:
        """When each version of each document is there to be synced, with its type, id and number, in that order."""
        return sorted(
            (version.ready_at, document.kind, document.id, number)
            for documents in self.documents.values()
            for document in documents
            for number, version in enumerate(document.versions)
        )

    @cached_property
    def beats(self) -> Beats:
        """Every heart rate there will ever be."""
        long_sleeps = [
            document for document in self.documents["sleep"] if document.versions[-1].body["type"] == "long_sleep"
        ]
        return heart_rate(self.wearer, self.nights, long_sleeps)

    def synced(self, now: datetime) -> datetime:
        """When the phone last handed over what the ring had."""
        return self.phone.last_sync(now, self.utc_offset_minutes(now))

    def utc_offset_minutes(self, now: datetime) -> int:
        """The zone the person was in at the newest waking up to `now`."""
        offset = self.nights[0].utc_offset_minutes if self.nights else 0
        for night in reversed(self.nights):
            if night.wake.replace(tzinfo=UTC) - timedelta(minutes=night.utc_offset_minutes) <= now:
                return night.utc_offset_minutes
        return offset

    def shown(self, kind: str, now: datetime) -> Iterator[Shown]:
        """The documents of a type that the cloud has, each in its newest version."""
        synced = self.synced(now)
        for document in self.documents[kind]:
            if seen := self._seen(document, synced, now):
                yield seen

    def find(self, kind: str, known: str, now: datetime) -> Shown | None:
        """One document, where the cloud has it."""
        return next((shown for shown in self.shown(kind, now) if shown.id == known), None)

    def happened(self, before: datetime, now: datetime) -> Iterator[Happened]:
        """What reached the cloud, changed or went between two instants: one event a document."""
        edges = (bisect_right(self.arrivals, self.synced(at), key=lambda arrival: arrival[0]) for at in (before, now))
        seen = set()
        for _, kind, known, number in self.arrivals[slice(*edges)]:
            if known not in seen:
                seen.add(known)
                yield Happened("update" if number else "create", kind, known)
        for known, at in self.removed.items():
            if before < at <= now:
                yield Happened("delete", "sleep", known)

    def heart_rates(self, since: datetime, until: datetime, now: datetime) -> Beats:
        """The heart rates of a span, both ends included, as far as the cloud has them."""
        synced = self.synced(now)
        if synced < since:
            return self.beats.between(0, -1)
        return self.beats.between(since.timestamp(), min(until, synced).timestamp())

    def _seen(self, document: Document, synced: datetime, now: datetime) -> Shown | None:
        number = document.version(synced)
        if not number:
            return None
        version = document.versions[number - 1]
        removed = self.removed.get(document.id)
        if removed is None or removed > now:
            return Shown(document.kind, document.id, number, version)
        body: Mapping[str, Any] = {**version.body, "type": TOMBSTONE}
        return Shown(document.kind, document.id, len(document.versions) + 1, Version(removed, version.stamp, body))

    def _made(self) -> Iterator[Document]:
        for night in self.nights:
            yield from sleeps(self.wearer, night, ring_id(self.wearer, night.device))
            yield from daily_readiness(self.wearer, night)
            yield from daily_spo2(self.wearer, night)
            yield from daily_activity(self.wearer, night)
            yield from workouts(self.wearer, night)
        yield from rest_modes(self.wearer, self.nights)
        yield from rings(self.wearer, self.nights)
