"""A person's phone: what was worn reaches the vendor only when the phone fetches it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

THRICE_DAILY = (time(7, 30), time(13), time(22))


@dataclass(slots=True)
class Phone:
    """Syncs at civil times of each day; with no times, all the time. Never while `away`; and whenever it is `opened`.

    `away` are spans of instants, their end excluded: the phone is off, or its app is not opened.
    """

    times: Sequence[time] = ()
    away: list[tuple[datetime, datetime]] = field(default_factory=list)
    opened: list[datetime] = field(default_factory=list)

    def last_sync(self, now: datetime, utc_offset_minutes: int) -> datetime:
        """When the phone last handed over what there was, at or before `now`."""
        latest = self._scheduled(now, utc_offset_minutes)
        while gone := self._left(latest):
            latest = self._scheduled(gone - timedelta(seconds=1), utc_offset_minutes)
        return max(at for at in (latest, *self.opened) if at <= now)

    def first_sync(self, at: datetime, utc_offset_minutes: int) -> datetime:
        """When the phone first hands over what is there at an instant."""
        first = self._next(at, utc_offset_minutes)
        while back := self._back(first):
            first = self._next(back, utc_offset_minutes)
        return min([first, *(opened for opened in self.opened if opened >= at)])

    def _next(self, at: datetime, utc_offset_minutes: int) -> datetime:
        """The first sync that the schedule has from an instant on."""
        if not self.times:
            return at
        shift = timedelta(minutes=utc_offset_minutes)
        here = at.astimezone(UTC) + shift
        days = (here.date(), here.date() + timedelta(days=1))
        moments = (datetime.combine(day, moment, UTC) for day in days for moment in self.times)
        return min(moment for moment in moments if moment >= here) - shift

    def _scheduled(self, now: datetime, utc_offset_minutes: int) -> datetime:
        """The newest sync that the schedule has up to an instant."""
        if not self.times:
            return now
        shift = timedelta(minutes=utc_offset_minutes)
        here = now.astimezone(UTC) + shift
        days = (here.date(), here.date() - timedelta(days=1))
        moments = (datetime.combine(day, moment, UTC) for day in days for moment in self.times)
        return max(moment for moment in moments if moment <= here) - shift

    def _left(self, at: datetime) -> datetime | None:
        """Since when the phone is away at an instant; None where it is not."""
        return min((since for since, until in self.away if since <= at < until), default=None)

    def _back(self, at: datetime) -> datetime | None:
        """Until when the phone is away at an instant; None where it is not."""
        return max((until for since, until in self.away if since <= at < until), default=None)
