"""Where streams stand: what is planned of the past, what a hint does, and what a grant that comes back asks for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import delete, select, update

from ingest import clock, db
from ingest.grants import client, following, sync
from ingest.models import BackfillWindow, Connection, StreamState
from providers.base import Asked
from providers.errors import Unavailable
from tests.ingest.grants.following_stage import NIGHTS, PULSE, TEMPO, Staged, connected

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon(database: str, clock: Callable) -> Callable:
    clock(NOON)
    return clock


def windows(stream: str, state: str = "waiting") -> list[tuple[datetime, datetime]]:
    with db.transaction() as session:
        rows = session.scalars(
            select(BackfillWindow).where(BackfillWindow.stream == stream, BackfillWindow.state == state)
        )
        return sorted((row.start_at, row.end_at) for row in rows)


def stream_state(connection: int, stream: str) -> StreamState:
    with db.transaction() as session:
        return session.get_one(StreamState, (connection, stream))


def next_sync(connection: int) -> datetime | None:
    with db.transaction() as session:
        return session.get_one(Connection, connection).next_sync_at


def test_the_past_is_planned_without_gaps_from_midnight_to_midnight_up_to_where_following_begins() -> None:
    staged = connected()
    planned = windows(NIGHTS.name)
    assert planned[0][0] == datetime(2025, 12, 7, tzinfo=UTC)
    assert all(before[1] == after[0] for before, after in pairwise(planned))
    assert all(end - start <= timedelta(days=30) for start, end in planned)
    assert planned[-1][1] >= stream_state(staged.connection, NIGHTS.name).cursor


def test_a_stream_that_was_not_granted_is_not_followed_and_has_no_past_to_fetch() -> None:
    staged = connected(scopes=frozenset({"nights"}))
    assert windows(PULSE.name) == []
    assert stream_state(staged.connection, PULSE.name).state == "forbidden"
    assert windows(NIGHTS.name)


def test_a_grant_that_comes_back_fills_the_gap_and_nothing_else(at_noon: Callable) -> None:
    staged = connected()
    with db.transaction() as session:
        session.execute(update(BackfillWindow).values(state="done"))
        session.execute(update(StreamState).values(last_ok_at=NOON, cursor=NOON))
    at_noon(NOON + timedelta(days=40))
    with db.transaction() as session:
        following.begin(session, staged.connection, TEMPO, None)
    gap = windows(PULSE.name)
    assert gap[0][0] == datetime(2026, 3, 7, tzinfo=UTC)
    assert gap[-1][1] >= NOON + timedelta(days=37)


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the next windows that are asked for break; those after them bring data up to their ends."""
    breaks: list[bool] = []

    def fetched(grant, stream, window, extend, finish) -> sync.Followed:
        if breaks and breaks.pop(0):
            raise Unavailable("the vendor is away")
        with db.transaction() as session:
            finish(session, window.until)
        return sync.Followed()

    monkeypatch.setattr(sync, "fetch_window", fetched)
    return breaks


def run(staged: Staged) -> None:
    grant = client.Grant(staged.connection, staged.account, staged.app, staged.person, TEMPO, None, None)
    done = sync.follow(grant, PULSE, stream_state(staged.connection, PULSE.name), lambda _: None)
    with db.transaction() as session:
        sync.conclude(session, session.get_one(StreamState, (staged.connection, PULSE.name)), PULSE, done)


def test_what_no_run_could_reach_is_planned_though_the_first_run_since_broke_half_way(
    at_noon: Callable, breaking: list[bool]
) -> None:
    staged = connected()
    with db.transaction() as session:
        session.execute(update(BackfillWindow).values(state="done"))
        session.execute(update(StreamState).values(last_ok_at=NOON, cursor=NOON))
    at_noon(NOON + timedelta(days=40))
    breaking += [False, True]
    with pytest.raises(Unavailable):
        run(staged)
    assert windows(PULSE.name) == []
    run(staged)
    gap = windows(PULSE.name)
    assert gap[0][0] == datetime(2026, 3, 7, tzinfo=UTC)
    assert gap[-1][1] >= NOON + timedelta(days=10)


def test_a_stream_that_goes_well_for_the_first_time_after_weeks_misses_nothing_since_it_was_connected(
    at_noon: Callable, breaking: list[bool]
) -> None:
    staged = connected()
    with db.transaction() as session:
        session.execute(update(BackfillWindow).values(state="done"))
    at_noon(NOON + timedelta(days=40))
    run(staged)
    gap = windows(PULSE.name)
    assert gap[0][0] <= NOON
    assert gap[-1][1] >= NOON + timedelta(days=10)


def test_what_was_cut_off_by_the_end_of_a_grant_goes_on_when_it_comes_back() -> None:
    staged = connected()
    before = windows(NIGHTS.name)
    with db.transaction() as session:
        following.end(session, staged.connection)
    assert windows(NIGHTS.name) == []
    with db.transaction() as session:
        following.begin(session, staged.connection, TEMPO, None)
    assert set(before) <= set(windows(NIGHTS.name))


def test_a_stream_that_a_release_brought_is_followed_and_its_past_planned_once() -> None:
    staged = connected()
    with db.transaction() as session:
        session.execute(delete(BackfillWindow).where(BackfillWindow.stream == NIGHTS.name))
        session.execute(delete(StreamState).where(StreamState.stream == NIGHTS.name))
    for _ in range(2):
        with db.transaction() as session:
            stands = following.standing(session, staged.connection, TEMPO, None)
        assert {state.stream for state in stands} == {stream.name for stream in TEMPO.streams}
        assert stream_state(staged.connection, NIGHTS.name).state == "following"
        assert windows(NIGHTS.name)[0][0] == datetime(2025, 12, 7, tzinfo=UTC)
        with db.transaction() as session:  # what stands is left as it is
            session.execute(update(BackfillWindow).values(due_at=NOON - timedelta(days=1)))
    with db.transaction() as session:
        assert set(session.scalars(select(BackfillWindow.due_at))) == {NOON - timedelta(days=1)}


def test_a_cursor_goes_with_the_data_and_never_back(at_noon: Callable) -> None:
    staged = connected()
    grant = client.Grant(staged.connection, staged.account, staged.app, staged.person, TEMPO, None, None)
    stood = stream_state(staged.connection, PULSE.name).cursor
    window = Asked(stood - timedelta(days=2), stood + timedelta(days=2))
    for newest, cursor in ((-1, 0), (1, 1), (0, 1), (9, 2)):  # days: of the newest datum, and where that leaves it
        with db.transaction() as session:
            sync._advance(grant, PULSE, window, session, stood + timedelta(days=newest))
        assert stream_state(staged.connection, PULSE.name).cursor == stood + timedelta(days=cursor)


def test_a_hint_makes_its_streams_due_and_the_connection_with_them(at_noon: Callable) -> None:
    staged = connected()
    later = NOON + timedelta(hours=1)
    with db.transaction() as session:
        session.execute(update(StreamState).values(next_at=later))
        session.execute(update(Connection).values(next_sync_at=later))
    with db.transaction() as session:
        assert following.hint(session, staged.connection, [NIGHTS.name])
    assert next_sync(staged.connection) < NOON + timedelta(minutes=1)
    with db.transaction() as session:
        stands = following.standing(session, staged.connection, TEMPO, None)
        assert [state.stream for state in stands if state.next_at <= clock.now()] == [NIGHTS.name]


def test_a_hint_of_a_stream_that_was_not_granted_does_nothing() -> None:
    staged = connected(scopes=frozenset({"nights"}))
    with db.transaction() as session:
        session.execute(update(Connection).values(next_sync_at=None))
        assert not following.hint(session, staged.connection, [PULSE.name, "tempo.unheard_of"])
    assert next_sync(staged.connection) is None


def test_a_hint_does_not_wake_a_connection_that_waits_for_its_person() -> None:
    staged = connected()
    with db.transaction() as session:
        session.execute(update(Connection).values(next_sync_at=None, state="reconnect"))
        following.hint(session, staged.connection, [NIGHTS.name])
    assert next_sync(staged.connection) is None


def test_a_person_s_nights_are_on_their_way_until_the_last_window_of_a_hundred_days_has_ended() -> None:
    staged = connected()
    with db.transaction() as session:
        assert following.filling(session, staged.person)
        session.execute(update(BackfillWindow).values(state="done"))
        assert not following.filling(session, staged.person)
        old = NOON - timedelta(days=400)
        following.plan(session, staged.connection, NIGHTS, old, old + timedelta(days=30))
        assert not following.filling(session, staged.person)
        session.execute(update(BackfillWindow).where(BackfillWindow.end_at > NOON).values(state="buried"))
        assert not following.filling(session, staged.person)
