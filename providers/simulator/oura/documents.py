"""How Oura stamps its documents."""

from datetime import UTC, datetime

from providers.simulator.people import SyntheticNight

STEP = 300  # seconds between two values of a series


def midnight(night: SyntheticNight) -> datetime:
    """The first instant of the civil day, as Oura stamps what it keys by day: with an offset that is not the user's."""
    return datetime(night.day.year, night.day.month, night.day.day, tzinfo=UTC)


def written(at: datetime) -> str:
    """An instant as Oura writes it."""
    return at.isoformat(timespec="milliseconds")
