"""The engine against the simulated WHOOP, and one person who wears it beside the ring."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

import providers
from ingest import clock as the_clock
from ingest import db
from ingest.grants import connections
from ingest.models import Alert, Connection, Credential, Delivery, HintReceived, Rejected
from providers.simulator.people import Story
from providers.simulator.whoop import Strap
from tests.workers.sync_stage import (
    Stage,
    connection_of,
    fill,
    judge,
    left_to_fill,
    make_due,
    missing,
    rows,
    stage,
    state_of,
    sync_now,
    wait_out,
    waits_to_be_judged,
)

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
EVENING, MONTH = timedelta(hours=13), timedelta(days=30)
NIGHTS = """
SELECT d.record, e.day::text, s.measure, d.value FROM day_value d JOIN series s ON s.id = d.series
JOIN episode e ON e.vendor_account = s.vendor_account AND e.record = d.link_record AND e.main
JOIN vendor_account a ON a.id = s.vendor_account
WHERE a.vendor = 'whoop' AND d.state = 'final' AND NOT d.gone
"""
COLUMNS = {
    "heart_rate_variability_rmssd": 2,
    "resting_heart_rate": 3,
    "respiratory_rate": 4,
    "skin_temperature": 5,
    "oxygen_saturation": 6,
    "total_sleep_time": 7,
}
OF_SLEEP = {"respiratory_rate", "total_sleep_time"}


@pytest.fixture(autouse=True)
def in_the_morning(stage: Stage, clock: Callable) -> Callable:
    clock(MORNING)
    return clock


@pytest.fixture(autouse=True)
def short_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for two months of the past: a usual range needs no more, and half a year is the same thrice."""
    short = tuple(replace(provider, backfill=timedelta(days=60)) for provider in providers.PROVIDERS)
    monkeypatch.setattr(providers, "PROVIDERS", short)


@pytest.fixture
def strap(stage: Stage) -> Iterator[Stage]:
    return stage.beside("whoop")


def lacking(strap: Stage, handle: str, since: datetime, until: datetime) -> set[tuple[Any, ...]]:
    """The numbers of scored nights that the person had and that are not stored; strain and workouts too."""
    truth = strap.sim.truth(handle, since, until, vendor="whoop")
    had = {
        (night[0], night[1], measure, round(float(night[column]), 3))
        for night in truth["night"]
        for measure, column in COLUMNS.items()
        if night[column] is not None and (measure in OF_SLEEP or not night[9])
    }
    strain = {(str(row[0]), row[1], round(row[2], 3)) for row in truth["cycle"] if row[4]}
    trained = {(row[0], row[1]) for row in truth["workout"]}
    with db.transaction() as session:
        stored = {(*row[:3], round(row[3], 3)) for row in session.execute(text(NIGHTS)) if row[3] is not None}
        of_days = session.execute(
            text(
                "SELECT record, day::text, value FROM day_value d JOIN series s ON s.id = d.series WHERE measure = :of"
            ),
            {"of": "vendor_strain"},
        )
        strains = {(row[0], row[1], round(row[2], 3)) for row in of_days if row[2] is not None}
        workouts = session.execute(text("SELECT record, day::text FROM episode WHERE kind = 'workout'"))
        return (had - stored) | (strain - strains) | (trained - {tuple(row) for row in workouts})


def fill_all(show: Callable) -> None:
    """Fetch the past minute by minute: its share of a minute's calls is thirty."""
    fill()
    while left_to_fill():
        wait_out(show, seconds=61)
        fill()


def hrv_of(connection: int, day: str) -> tuple[str, float | None]:
    """State and value of a night's HRV."""
    query = text(
        "SELECT d.state, d.value FROM day_value d JOIN series s ON s.id = d.series "
        "JOIN connection c ON c.vendor_account = s.vendor_account "
        "WHERE c.id = :connection AND s.measure = 'heart_rate_variability_rmssd' AND d.day = :day AND NOT d.gone"
    )
    with db.transaction() as session:
        state, value = session.execute(query, {"connection": connection, "day": day}).one()
        return state, value


def deliveries() -> list[str]:
    with db.transaction() as session:
        return list(session.scalars(select(Delivery.kind)))


def test_a_first_sync_and_the_past_bring_in_all_that_the_person_had(strap: Stage, in_the_morning: Callable) -> None:
    connection = strap.connect(strap.person(nights=50, seed=3, strap=Strap(unscorable_share=0.05)))
    assert sync_now() == 1
    fill_all(in_the_morning)
    assert lacking(strap, "mira", MORNING - timedelta(days=49), MORNING - timedelta(days=1)) == set()
    assert connection_of(connection).state == "active"
    with db.transaction() as session:
        assert not session.scalar(select(func.count()).select_from(Rejected))
        naps = session.scalar(text("SELECT count(*) FROM episode WHERE kind = 'sleep' AND NOT main"))
    assert naps


def test_asking_again_for_what_did_not_change_changes_nothing(strap: Stage, in_the_morning: Callable) -> None:
    in_the_morning(MORNING + timedelta(hours=1))  # by now last night is scored for good
    strap.connect(strap.person(nights=20, seed=3, phone=(time(7, 30),)))
    sync_now()
    fill_all(in_the_morning)
    before = rows()
    for _ in range(2):
        wait_out(in_the_morning, minutes=61)
        make_due()
        sync_now()
    assert rows() == before


def test_a_late_phone_a_notice_and_a_score_that_comes_minutes_later_end_in_one_alert(
    strap: Stage, in_the_morning: Callable
) -> None:
    last = MORNING.date()
    life = {"story": Story.OVERREACHING, "nights": 125, "seed": 9, "last_day": last + timedelta(days=5)}
    person = strap.person(**life, strap=Strap(unscorable_share=0))
    account = strap.sim.whoop.accounts["mira"]
    account.phone.away = [(MORNING - EVENING, MORNING + MONTH)]
    connection = strap.connect(person)
    strap.deliver()
    sync_now()
    fill_all(in_the_morning)
    judge()
    assert deliveries() == []

    wait_out(in_the_morning, minutes=5)
    strap.sim.open_phone("mira", vendor="whoop")
    assert {one["type"] for one in strap.deliver()} >= {"sleep.updated", "recovery.updated"}
    assert sync_now() == 1
    assert hrv_of(connection, last.isoformat())[0] == "pending"
    if waits_to_be_judged():
        judge()
    assert deliveries() == [], "a night that is not scored yet tells nobody anything"

    wait_out(in_the_morning, minutes=10)
    assert {one["type"] for one in strap.deliver()} == {"sleep.updated", "recovery.updated"}
    assert sync_now() == 1
    night = next(night for night in account.nights if night.day == last)
    assert hrv_of(connection, last.isoformat()) == ("final", pytest.approx(night.hrv_ms, abs=3))
    judge()
    with db.transaction() as session:
        (alert,) = session.scalars(select(Alert)).all()
        assert (alert.state, alert.last_day) == ("open", last)
    assert deliveries() == ["strained"]


def test_a_notice_that_comes_twice_makes_one_run(strap: Stage, in_the_morning: Callable) -> None:
    strap.connect(strap.person(nights=10, seed=3, phone=(time(8), time(9, 5))))
    strap.deliver()
    sync_now()
    in_the_morning(MORNING + timedelta(minutes=5))
    first = strap.deliver() or _told_by_hand(strap)
    strap.sim.whoop.pull("again", {}, the_clock.now())
    assert [one["trace_id"] for one in strap.deliver()] == [one["trace_id"] for one in first]
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(HintReceived)) == len(first)
    assert sync_now() == 1
    assert sync_now() == 0


def _told_by_hand(strap: Stage) -> list[dict[str, Any]]:
    known = strap.sim.whoop.accounts["mira"].documents["recovery"][-1].id
    given = {"handle": "mira", "event_type": "updated", "data_type": "recovery", "object_id": known}
    strap.sim.whoop.pull("notify", given, the_clock.now())
    return strap.deliver()


def test_a_sleep_that_the_person_deletes_goes_with_its_recovery_at_the_notice(
    strap: Stage, in_the_morning: Callable
) -> None:
    strap.connect(strap.person(nights=20, seed=3, strap=Strap(unscorable_share=0)))
    strap.deliver()
    sync_now()
    fill_all(in_the_morning)
    recovery = strap.sim.whoop.accounts["mira"].documents["recovery"][-3].id
    assert any(row[3] == recovery and not row[7] for row in rows()["day_value"])
    wait_out(in_the_morning, minutes=1)
    strap.sim.whoop.pull("remove", {"handle": "mira", "document": recovery}, the_clock.now())
    assert {one["type"] for one in strap.deliver()} >= {"sleep.deleted", "recovery.deleted"}
    sync_now()
    assert ("whoop.sleep", recovery) in rows()["tombstone"]
    assert all(row[7] for row in rows()["day_value"] if row[3] == recovery)
    assert recovery not in {row[1] for row in rows()["episode"]}


def test_a_night_that_is_corrected_keeps_its_record_and_takes_the_new_numbers(
    strap: Stage, in_the_morning: Callable
) -> None:
    connection = strap.connect(strap.person(nights=20, seed=3, strap=Strap(unscorable_share=0)))
    strap.deliver()
    sync_now()
    night = strap.sim.whoop.accounts["mira"].nights[-2]
    state, before = hrv_of(connection, night.day.isoformat())
    known = strap.sim.whoop.accounts["mira"].documents["recovery"][-2].id
    wait_out(in_the_morning, minutes=1)
    strap.sim.whoop.pull("rescore", {"handle": "mira", "document": known}, the_clock.now())
    strap.deliver()
    sync_now()
    assert (state, hrv_of(connection, night.day.isoformat())) == ("final", ("final", before + 2))


def test_with_one_request_in_ten_failing_and_tokens_that_last_an_hour_nothing_is_lost(
    strap: Stage, in_the_morning: Callable
) -> None:
    connection = strap.connect(strap.person(nights=30, seed=3))
    strap.sim.whoop.faults.some("503", share=0.1, path="/developer/v2")
    for _ in range(4):
        make_due()
        sync_now()
        fill_all(in_the_morning)
        wait_out(in_the_morning, minutes=25)
    strap.sim.whoop.faults.clear()
    assert lacking(strap, "mira", MORNING - timedelta(days=29), MORNING - timedelta(days=1)) == set()
    assert connection_of(connection).state == "active"
    with strap.sim.served.lock:
        (grant,) = strap.sim.whoop.grants.grants
    assert grant.rotations >= 1
    with db.transaction() as session:
        assert session.get_one(Credential, connection).refusals == 0


def test_the_hundredth_call_of_a_minute_waits_for_the_next_and_no_try_is_counted(
    strap: Stage, in_the_morning: Callable
) -> None:
    strap.sim.whoop.limits.per_minute = 6
    connection = strap.connect(strap.person(nights=30, seed=3))
    for _ in range(3):
        sync_now()
        wait_out(in_the_morning, seconds=61)
    fill_all(in_the_morning)
    assert lacking(strap, "mira", MORNING - timedelta(days=29), MORNING - timedelta(days=1)) == set()
    told = connection_of(connection)
    assert (told.attempts, told.state) == (0, "active")


def test_a_rotation_whose_answer_is_lost_ends_in_one_message_and_a_reconnect_heals_it(
    strap: Stage, in_the_morning: Callable
) -> None:
    person = strap.person(nights=20, seed=3)
    connection = strap.connect(person)
    sync_now()
    fill_all(in_the_morning)
    strap.sim.whoop.faults.next("lost", path="/oauth/oauth2/token")
    for minutes in (61, 75, 90, 105, 120, 135):
        in_the_morning(MORNING + timedelta(minutes=minutes))
        make_due()
        sync_now()
    assert connection_of(connection).state == "reconnect"
    assert deliveries() == ["reconnect"]
    assert strap.connect(person) == connection
    sync_now()
    fill_all(in_the_morning)
    assert lacking(strap, "mira", MORNING - timedelta(days=19), MORNING - timedelta(days=1)) == set()


def test_disconnecting_gives_the_access_back_and_its_notices_stop(strap: Stage, in_the_morning: Callable) -> None:
    person = strap.person(nights=10, seed=3, phone=(time(8), time(9, 5)))
    connection = strap.connect(person)
    strap.deliver()
    sync_now()
    connections.disconnect(person, connection, keep=True)
    assert strap.sim.whoop.grants.grants == []
    in_the_morning(MORNING + timedelta(minutes=10))
    assert strap.deliver() == []


def test_a_lapsed_membership_asks_the_person_once(strap: Stage, in_the_morning: Callable) -> None:
    connection = strap.connect(strap.person(nights=10))
    strap.sim.lapse("mira", vendor="whoop")
    for _ in range(2):
        make_due()
        sync_now()
        wait_out(in_the_morning, minutes=30)
    assert (connection_of(connection).state, deliveries()) == ("needs_you", ["reconnect"])


def test_what_was_not_granted_is_skipped_and_the_rest_is_followed(strap: Stage) -> None:
    scopes = ("offline", "read:recovery", "read:cycles", "read:sleep", "read:profile")
    connection = strap.connect(strap.person(nights=10, seed=3), scopes=scopes)
    sync_now()
    assert state_of(connection, "whoop.workout").state == "forbidden"
    assert state_of(connection, "whoop.recovery").last_ok_at is not None
    assert strap.sim.calls("/developer/v2/activity/workout", vendor="whoop") == 0


def test_one_person_wears_both_and_has_each_night_twice_under_its_own_account_and_one_alert(
    stage: Stage, strap: Stage, in_the_morning: Callable
) -> None:
    life = {"story": Story.OVERREACHING, "nights": 60, "seed": 7}
    person = stage.person(**life)
    strap.person(**life, strap=Strap(unscorable_share=0))
    ring, band = stage.connect(person), strap.connect(person)
    assert ring != band
    assert sync_now() == 2
    fill_all(in_the_morning)
    since = MORNING - timedelta(days=58)
    assert missing(stage, "mira", since, MORNING - timedelta(days=1)) == {}
    assert lacking(strap, "mira", since, MORNING - timedelta(days=1)) == set()
    with db.transaction() as session:
        accounts = session.scalars(select(Connection.vendor_account).where(Connection.id.in_([ring, band])))
        assert len(set(accounts)) == 2
        worn = "SELECT count(DISTINCT vendor_account), count(*) FROM episode WHERE kind = 'sleep' AND main GROUP BY day"
        twice = session.execute(text(worn)).all()
    assert {(accounts, count) for accounts, count in twice} == {(2, 2)}
    judge()
    with db.transaction() as session:
        assert len(session.scalars(select(Alert)).all()) == 1
    assert deliveries() == ["strained"]


def test_one_vendor_that_fails_holds_up_nothing_of_the_other(stage: Stage, strap: Stage) -> None:
    ring = stage.connect(stage.person(nights=10, seed=3))
    band = strap.connect(strap.person(nights=10, seed=3))
    strap.sim.whoop.faults.some("500", share=1, path="/developer/v2")
    sync_now()
    assert state_of(ring, "oura.sleep").last_ok_at is not None
    assert state_of(band, "whoop.sleep").last_ok_at is None
