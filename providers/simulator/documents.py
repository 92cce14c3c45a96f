"""What a vendor keeps about a person: documents with an id, each in the versions that reached it one after another."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

NAMESPACE = uuid.UUID("6f1f7a52-2f0e-4c52-9c0b-0b8f6a1d7c11")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A document as it reads once what was worn up to `ready_at` has reached the vendor, who needs `takes` for it.

    `stamp` is the document's own timestamp with its own offset: what the vendor filters and sorts on.
    """

    ready_at: datetime
    stamp: datetime
    body: Body
    takes: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Document:
    """A document of one type, its versions oldest first."""

    kind: str
    id: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the vendor shows it now; `number` counts its versions, `first` is the one it began as."""

    kind: str
    id: str
    number: int
    version: Version
    first: Version


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that became of a document: what a webhook tells."""

    event_type: str
    data_type: str
    object_id: str


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
