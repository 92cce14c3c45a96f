"""What a simulated person trains, from either vendor's answers to the sentences that explain a night."""

import pytest
from sqlalchemy import delete, text, update

from ingest import clock, db
from ingest.models import Raw, StreamState
from ingest.nights import nights_of
from providers.simulator.people import Story
from scoring import Night, assess
from tests.workers.sync_stage import Stage, fill, judge, make_due, stage, sync_now, waits_to_be_judged

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


@pytest.mark.parametrize(("context", "again"), [("workout", True), ("day", False)])
def test_heart_rates_that_come_after_the_night_was_judged_have_it_judged_again_where_a_load_rests_on_them(
    stage, context, again
):
    followed(stage)
    judge()
    lost = text("DELETE FROM block b USING series s WHERE s.id = b.series AND s.context = :context RETURNING b.day")
    with db.transaction() as session:
        session.execute(lost, {"context": context})
        session.execute(delete(Raw))  # an answer that is known is not read again
        session.execute(update(StreamState).values(looked_back_at=None))
    assert not waits_to_be_judged()
    make_due("oura.heartrate")
    assert sync_now() == 1
    with db.transaction() as session:
        assert session.execute(lost, {"context": context}).all(), "they were fetched once more"
    assert waits_to_be_judged() == again
