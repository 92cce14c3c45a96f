"""What WHOOP's cloud holds of one person, and the file that it mails them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from typing import Any, ClassVar

from providers.simulator import cloud
from providers.simulator.documents import Document, Happened, Shown, Version
from providers.simulator.life import local
from providers.simulator.whoop.cycles import cycle, workouts
from providers.simulator.whoop.documents import SCORED, Strap, user_id, written
from providers.simulator.whoop.nights import Edit, edited, recovery, sleeps
from providers.simulator.whoop_export import export_zip

KINDS = ("cycle", "recovery", "sleep", "workout")
EDITED = ("sleep", "recovery")


@dataclass
class Account(cloud.Account):
    """A person at WHOOP. A recovery is kept by the id of its sleep, and goes with it."""

    kinds: ClassVar = KINDS
    first_event: ClassVar = "updated"  # the same for what is new and for what has changed
    later_event: ClassVar = "updated"

    strap: Strap = field(default_factory=Strap)

    @property
    def id(self) -> str:
        """WHOOP's own id of the person, a whole number there."""
        return str(user_id(self.wearer))

    def made(self) -> Iterator[Document]:
        """Every document there will ever be."""
        scored = 0
        for night, following in zip_longest(self.nights, self.nights[1:]):
            yield cycle(self.wearer, night, following)
            yield from sleeps(self.wearer, night, self.strap)
            yield from recovery(self.wearer, night, self.strap, calibrating=scored < self.strap.calibrating)
            yield from workouts(self.wearer, night)
            scored += night.worn

    def without(self, version: Version, at: datetime) -> None:  # noqa: ARG002  what was removed is not shown
        """Nothing is left of what was removed."""
        return

    def gone(self, known: str) -> Iterator[Happened]:
        """A removed night takes its recovery with it."""
        yield Happened("deleted", "sleep", known)
        if any(document.id == known for document in self.documents["recovery"]):
            yield Happened("deleted", "recovery", known)

    def written(self, shown: Shown, now: datetime) -> dict[str, Any]:
        """A document as it is answered, with when it was made and last changed at WHOOP."""
        moments = {"created_at": shown.first, "updated_at": shown.version}
        return {
            **shown.version.body,
            **{name: written(min(self.reached(version), now)) for name, version in moments.items()},
        }

    def rescore(self, known: str, now: datetime, edit: Edit) -> bool:
        """The person corrects a scored night in the app, and it is scored anew; False where there is no such night."""
        documents = [
            (kind, position, document)
            for kind in EDITED
            for position, document in enumerate(self.documents[kind])
            if document.id == known and document.versions[-1].body["score_state"] == SCORED
        ]
        if not documents:
            return False
        self.phone.opened.append(now)
        for kind, position, document in documents:
            last = document.versions[-1]
            anew = Version(now, last.stamp, edited(kind, last.body, edit))
            self.documents[kind][position] = replace(document, versions=(*document.versions, anew))
        self.__dict__.pop("arrivals", None)  # worked out from the documents once
        return True

    def export(self, now: datetime) -> bytes:
        """The ZIP that the person would be mailed now: the same nights, with gaps where nothing could be scored."""
        synced = self.synced(now)
        known = [night for night in self.nights if local(night, night.wake) <= synced]
        scored = [replace(night, worn=night.worn and self.strap.scores(self.wearer, night)) for night in known]
        return export_zip(scored, older=self.strap.older)
