"""What Oura keeps about a person: documents with an id, each in the versions that reached it one after another."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np

from providers.simulator.people import SyntheticNight

NAMESPACE = uuid.UUID("6f1f7a52-2f0e-4c52-9c0b-0b8f6a1d7c11")
STEP = 300  # seconds between two values of a series

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A document as it reads once the ring's data up to `ready_at` has reached the vendor.

    `stamp` is the document's own timestamp with its own offset: what the vendor filters and sorts on.
    """

    ready_at: datetime
    stamp: datetime
    body: Body


@dataclass(frozen=True, slots=True)
class Document:
    """A document of one type, its versions oldest first."""

    kind: str
    id: str
    versions: tuple[Version, ...]

    def version(self, synced: datetime) -> int:
        """How many of its versions had reached the vendor after a sync; 0 where it was not there yet."""
        return sum(version.ready_at <= synced for version in self.versions)


@dataclass(frozen=True, slots=True)
class Wearer:
    """Whose documents these are: the seed they follow from, and a name that keeps ids of two people apart."""

    name: str
    seed: int

    def id(self, *parts: object) -> str:
        """A UUID that is the same for the same parts."""
        return str(uuid.uuid5(NAMESPACE, "/".join(str(part) for part in (self.name, self.seed, *parts))))

    def dice(self, *parts: object) -> np.random.Generator:
        """Chance that falls the same way for the same parts."""
        text = "/".join(str(part) for part in (self.seed, *parts))
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))


def zone(night: SyntheticNight) -> timezone:
    """The zone that the person is in, as an offset."""
    return timezone(timedelta(minutes=night.utc_offset_minutes))


def local(night: SyntheticNight, at: datetime) -> datetime:
    """A time on the person's clock, aware."""
    return at.replace(tzinfo=zone(night))


def midnight(night: SyntheticNight) -> datetime:
    """The first instant of the civil day, as Oura stamps what it keys by day: with an offset that is not the user's."""
    return datetime(night.day.year, night.day.month, night.day.day, tzinfo=UTC)


def written(at: datetime) -> str:
    """An instant as Oura writes it."""
    return at.isoformat(timespec="milliseconds")
