"""What a vendor's cloud holds of one person: everything that was worn, as far as the phone has handed it over."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar, TypeAlias

from providers.simulator.documents import Document, Happened, Shown, Version, Wearer
from providers.simulator.people import SyntheticNight
from providers.simulator.phone import Phone

Arrival: TypeAlias = tuple[datetime, str, str, int]


@dataclass
class Account(ABC):
    """A person at a vendor. `lapsed` is a membership that ran out; `removed` are sleeps thrown away, and when."""

    kinds: ClassVar[Sequence[str]]
    first_event: ClassVar[str]  # what the vendor calls the first version of a document, and every later one
    later_event: ClassVar[str]

    handle: str
    seed: int
    nights: Sequence[SyntheticNight]
    phone: Phone = field(default_factory=Phone)
    lapsed: bool = False
    removed: dict[str, datetime] = field(default_factory=dict)

    @property
    @abstractmethod
    def id(self) -> str:
        """The vendor's own id of the person, as text."""

    @abstractmethod
    def made(self) -> Iterator[Document]:
        """Every document there will ever be."""

    @abstractmethod
    def without(self, version: Version, at: datetime) -> Version | None:
        """How a document reads that was removed; None where the vendor does not show it any more."""

    @abstractmethod
    def gone(self, known: str) -> Iterator[Happened]:
        """What a removed sleep takes with it."""

    @cached_property
    def wearer(self) -> Wearer:
        """Whose seed it all follows from."""
        return Wearer(self.handle, self.seed)

    @cached_property
    def documents(self) -> Mapping[str, list[Document]]:
        """Every document there will ever be, by its type, in the order of their last timestamps."""
        made: dict[str, list[Document]] = {kind: [] for kind in self.kinds}
        for document in self.made():
            made[document.kind].append(document)
        for kept in made.values():
            kept.sort(key=lambda document: document.versions[-1].stamp)
        return made

    @cached_property
    def arrivals(self) -> Mapping[timedelta, list[Arrival]]:
        """When each version is there to be synced, with its type, id and number; by what the vendor takes for it."""
        found: dict[timedelta, list[Arrival]] = {}
        for documents in self.documents.values():
            for document in documents:
                for number, version in enumerate(document.versions):
                    arrival = (version.ready_at, document.kind, document.id, number)
                    found.setdefault(version.takes, []).append(arrival)
        return {takes: sorted(arrivals) for takes, arrivals in found.items()}

    def synced(self, now: datetime) -> datetime:
        """When the phone last handed over what there was."""
        return self.phone.last_sync(now, self.utc_offset_minutes(now))

    def reached(self, version: Version) -> datetime:
        """When a version was there to be asked for: after the sync that brought it, and what the vendor takes."""
        offset = self.utc_offset_minutes(version.ready_at)
        return self.phone.first_sync(version.ready_at, offset) + version.takes

    def utc_offset_minutes(self, now: datetime) -> int:
        """The zone the person was in at the newest waking up to `now`."""
        offset = self.nights[0].utc_offset_minutes if self.nights else 0
        for night in reversed(self.nights):
            if night.wake.replace(tzinfo=UTC) - timedelta(minutes=night.utc_offset_minutes) <= now:
                return night.utc_offset_minutes
        return offset

    def shown(self, kind: str, now: datetime) -> Iterator[Shown]:
        """The documents of a type that the cloud has, each in its newest version."""
        synced = {takes: self.synced(now - takes) for takes in self.arrivals}
        for document in self.documents[kind]:
            if seen := self._seen(document, synced, now):
                yield seen

    def find(self, kind: str, known: str, now: datetime) -> Shown | None:
        """One document, where the cloud has it."""
        return next((shown for shown in self.shown(kind, now) if shown.id == known), None)

    def happened(self, before: datetime, now: datetime) -> Iterator[Happened]:
        """What reached the cloud, changed or went between two instants: one event a document."""
        seen = set()
        for kind, known, number in self._arrived(before, now):
            if (kind, known) not in seen:
                seen.add((kind, known))
                yield Happened(self.later_event if number else self.first_event, kind, known)
        for known, at in self.removed.items():
            if before < at <= now:
                yield from self.gone(known)

    def _arrived(self, before: datetime, now: datetime) -> Iterator[tuple[str, str, int]]:
        for takes, arrivals in self.arrivals.items():
            edges = (
                bisect_right(arrivals, self.synced(at - takes), key=lambda arrival: arrival[0]) for at in (before, now)
            )
            for _, kind, known, number in arrivals[slice(*edges)]:
                yield kind, known, number

    def _seen(self, document: Document, synced: Mapping[timedelta, datetime], now: datetime) -> Shown | None:
        there = [n for n, one in enumerate(document.versions, 1) if one.ready_at <= synced[one.takes]]
        if not there:
            return None
        number = there[-1]
        version = document.versions[number - 1]
        removed = self.removed.get(document.id)
        if removed is None or removed > now:
            return Shown(document.kind, document.id, number, version, document.versions[0])
        left = self.without(version, removed)
        if left is None:
            return None
        return Shown(document.kind, document.id, len(document.versions) + 1, left, document.versions[0])
