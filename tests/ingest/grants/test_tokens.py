"""Tokens: refreshed once, committed before use, and never condemned by one refusal."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from ingest import db
from ingest.grants import tokens
from ingest.models import Credential
from ingest.vault import vault
from providers.errors import AuthorizationLost, ContractBroken, Unavailable
from tests.ingest.grants.local_vendor import Said, connect, forward, said, vendor

__all__ = ["vendor"]

NEARLY_OVER = 60


def row(connection: int) -> Credential:
    with db.transaction() as session:
        return session.get_one(Credential, connection)


def no(asked) -> Said:
    return said({"error": "invalid_grant"}, 400)


def test_a_token_that_lasts_is_used_as_it_is(vendor):
    usable = tokens.usable_token(connect(vendor))
    assert (usable.access, usable.version) == ("access-hush-0", 1)
    assert vendor.asked == []


def test_a_token_that_ends_within_two_minutes_is_refreshed_before_it_is_used(vendor):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    usable = tokens.usable_token(connection)
    assert (usable.access, usable.version) == ("access-hush-1", 2)
    assert vendor.calls("/token")[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-hush-0",
        "client_id": "app-1",
        "client_secret": "client-hush",
    }
    assert tokens.usable_token(connection) == usable


def test_eight_workers_that_need_one_token_make_one_refresh(vendor):
    connection, ready = connect(vendor, expires_in=NEARLY_OVER), threading.Barrier(8)

    def work(_):
        ready.wait()
        return tokens.usable_token(connection)

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(work, range(8)))
    assert {usable.access for usable in given} == {"access-hush-1"}
    assert len(vendor.calls("/token")) == 1


def test_eight_workers_that_saw_one_version_refused_make_one_refresh(vendor):
    connection, ready = connect(vendor), threading.Barrier(8)

    def work(_):
        ready.wait()
        return tokens.usable_token(connection, beyond_version=1)

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(work, range(8)))
    assert {(usable.access, usable.version) for usable in given} == {("access-hush-1", 2)}
    assert len(vendor.calls("/token")) == 1


def test_the_new_pair_is_committed_before_it_is_given_out_and_sealed_for_its_place(vendor):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    tokens.usable_token(connection)
    kept = row(connection)
    assert vault().open(kept.access, f"credential|{connection}|access") == b"access-hush-1"
    assert vault().open(kept.refresh, f"credential|{connection}|refresh") == b"refresh-hush-1"
    assert b"hush" not in kept.access + kept.refresh


def test_a_vendor_that_gives_no_new_refresh_token_lets_the_old_one_live(vendor):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = lambda _: said({"access_token": "fresh", "expires_in": 3600})
    tokens.usable_token(connection)
    with db.transaction() as session:
        assert tokens.pair(session, connection) == ("fresh", "refresh-hush-0")
    assert row(connection).scopes == ["days", "nights"]


def test_tokens_without_an_end_are_never_refreshed_by_the_clock(vendor, clock):
    connection = connect(vendor, expires_in=None)
    forward(clock, timedelta(days=3000))
    assert tokens.usable_token(connection).version == 1


def test_nobody_but_the_credential_s_row_is_locked_while_the_vendor_takes_its_time(vendor, database):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    seen = []

    def slow(asked):
        with psycopg.connect(database) as other:
            for table in ("connection", "fence", "vendor_app", "person"):
                other.execute(f"SELECT FROM {table} FOR UPDATE NOWAIT")
                seen.append(table)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("SELECT FROM credential FOR UPDATE NOWAIT")
        return vendor.rotate(asked)

    vendor.token_answer = slow
    tokens.usable_token(connection)
    assert seen == ["connection", "fence", "vendor_app", "person"]


def test_one_refusal_says_wait_and_not_reconnect(vendor):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = no
    with pytest.raises(Unavailable, match=r"Local refused the refresh \(400 invalid_grant\); trying again"):
        tokens.usable_token(connection)
    assert row(connection).refusals == 1


def test_refusals_at_once_count_once_however_many(vendor, clock):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = no
    for _ in range(6):
        with pytest.raises(Unavailable):
            tokens.usable_token(connection)
        forward(clock, timedelta(minutes=1))
    assert row(connection).refusals == 1
    assert len(vendor.calls("/token")) == 2, "each of its addresses once: what would count for nothing is not asked"


def test_three_refusals_over_twenty_minutes_mean_that_the_person_reconnects(vendor, clock):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = no
    for _ in range(2):
        with pytest.raises(Unavailable):
            tokens.usable_token(connection)
        forward(clock, timedelta(minutes=10))
    with pytest.raises(AuthorizationLost, match="3 times in a row: connect again"):
        tokens.usable_token(connection)


def test_a_vendor_s_outage_that_refused_good_tokens_costs_nobody_their_connection(vendor, clock):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = no
    for _ in range(2):
        with pytest.raises(Unavailable):
            tokens.usable_token(connection)
        forward(clock, timedelta(minutes=10))
    vendor.token_answer = vendor.rotate
    usable = tokens.usable_token(connection)
    assert usable.access == "access-hush-1"
    tokens.accepted(connection, usable.version)
    assert (row(connection).refusals, row(connection).refused_at) == (0, None)


@pytest.mark.parametrize("status", [0, 500, 503, 408, 403])
def test_what_is_no_refusal_is_never_counted(vendor, status):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = lambda _: Said(status)
    with pytest.raises(Unavailable):
        tokens.usable_token(connection)
    assert row(connection).refusals == 0


def test_a_refusal_of_a_pair_that_was_replaced_meanwhile_says_nothing(vendor):
    connection = connect(vendor)
    tokens.usable_token(connection, beyond_version=1)
    tokens.refused(connection, 1, "refused")
    assert row(connection).refusals == 0


def test_reconnecting_forgets_refusals_and_outdates_what_workers_hold(vendor, clock):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = no
    with pytest.raises(Unavailable):
        tokens.usable_token(connection)
    with db.transaction() as session:
        tokens.store(session, connection, tokens.Tokens("granted", None, 3600, None, {}))
    kept = row(connection)
    assert (kept.refusals, kept.version, kept.refresh, kept.scopes) == (0, 2, None, None)
    assert tokens.usable_token(connection, beyond_version=1).access == "granted"


def test_a_token_that_ended_and_cannot_be_refreshed_is_lost_at_once(vendor, clock):
    connection = connect(vendor, refresh=False)
    assert tokens.usable_token(connection).version == 1
    with pytest.raises(Unavailable, match="cannot be refreshed"):
        tokens.usable_token(connection, beyond_version=1)
    forward(clock, timedelta(hours=2))
    with pytest.raises(AuthorizationLost, match="cannot be refreshed: connect again"):
        tokens.usable_token(connection)


def test_a_connection_without_tokens_asks_for_its_person(vendor):
    with pytest.raises(AuthorizationLost, match="connect again"):
        tokens.usable_token(4711)


def test_a_pair_that_the_database_lost_on_the_way_is_saved_again(vendor, database):
    connection = connect(vendor, expires_in=NEARLY_OVER)

    def rotate_and_cut(asked):
        answer = vendor.rotate(asked)
        with psycopg.connect(database) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return answer

    vendor.token_answer = rotate_and_cut
    assert tokens.usable_token(connection).access == "access-hush-1"
    with db.transaction() as session:
        assert tokens.pair(session, connection) == ("access-hush-1", "refresh-hush-1")


def test_a_stuck_refresh_of_another_worker_holds_nobody_for_ever(vendor, database, monkeypatch):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    monkeypatch.setattr(tokens, "LIMITS", ("SET LOCAL lock_timeout = '50ms'",))
    with psycopg.connect(database) as stuck:
        stuck.execute("SELECT FROM credential FOR UPDATE")
        with pytest.raises(Unavailable, match="another worker"):
            tokens.usable_token(connection)
    assert vendor.asked == []


def test_tokens_that_no_header_can_carry_are_not_taken(vendor):
    connection = connect(vendor, expires_in=NEARLY_OVER)
    vendor.token_answer = lambda _: said({"access_token": "a\nb", "refresh_token": "r"})
    with pytest.raises(ContractBroken, match="without tokens"):
        tokens.usable_token(connection)


def test_tokens_do_not_show_in_what_is_printed(vendor):
    assert "hush" not in repr(tokens.usable_token(connect(vendor)))
    assert "hush" not in repr(tokens.Tokens("hush", "hush", 1, None, {"access_token": "hush"}))
