"""What operators do: counted first, with a reason, written down with the act, and done twice no different from once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from ingest import clock as the_clock
from ingest.grants import following, pauses, replay
from ingest.models import (
    BackfillWindow,
    Connection,
    Delivery,
    OperatorAction,
    QueueHold,
    Raw,
    ScoreRequest,
    StreamState,
    VendorApp,
)
from ingest.ops import asking, holds, persons, retries, telling
from ingest.ops.act import MANY, Act, By, Changed, Plan, Refused, perform
from ingest.ops.actions import ACTS, named
from ingest.ops.graves import causes
from providers.errors import VagusError
from tests.ingest.ops.ops_stage import BOSS, PERSON, WHY, Rows, bury, count, did, kept, seed
from workers.app import QUEUES

DAYS = {"since": date(2026, 11, 1), "until": date(2026, 11, 10)}


@pytest.fixture
def rows(session, clock) -> Rows:
    clock("2026-11-22T06:00")
    return seed(session)


def all_acts(rows: Rows) -> dict[str, Act]:
    """Each act there is, on something it can be done to after `bury`."""
    given = {
        "pause-vendor": {"vendor": "oura"},
        "resume-vendor": {"vendor": "oura"},
        "pause-queue": {"queue": "notify"},
        "resume-queue": {"queue": "notify"},
        "replay": {"kind": "window"},
        "discard": {"kind": "message"},
        "resync": {"connection": rows.connection, **DAYS},
        "sync": {"connection": rows.connection},
        "release": {"connection": rows.connection},
        "recompute": {"person": rows.person},
        "test": {"channel": rows.channel},
    }
    assert given.keys() == ACTS.keys()
    return {name: ACTS[name](**arguments) for name, arguments in given.items()}


def ready(session, rows: Rows) -> None:
    """Make every act find something to do."""
    bury(session, rows)
    later = the_clock.now() + timedelta(hours=1)
    session.execute(update(StreamState).values(next_at=later))
    session.execute(update(Connection).values(lease_token="x", lease_until=later))
    pauses.hold_queue(session, "notify", BOSS, "x")


@pytest.mark.parametrize("name", ACTS)
def test_each_act_is_counted_done_and_written_down_with_who_what_how_many_and_why(session, rows, name):
    ready(session, rows)
    if name == "resume-vendor":
        pauses.hold(session, "oura", BOSS, "x")
    if name == "pause-queue":
        pauses.let_go_queue(session, "notify")
    act = all_acts(rows)[name]
    planned = act.plan(session)
    assert planned.count > 0
    assert planned.sentence
    done = did(session, act, seen=planned.count)
    row = session.scalars(select(OperatorAction)).one()
    assert (row.by, row.reason, row.action, row.about) == (BOSS, "fixed upstream", act.action, act.about)
    assert (row.count, done.count, row.id) == (planned.count, planned.count, done.kept)


@pytest.mark.parametrize("name", [name for name in ACTS if name not in {"resync", "test"}])
def test_done_a_second_time_it_finds_nothing_and_writes_nothing(session, rows, name):
    ready(session, rows)
    pauses.hold(session, "oura", BOSS, "x") if name == "resume-vendor" else None
    pauses.let_go_queue(session, "notify") if name == "pause-queue" else None
    act = all_acts(rows)[name]
    did(session, act)
    again = did(session, act)
    assert (again.count, again.kept) == (0, None)
    assert again.sentence
    assert len(kept(session)) == 1


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_nothing_is_done_without_a_reason(session, rows, reason):
    with pytest.raises(Refused, match="Say why"):
        perform(session, holds.pause_vendor(vendor="oura"), By(BOSS, reason))
    assert session.get_one(VendorApp, rows.app).held_at is None
    assert kept(session) == []


def test_a_reason_that_names_somebody_by_their_address_is_turned_away(session, rows):
    with pytest.raises(Refused, match="by their number"):
        perform(session, holds.pause_queue(queue="score"), By(BOSS, "asked by mira@example.org"))
    assert count(session, QueueHold) == 0


def test_the_act_and_what_is_written_of_it_stand_or_fall_together(session, rows):
    nested = session.begin_nested()
    did(session, holds.pause_vendor(vendor="oura"))
    assert len(kept(session)) == 1
    nested.rollback()
    session.expire_all()
    assert session.get_one(VendorApp, rows.app).held_at is None
    assert kept(session) == []


def many(rows: int) -> Act:
    return Act(
        action="replay",
        title="",
        about="",
        plan=lambda _: Plan(rows, "so many"),
        do=lambda _session, _by: rows,
        done=lambda _: "done",
    )


@pytest.mark.parametrize(("seen", "now", "goes_on"), [(50, 55, True), (50, 56, False), (50, 45, True), (50, 44, False)])
def test_it_asks_again_when_the_count_moved_by_more_than_a_tenth(session, rows, seen, now, goes_on):
    if goes_on:
        assert did(session, many(now), seen=seen).count == now
    else:
        with pytest.raises(Changed, match=f"{seen} when you looked and are {now} now"):
            did(session, many(now), seen=seen)
        assert kept(session) == []


def test_beyond_a_hundred_rows_a_word_is_typed(session, rows):
    assert did(session, many(MANY)).count == MANY
    with pytest.raises(Refused, match="These are 101 rows: type replay"):
        did(session, many(MANY + 1))
    with pytest.raises(Refused):
        did(session, many(MANY + 1), confirmed="yes")
    assert did(session, many(MANY + 1), confirmed=" Replay ").count == MANY + 1


def test_one_cause_is_replayed_with_all_that_failed_alike_and_nothing_else(session, rows):
    bury(session, rows)
    session.flush()
    windows = session.scalars(select(BackfillWindow).where(BackfillWindow.state == "buried")).all()
    windows[2].error = "another trouble"
    session.flush()
    alike = next(cause for cause in causes(session) if cause.kind == "window" and cause.count > 1)
    act = named("replay", {"kind": "window", "fingerprint": alike.fingerprint, "spread": "600"})
    planned = act.plan(session)
    assert planned.count == alike.count
    assert f"{alike.count} windows of the past of 1 person, spread over 10 min." in planned.sentence
    assert "Nobody is alerted for past nights." in planned.sentence
    assert did(session, act).count == alike.count
    session.expire_all()
    assert [window.state for window in windows] == ["waiting", "waiting", "buried"]
    assert windows[1].due_at - windows[0].due_at > timedelta(minutes=4)


def test_what_is_discarded_leaves_the_list_each_kind_in_its_way(session, rows):
    bury(session, rows)
    session.flush()
    for kind in replay.KINDS:
        did(session, retries.discard(kind=kind))
    session.expire_all()
    assert replay.buried(session) == []
    stream = session.get_one(StreamState, (rows.connection, "oura.sleep"))
    assert (stream.state, stream.last_error) == ("following", "no list under 'data'")
    assert stream.next_at > the_clock.now()
    assert count(session, BackfillWindow, BackfillWindow.state == "cancelled") == 3
    assert session.get(ScoreRequest, rows.person) is None
    delivery = session.scalars(select(Delivery)).one()
    assert (delivery.status, delivery.error) == ("cancelled", "discarded by an operator")


def test_one_alone_is_replayed_by_its_kind_and_number(session, rows):
    bury(session, rows)
    session.flush()
    one = next(job.id for job in replay.buried(session, "window"))
    assert did(session, retries.replay(kind="window", job=one)).count == 1
    assert len(replay.buried(session, "window")) == 2
    with pytest.raises(VagusError, match="name its kind"):
        retries.replay(job=one)
    with pytest.raises(VagusError, match="no buried jobs of kind streams"):
        retries.discard(kind="streams")


def test_a_reason_is_searched_as_it_is_shown_so_that_nobody_s_address_can_be_spelled_out(session, rows):
    bury(session, rows)
    assert named("replay", {"matching": "not wanted"}).plan(session).count == 1
    for part in ("mira", "mira.secret@", PERSON):
        assert named("replay", {"matching": part}).plan(session).count == 0


def test_what_is_replayed_counts_as_never_failed_so_that_nights_wait_for_it_and_nobody_is_called(session, rows):
    bury(session, rows)
    gone = BackfillWindow.state == "waiting"
    session.execute(update(BackfillWindow).where(gone).values(state="done"))
    session.execute(update(Connection).values(state_since=the_clock.now() - timedelta(days=9)))
    session.execute(update(Delivery).values(created_at=the_clock.now() - timedelta(days=9)))
    session.expire_all()
    assert not following.filling(session, rows.person)
    did(session, retries.replay(spread=0))
    session.expire_all()
    assert following.filling(session, rows.person)
    assert session.get_one(ScoreRequest, rows.person).error is None
    (channel,) = telling.told(session, the_clock.now()).channels
    assert (channel.waiting, channel.retrying_since) == (1, None)
    assert the_clock.now() - channel.oldest < timedelta(minutes=1)


def test_a_replay_says_how_many_wait_for_their_connection_and_counts_what_it_really_moved(session, rows):
    bury(session, rows)
    session.execute(update(Connection).values(state="reconnect"))
    session.expire_all()
    jobs = replay.buried(session, "window")
    planned = retries.replay(kind="window").plan(session)
    assert planned.sentence.endswith("3 wait until the connection is active again.")
    assert [replay.replay(session, jobs, timedelta(0)) for _ in range(2)] == [3, 0]


def test_days_are_fetched_again_of_every_stream_that_has_a_past(session, rows):
    session.execute(update(BackfillWindow).values(state="done"))
    stamped = datetime(2026, 11, 1, tzinfo=UTC)
    raw = {
        "connection": rows.connection,
        "stream": "oura.sleep",
        "content": "c",
        "mapping": "1",
        "size": 1,
        "body": b"",
    }
    session.add(Raw(**raw, window_start=stamped, at=stamped, expires_at=stamped + timedelta(days=400)))
    act = asking.resync(connection=rows.connection, **DAYS)
    planned = act.plan(session)
    assert "Nobody is alerted for past nights." in planned.sentence
    did(session, act)
    waiting = session.scalars(select(BackfillWindow).where(BackfillWindow.state == "waiting")).all()
    assert len(waiting) == planned.count > 3
    assert {(window.start_at.date(), window.end_at.date()) for window in waiting} == {
        (date(2026, 11, 1), date(2026, 11, 11))
    }
    assert session.scalars(select(Raw.mapping)).one() == ""
    assert kept(session)[0][1] == f"connection {rows.connection}, all streams, 2026-11-01 to 2026-11-10"
    did(session, act)
    assert count(session, BackfillWindow, BackfillWindow.state == "waiting") == planned.count


def test_one_stream_alone_can_be_fetched_again_and_one_that_was_not_granted_is_left_out(session, rows):
    assert asking.resync(connection=rows.connection, stream="oura.sleep", **DAYS).plan(session).count == 1
    session.execute(update(StreamState).where(StreamState.stream == "oura.sleep").values(state="forbidden"))
    assert asking.resync(connection=rows.connection, stream="oura.sleep", **DAYS).plan(session).count == 0
    with pytest.raises(VagusError, match="no stream sleeps"):
        asking.resync(connection=rows.connection, stream="sleeps", **DAYS).plan(session)


@pytest.mark.parametrize("until", [date(2026, 10, 31), date(2027, 4, 30)])
def test_no_more_than_180_days_and_in_their_order_are_fetched_again(until):
    assert asking.resync(connection=1, since=date(2026, 11, 1), until=date(2027, 4, 29)).action == "resync"
    with pytest.raises(VagusError, match="180 days"):
        asking.resync(connection=1, since=date(2026, 11, 1), until=until)


@pytest.mark.parametrize("state", ["reconnect", "needs_you", "disconnected", "paused"])
def test_a_grant_that_nobody_may_use_is_not_asked_and_it_says_what_helps(session, rows, state):
    session.execute(update(Connection).values(state=state))
    session.expire_all()
    for act in (asking.resync(connection=rows.connection, **DAYS), asking.sync(connection=rows.connection)):
        done = did(session, act)
        assert (done.count, done.sentence) == (0, asking.WAY_BACK[state])


def test_days_that_have_not_been_yet_are_not_asked_for(session, rows):
    session.execute(update(BackfillWindow).values(state="done"))
    act = asking.resync(connection=rows.connection, since=date(2026, 11, 20), until=date(2027, 3, 1))
    assert act.about.endswith("2026-11-20 to 2026-11-22")
    assert did(session, act).count == act.plan(session).count
    waiting = session.scalars(select(BackfillWindow).where(BackfillWindow.state == "waiting"))
    assert {window.end_at.date() for window in waiting} == {date(2026, 11, 23)}
    tomorrow = asking.resync(connection=rows.connection, since=date(2026, 11, 23), until=date(2026, 11, 30))
    assert did(session, tomorrow).sentence == "Those days have not been yet."


def test_leases_that_ran_out_are_released_and_those_of_workers_at_work_are_not(session, rows):
    now = the_clock.now()
    other = seed(session, "ada@example.org")
    lease = {"lease_token": "t"}
    ran_out, stands = now - timedelta(seconds=1), now + timedelta(minutes=2)
    session.execute(update(Connection).where(Connection.id == rows.connection).values(lease_until=ran_out, **lease))
    session.execute(update(Connection).where(Connection.id == other.connection).values(lease_until=stands, **lease))
    assert did(session, asking.release()).count == 1
    session.expire_all()
    assert session.get_one(Connection, other.connection).lease_token == "t"
    assert did(session, asking.release(connection=other.connection)).count == 1


def test_a_vendor_without_a_registration_and_a_person_who_is_not_there_are_said_to_be_so(session, rows):
    session.execute(update(VendorApp).values(vendor="elsewhere"))
    session.expire_all()
    assert did(session, holds.pause_vendor(vendor="oura")).sentence == "Oura is not set up here."
    for act in (persons.recompute(person=99), persons.test(channel=99), asking.sync(connection=99)):
        with pytest.raises(VagusError, match="there is no"):
            did(session, act)


def test_a_hold_says_who_and_why_to_the_next_who_tries(session, rows):
    did(session, holds.pause_vendor(vendor="oura"))
    did(session, holds.pause_queue(queue="score"))
    assert did(session, holds.pause_vendor(vendor="oura")).sentence == (
        f'Oura is paused already, by {BOSS}: "{WHY.reason}".'
    )
    assert WHY.reason in did(session, holds.pause_queue(queue="score")).sentence


def test_a_second_app_of_a_held_vendor_is_held_too_when_it_is_paused_again(session, rows):
    did(session, holds.pause_vendor(vendor="oura"))
    session.add(VendorApp(vendor="oura", client_id="ours too", created_at=the_clock.now()))
    session.flush()
    assert did(session, holds.pause_vendor(vendor="oura")).count == 1
    assert all(app.held_at for app in session.scalars(select(VendorApp)))


def test_queues_can_be_held_by_the_names_that_workers_take():
    assert pauses.QUEUES == QUEUES
    assert holds.MEANS.keys() == set(QUEUES)
    with pytest.raises(VagusError, match="there is no queue mail"):
        holds.pause_queue(queue="mail")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("sink", {}),
        ("recompute", {"person": "x"}),
        ("recompute", {}),
        ("replay", {"kind": "window", "person": "3"}),
        ("resync", {"connection": "1", "since": "yesterday", "until": "2026-11-01"}),
        ("replay", {"spread": "-1"}),
        ("pause-vendor", {"vendor": "nobody"}),
    ],
)
def test_an_address_that_asks_for_nonsense_is_refused_in_one_line(name, given):
    with pytest.raises(VagusError) as refused:
        named(name, given)
    assert "\n" not in str(refused.value)
