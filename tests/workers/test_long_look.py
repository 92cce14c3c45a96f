"""A run that goes well writes so in the transaction that says when the stream is next."""

from collections.abc import Callable
from datetime import timedelta

from ingest import clock as the_clock
from tests.workers.sync_stage import Stage, make_due, stage, state_of, sync_now

__all__ = ["stage"]

SLEEP = "oura.sleep"


def test_the_long_look_back_is_made_by_the_first_run_of_a_day_and_not_by_the_next(
    stage: Stage, clock: Callable
) -> None:
    clock("2026-03-01T09:00")
    connection = stage.connect(stage.person("mira", nights=20))
    sync_now()
    first = state_of(connection, SLEEP)
    assert first.looked_back_at == first.last_ok_at
    clock("2026-03-01T15:00")
    make_due(SLEEP)
    sync_now()
    second = state_of(connection, SLEEP)
    assert second.looked_back_at == first.looked_back_at
    assert second.last_ok_at is not None
    assert second.last_ok_at - first.last_ok_at >= timedelta(hours=5)


def test_a_run_that_failed_has_neither_looked_back_nor_gone_well(stage: Stage, clock: Callable) -> None:
    clock("2026-03-01T09:00")
    connection = stage.connect(stage.person("mira", nights=20))
    stage.sim.faults.some("renamed", share=1, path="/v2/usercollection/sleep", field="id", to="identifier")
    sync_now()
    state = state_of(connection, SLEEP)
    assert (state.looked_back_at, state.last_ok_at) == (None, None)
    assert state.next_at > the_clock.now()
