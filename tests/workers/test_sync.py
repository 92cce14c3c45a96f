"""The engine against the simulated Oura: what a run fetches, where cursors stand, and what each fault leaves behind."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, text

from ingest import clock as the_clock
from ingest import db
from ingest.grants import client, connections, following, raws
from ingest.grants import sync as ingest_sync
from ingest.models import Absence, Alert, Delivery, Raw, Rejected, Run, StreamState
from ingest.ops import counts
from providers.base import Asked, Stream
from providers.simulator.people import Story
from tests.workers.sync_stage import (
    Stage,
    connection_of,
    fill,
    had,
    judge,
    left_to_fill,
    make_due,
    missing,
    rows,
    stage,
    state_of,
    stored,
    sync_now,
    wait_out,
    waits_to_be_judged,
)
from workers import sync

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
SLEEP, HEART = "oura.sleep", "oura.heartrate"


@pytest.fixture(autouse=True)
def in_the_morning(stage: Stage, clock: Callable) -> Callable:
    clock(MORNING)
    return clock


def run_of(connection: int) -> Run:
    with db.transaction() as session:
        return session.scalars(select(Run).where(Run.connection == connection, Run.kind == "sync")).one()


def test_a_first_sync_and_the_past_bring_in_all_that_the_person_had(stage: Stage) -> None:
    connection = stage.connect(stage.person(nights=60, seed=3))
    assert sync_now() == 1
    fill()
    assert left_to_fill() == 0
    since = MORNING - timedelta(days=59)
    assert missing(stage, "mira", since, MORNING) == {}
    assert len(had(stage, "mira", since, MORNING)["heart_rate"]) > 10_000
    assert run_of(connection).state == "succeeded"


def test_what_saved_pages_brought_is_counted_by_vendor(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter[str] = Counter()
    monkeypatch.setattr(counts, "count", lambda *told, by=1: counted.update({"/".join(told): by}))
    stage.connect(stage.person(nights=4))
    sync_now()
    kept = sum(map(len, stored(MORNING - timedelta(days=9), MORNING).values()))
    assert counted["vagus_saved/oura/points"] > counted["vagus_saved/oura/rows"] > 0
    assert counted["vagus_saved/oura/points"] <= kept


def test_a_cursor_stands_at_the_newest_datum_and_not_at_the_clock(stage: Stage) -> None:
    stage.sim.add_person("mira", nights=30, seed=3, phone=(time(7, 30),))
    connection = stage.connect(stage.person(nights=30, seed=3, phone=(time(7, 30),)))
    sync_now()
    newest = max(at for at, _ in stored(MORNING - timedelta(days=3), MORNING)["heart_rate"])
    assert state_of(connection, HEART).cursor.timestamp() == newest
    assert state_of(connection, HEART).cursor <= MORNING.replace(hour=7, minute=30)


def test_asking_again_for_what_did_not_change_writes_no_row(stage: Stage, in_the_morning: Callable) -> None:
    stage.connect(stage.person(nights=20, seed=3, phone=(time(7, 30),)))
    sync_now()
    fill()
    before = versions()
    for hours in (1, 2, 25):
        in_the_morning(MORNING + timedelta(hours=hours) if hours < 24 else MORNING + timedelta(hours=2, minutes=30))
        make_due()
        sync_now()
    assert versions() == before


def versions() -> dict[str, list[tuple[str, ...]]]:
    with db.transaction() as session:
        return {
            table: sorted(tuple(row) for row in session.execute(text(f"SELECT xmin::text, ctid::text FROM {table}")))
            for table in ("day_value", "episode", "block", "tag", "series", "tombstone")
        }


def test_a_phone_that_syncs_three_times_a_day_loses_nothing_in_a_week_of_hourly_pulls(
    stage: Stage, in_the_morning: Callable
) -> None:
    phone = (time(7, 30), time(13), time(22))
    stage.connect(stage.person(nights=40, seed=5, last_day=(MORNING + timedelta(days=8)).date(), phone=phone))
    for hour in range(7 * 24):
        in_the_morning(MORNING + timedelta(hours=hour))
        make_due(*([SLEEP, HEART] if hour % 12 else []))  # the others in between tell nothing new
        sync_now()
    end = MORNING + timedelta(days=7) - timedelta(hours=12)
    assert missing(stage, "mira", MORNING - timedelta(days=2), end) == {}


def test_with_one_request_in_ten_failing_nothing_is_lost_and_nothing_is_called_well_that_is_not(
    stage: Stage, in_the_morning: Callable
) -> None:
    connection = stage.connect(stage.person(nights=60, seed=3))
    stage.sim.faults.some("503", share=0.1, path="/v2/usercollection")
    for minutes in range(0, 60, 5):
        in_the_morning(MORNING + timedelta(minutes=minutes))
        sync_now()
        fill()
    stage.sim.faults.clear()
    assert left_to_fill() == 0
    assert missing(stage, "mira", MORNING - timedelta(days=59), MORNING) == {}
    assert run_of(connection).state == "succeeded"


def test_a_vendor_that_asks_to_slow_down_is_asked_again_when_it_said_and_no_try_is_counted(
    stage: Stage, in_the_morning: Callable
) -> None:
    connection = stage.connect(stage.person(nights=10))
    stage.sim.faults.some("429", share=1, path="/v2/usercollection", retry_after=300)
    before = stage.sim.calls("/v2/usercollection")
    sync_now()
    assert stage.sim.calls("/v2/usercollection") == before + 1, "the first refusal speaks for the whole app"
    told = connection_of(connection)
    assert timedelta(seconds=299) <= told.next_sync_at - MORNING <= timedelta(seconds=310)
    assert (told.attempts, told.lease_token, run_of(connection).state) == (0, None, "snoozed")
    with db.transaction() as session:
        assert set(session.scalars(select(StreamState.fail_count))) == {0}
    stage.sim.faults.clear()
    in_the_morning(MORNING + timedelta(seconds=320))
    sync_now()
    assert run_of(connection).state == "succeeded"


def test_one_stream_that_fails_holds_up_no_other_and_its_cursor_stays(stage: Stage, in_the_morning: Callable) -> None:
    connection = stage.connect(stage.person(nights=30, seed=3))
    sync_now()
    before = {name: state_of(connection, name).cursor for name in (SLEEP, HEART)}
    later = wait_out(in_the_morning, hours=24)
    stage.sim.add_person("mira", nights=31, seed=3, last_day=later.date())
    stage.sim.faults.some("500", share=1, path="/v2/usercollection/sleep")
    make_due()
    sync_now()
    assert run_of(connection).state == "partial"
    failed = state_of(connection, SLEEP)
    assert (failed.cursor, failed.fail_count) == (before[SLEEP], 1)
    assert later < failed.next_at < later + timedelta(minutes=10)
    assert state_of(connection, HEART).cursor > before[HEART]


def test_a_wrong_empty_answer_deletes_nothing(stage: Stage, in_the_morning: Callable) -> None:
    connection = stage.connect(stage.person(nights=30, seed=3))
    sync_now()
    fill()
    before = rows()
    stage.sim.faults.some("empty", share=1, path="/v2/usercollection")
    wait_out(in_the_morning, minutes=1)
    make_due()
    sync_now()
    assert rows() == before
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Absence))
    stage.sim.faults.clear()
    wait_out(in_the_morning, hours=2)
    make_due()
    sync_now()
    assert rows()["tombstone"] == before["tombstone"]
    assert missing(stage, "mira", MORNING - timedelta(days=29), MORNING) == {}
    with db.transaction() as session:
        assert not session.scalar(select(func.count()).select_from(Absence))
    assert run_of(connection).state == "succeeded"


def closed_days() -> list:
    return [block for block in rows()["sample"] if block[4] < MORNING.date()]


def test_a_wrong_empty_last_page_deletes_no_point(stage: Stage, in_the_morning: Callable) -> None:
    stage.connect(stage.person(nights=30, seed=3))
    sync_now()
    fill()
    before = closed_days()
    path = "/v2/usercollection/heartrate"
    stage.sim.faults.next("duplicates", path=path)  # the first page comes, and the second is the last
    stage.sim.faults.next("empty", path=path)
    wait_out(in_the_morning, hours=24)
    make_due(HEART)
    sync_now()
    assert not [rule for rule in stage.sim.faults.rules if rule.left], "both pages were asked for"
    assert closed_days() == before


def test_a_record_that_the_vendor_no_longer_has_is_gone_after_a_second_answer(
    stage: Stage, in_the_morning: Callable
) -> None:
    stage.connect(stage.person(nights=30, seed=3))
    sync_now()
    nights = sorted(stored(MORNING - timedelta(days=9), MORNING)["night"], key=lambda row: row[1])
    record = nights[-3][0]
    buried = {row[1] for row in rows()["tombstone"]}
    with stage.sim.served.lock:
        stage.sim.oura.accounts["mira"].documents["sleep"][:] = [
            document for document in stage.sim.oura.accounts["mira"].documents["sleep"] if document.id != record
        ]
    for _ in range(2):
        wait_out(in_the_morning, minutes=61)
        make_due()
        sync_now()
    assert {row[1] for row in rows()["tombstone"]} - buried == {record}
    assert record not in {row[0] for row in stored(MORNING - timedelta(days=9), MORNING)["night"]}
    assert missing(stage, "mira", MORNING - timedelta(days=9), MORNING) == {}


def test_one_implausible_value_in_a_thousand_is_set_aside_alone(stage: Stage) -> None:
    person = stage.person(nights=30, seed=3)
    span = (MORNING - timedelta(days=2), MORNING - timedelta(days=1))
    with stage.sim.served.lock:
        beats = stage.sim.oura.accounts["mira"].beats
        wrong = int(beats.at[beats.at > span[0].timestamp()][100])
        beats.bpm[beats.at == wrong] = 255
    connection = stage.connect(person)
    sync_now()
    with db.transaction() as session:
        (rejected,) = session.scalars(select(Rejected).where(Rejected.stream == HEART)).all()
    assert "255" in rejected.reason
    short = missing(stage, "mira", *span)
    assert {kind: {at for at, _ in found} for kind, found in short.items()} == {"heart_rate": {wrong}}
    assert run_of(connection).rejected == 1


def test_a_hint_during_a_run_makes_another_run_follow(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = stage.connect(stage.person(nights=10))
    follow = sync.sync.follow
    hinted: list[str] = []

    def hint_meanwhile(grant: object, stream: object, state: object, extend: object) -> object:
        if stream.name == SLEEP and not hinted:
            hinted.append(SLEEP)
            with db.transaction() as session:
                following.hint(session, connection, [SLEEP])
        return follow(grant, stream, state, extend)

    monkeypatch.setattr(sync.sync, "follow", hint_meanwhile)
    sync_now()
    assert hinted
    assert connection_of(connection).next_sync_at <= the_clock.now()
    calls = stage.sim.calls("/v2/usercollection/sleep")
    assert sync_now() == 1
    assert stage.sim.calls("/v2/usercollection/sleep") == calls + 1
    assert sync_now() == 0


def test_a_changed_contract_buries_the_stream_alone_and_it_is_probed_the_day_after(
    stage: Stage, in_the_morning: Callable
) -> None:
    connection = stage.connect(stage.person(nights=10))
    stage.sim.faults.some("renamed", share=1, path="/v2/usercollection/daily_readiness", field="id", to="identifier")
    sync_now()
    buried = state_of(connection, "oura.daily_readiness")
    assert buried.state == "buried"
    assert "id" in (buried.last_error or "")
    assert state_of(connection, SLEEP).last_ok_at is not None
    stage.sim.faults.clear()
    in_the_morning(MORNING + timedelta(hours=25))
    sync_now()
    assert state_of(connection, "oura.daily_readiness").state == "following"


def test_a_run_and_a_window_of_the_past_hold_what_is_kept_of_answers_to_its_cap(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> int:
        with db.transaction() as session:
            return session.scalar(select(func.count()).select_from(Raw).where(Raw.window_start.is_not(None)))

    stage.connect(stage.person(nights=40))
    with monkeypatch.context() as patch:
        patch.setattr(raws, "settings", lambda: SimpleNamespace(raw_mb=0, raw_days=30))
        sync_now()
        assert kept() == 0
        fill()
        assert kept() == 0
    make_due()
    sync_now()
    assert kept() > 0


def test_a_bug_has_five_tries_of_its_own_however_long_the_vendor_was_away_before_it(
    stage: Stage, in_the_morning: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = stage.connect(stage.person(nights=10))
    stage.sim.faults.some("503", share=1, path="/v2/usercollection/sleep")
    for _ in range(6):
        make_due()
        sync_now()
    assert (state_of(connection, SLEEP).state, state_of(connection, SLEEP).fail_count) == ("following", 6)
    stage.sim.faults.clear()

    read = sync.sync.read_page

    def mistaken(stream: Stream, *given: object) -> object:
        if stream.name == SLEEP:
            raise KeyError("a bug of ours")
        return read(stream, *given)

    monkeypatch.setattr(sync.sync, "read_page", mistaken)
    for tries in range(1, sync.GIVEN_UP_AFTER + 1):
        assert state_of(connection, SLEEP).state == "following"
        make_due()
        sync_now()
        assert state_of(connection, SLEEP).fail_count == tries
    assert state_of(connection, SLEEP).state == "buried"


def test_a_gateway_s_page_and_half_an_answer_are_tried_again_and_not_buried(
    stage: Stage, in_the_morning: Callable
) -> None:
    connection = stage.connect(stage.person(nights=10))
    for kind in ("html", "truncated", "half", "reset"):
        stage.sim.faults.next(kind, n=3, path="/v2/usercollection/sleep")
        make_due()
        sync_now()
        stage.sim.faults.clear()
        state = state_of(connection, SLEEP)
        assert (state.state, bool(state.last_error)) in {("following", True), ("following", False)}, kind
        wait_out(in_the_morning, minutes=30)
    make_due()
    sync_now()
    assert state_of(connection, SLEEP).fail_count == 0
    assert missing(stage, "mira", MORNING - timedelta(days=2), MORNING) == {}


def test_what_was_not_granted_is_not_asked_for_and_a_reconnect_that_grants_it_brings_its_past(
    stage: Stage, in_the_morning: Callable
) -> None:
    person = stage.person(nights=20, seed=3)
    connection = stage.connect(person, scopes=("daily", "personal", "email"))
    sync_now()
    fill()
    assert stage.sim.calls("/v2/usercollection/heartrate") == 1, "one call tells, the past is not asked for"
    assert state_of(connection, HEART).state == "forbidden"
    assert state_of(connection, SLEEP).last_ok_at is not None
    wait_out(in_the_morning, hours=1)
    assert stage.connect(person) == connection
    sync_now()
    fill()
    assert missing(stage, "mira", MORNING - timedelta(days=19), MORNING) == {}


def test_a_lapsed_membership_asks_the_person_once_and_is_probed_daily(stage: Stage, in_the_morning: Callable) -> None:
    connection = stage.connect(stage.person(nights=10))
    sync_now()
    stage.sim.lapse("mira")
    for hours in (2, 3, 4, 30):
        in_the_morning(MORNING + timedelta(hours=hours))
        if hours != 30:
            make_due()
        sync_now()
    told = connection_of(connection)
    assert told.state == "needs_you"
    with db.transaction() as session:
        assert session.scalars(select(Delivery.kind)).all() == ["reconnect"]
    stage.sim.lapse("mira", lapsed=False)
    in_the_morning(MORNING + timedelta(hours=60))
    sync_now()
    assert connection_of(connection).state == "active"


def test_strain_in_the_past_alerts_nobody_and_the_state_that_holds_is_told_once_when_the_past_is_in(
    stage: Stage,
) -> None:
    stage.connect(stage.person(story=Story.OVERREACHING, nights=120, seed=7))
    sync_now()
    judge()
    with db.transaction() as session:
        assert session.scalars(select(Alert)).all() == []
    fill()
    assert waits_to_be_judged()
    judge()
    with db.transaction() as session:
        (alert,) = session.scalars(select(Alert)).all()
        assert alert.state == "open"
        assert session.scalars(select(Delivery.kind)).all() == ["strained"]


def test_a_run_whose_connection_is_ended_meanwhile_writes_nothing_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = stage.person(nights=10)
    connection = stage.connect(person)
    fetch_page = sync.sync.client.fetch_page

    def end_meanwhile(grant: object, stream: object, *asked: object) -> bytes:
        body = fetch_page(grant, stream, *asked)
        if stream.name == SLEEP:
            connections.disconnect(person, connection, keep=True)
        return body

    monkeypatch.setattr(sync.sync.client, "fetch_page", end_meanwhile)
    sync_now()
    told = connection_of(connection)
    assert (told.state, told.next_sync_at, told.lease_token) == ("disconnected", None, None)
    assert rows()["episode"] == []


def test_an_answer_asked_for_earlier_and_saved_later_does_not_stand_over_a_newer_one(
    stage: Stage, in_the_morning: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = stage.connect(stage.person(nights=5))
    with db.transaction() as session:
        grant = client.grant_of(session, connection)
    nights, fetch_page = grant.provider.stream(SLEEP), client.fetch_page
    window = Asked(following.midnight(MORNING) - timedelta(days=4), MORNING)

    def fetch(window: Asked) -> None:
        ingest_sync.fetch_window(grant, nights, window, lambda _: None, lambda *_: None)

    def slow(*asked: object) -> bytes:
        body = fetch_page(*asked)
        newer = json.loads(body)
        newer["data"] = [one | {"average_hrv": 99} if one.get("average_hrv") else one for one in newer["data"]]
        wait_out(in_the_morning, seconds=20)
        monkeypatch.setattr(client, "fetch_page", lambda *_: json.dumps(newer).encode())
        fetch(Asked(window.since - timedelta(days=1), window.until))
        return body

    monkeypatch.setattr(client, "fetch_page", slow)
    fetch(window)
    assert {hrv for _, _, hrv in stored(window.since, window.until)["night"]} == {99}
