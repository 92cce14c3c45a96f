"""Nights as a vendor's answers leave them, for pages that judge them again."""

from collections.abc import Sequence

from ingest import clock
from ingest.db import transaction
from ingest.models import DayValue, Series
from scoring import Night
from tests.ingest.web.web_stage import Sitter
from tests.workers.peers import night_row


def keep(sitter: Sitter, given: Sequence[Night]) -> None:
    """Store the nights themselves, as a vendor's would be."""
    with transaction() as session:
        for measure, field in (
            ("heart_rate_variability_rmssd", "hrv_ms"),
            ("resting_heart_rate", "resting_heart_rate"),
        ):
            series = Series(person=sitter.id, measure=measure, definition="t", context="sleep", created_at=clock.now())
            session.add(series)
            session.flush()
            session.add_all(DayValue(**night_row(series.id, night.day, getattr(night, field))) for night in given)
