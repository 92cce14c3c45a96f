"""What a simulated person trains, from either vendor's answers to the sentences that explain a night."""

import pytest

from ingest import clock, db
from ingest.nights import nights_of
from providers.simulator.people import Story
from scoring import Night, assess
from tests.workers.sync_stage import Stage, fill, stage, sync_now

__all__ = ["stage"]


def followed(stage: Stage) -> list[Night]:
    """Everything of somebody who has trained hard for two weeks, fetched and laid out."""
    person = stage.person("mira", Story.OVERREACHING, nights=75)
    stage.connect(person)
    while sync_now():
        pass
    fill()
    with db.transaction() as session:
        return nights_of(session, person, clock.now().date())


@pytest.mark.parametrize("vendor", ["oura", "whoop"])
def test_load_and_output_come_from_the_heart_with_either_vendor_and_name_the_hard_fortnight(stage, vendor):
    nights = followed(stage if vendor == "oura" else stage.beside(vendor))
    assert {night.load_series for night in nights[-40:] if night.load is not None} == {"heart_rate"}
    outputs = [night.performance for night in nights if night.performance is not None]
    assert outputs
    assert 0.85 < min(outputs) <= max(outputs) < 1.15
    falls = [night.heart_rate_recovery for night in nights if night.heart_rate_recovery is not None]
    assert (len(falls) > 20) == (vendor == "oura"), "WHOOP tells no heart rate of the minute after"
    said = " ".join(" ".join(each.context) for each in assess(nights)[-10:])
    assert "hard, one after the other" in said or "clearly more training" in said
