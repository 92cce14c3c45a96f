"""Where rows come from, and the version they speak for: what a save is told beside the rows."""

from dataclasses import dataclass
from datetime import datetime

from providers.measures import Definition

FILE_RANK, GRANT_RANK = 1, 2  # of two versions of one record, a grant's stands above a file's


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from, and the version they speak for."""

    person: int
    vendor_account: int
    connection: int
    stream: str
    rank: int
    as_of: datetime
    content: str
    run: int | None = None
    borne: tuple[Definition, ...] = ()  # the dense series whose points belong to records of this stream

    @property
    def asked(self) -> bool:
        """Whether this is an answer to our own question, which speaks for the time it was asked."""
        return self.rank == GRANT_RANK
