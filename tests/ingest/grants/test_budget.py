"""Budgets: never more calls than a vendor allows, counted by all workers together; and the pause when most fail."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingest import broker, db
from ingest import clock as the_clock
from ingest.grants import budget, pauses
from ingest.models import VendorApp
from providers.base import Allowance, Budget
from providers.errors import Misconfigured, RateLimited, Unavailable
from tests.ingest.grants.local_vendor import LOCAL, connect, counters, vendor

__all__ = ["counters", "vendor"]

START = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def at(home, monkeypatch):
    """Set the instant, to the microsecond: time stands still between."""
    shown = [START]
    monkeypatch.setattr(the_clock, "now", lambda: shown[0])

    def show(seconds: float) -> None:
        shown[0] = START + timedelta(seconds=seconds)

    return show


def allowing(*budgets: Budget):
    return replace(LOCAL, budgets=budgets)


def a_minute(calls: int, **more):
    return allowing(Budget(calls=calls, per=timedelta(minutes=1), **more))


def taken(provider, person=1, share="fresh", most=1000) -> tuple[int, float]:
    """How many calls are let through until one is not, and how long that one is told to wait."""
    for count in range(most):
        try:
            budget.reserve(1, provider, person, share)
        except RateLimited as denied:
            return count, denied.retry_after
    return most, 0.0


def test_a_rolling_budget_lets_its_calls_through_and_frees_each_when_its_span_is_over(at, counters):
    assert taken(a_minute(3)) == (3, 60)
    at(59.999)
    assert taken(a_minute(3)) == (0, pytest.approx(0.001, abs=1e-6))
    at(60)
    assert taken(a_minute(3)) == (3, 60)


def test_no_rolling_span_ever_holds_more_calls_than_allowed(at, counters):
    times = []
    for tenth in range(0, 3000, 7):
        at(tenth / 10)
        try:
            budget.reserve(1, a_minute(10), 1, "fresh")
        except RateLimited:
            continue
        times.append(tenth / 10)
    assert max(sum(start <= time < start + 60 for time in times) for start in times) == 10
    assert len(times) >= 48  # of at most 50: what is held back longer is one part of sixty


def test_a_clock_aligned_budget_is_whole_again_when_the_clock_says_so(at, counters):
    hourly = allowing(Budget(calls=2, per=timedelta(minutes=15), clock="aligned"))
    at(14 * 60)
    assert taken(hourly) == (2, 60)
    at(15 * 60 - 0.001)
    assert taken(hourly) == (0, pytest.approx(0.001, abs=1e-6))
    at(15 * 60)
    assert taken(hourly) == (2, 15 * 60)


def test_a_day_begins_at_midnight_utc(at, counters):
    daily = allowing(Budget(calls=1, per=timedelta(days=1), clock="aligned"))
    assert taken(daily) == (1, 19 * 3600)


def test_a_person_s_budget_is_their_own_and_the_app_s_is_everybody_s(at, counters):
    both = allowing(
        Budget(calls=5, per=timedelta(minutes=5)), Budget(calls=2, per=timedelta(minutes=1), scope="person")
    )
    assert taken(both, person=1) == (2, 60)
    assert taken(both, person=2) == (2, 60)
    assert taken(both, person=3) == (1, 300)


def test_a_denied_call_takes_nothing_from_any_budget(at, counters):
    both = allowing(
        Budget(calls=10, per=timedelta(minutes=5)), Budget(calls=1, per=timedelta(minutes=1), scope="person")
    )
    for _ in range(20):
        taken(both, person=1, most=2)
    assert budget.left(1, both) == pytest.approx(0.9)


def test_backfill_gets_three_calls_in_ten_and_leaves_the_rest_to_what_is_fresh(at, counters):
    assert taken(a_minute(10), share="backfill") == (3, 60)
    assert taken(a_minute(10), share="fresh") == (7, 60)
    at(61)
    assert taken(a_minute(10), share="fresh")[0] == 10
    assert taken(a_minute(10), share="backfill")[0] == 0


def test_a_budget_too_small_to_share_still_lets_backfill_go_on(at, counters):
    assert taken(a_minute(2), share="backfill") == (1, 60)


def test_what_the_vendor_says_closes_the_app_until_then_and_never_earlier(at, counters):
    budget.close(1, 30)
    budget.close(1, 5)
    assert taken(a_minute(10)) == (0, 30)
    assert budget.left(1, a_minute(10)) == 0
    at(30)
    assert budget.left(1, a_minute(10)) == 1
    assert taken(a_minute(10))[0] == 10


def said_left(calls: int, resets_in: float, per: timedelta = timedelta(minutes=1)) -> Allowance:
    return Allowance(calls, per, resets_in)


@pytest.mark.parametrize("how", ["rolling", "aligned"])
def test_calls_that_the_vendor_counted_and_we_did_not_are_counted_until_it_forgets_them(at, counters, how):
    provider = a_minute(100, clock=how)
    budget.correct(1, provider, said_left(10, 30))
    assert budget.left(1, provider) == pytest.approx(0.1)
    assert taken(provider)[0] == 10
    at(29)
    assert taken(provider)[0] == 0
    at(60 if how == "aligned" else 31)
    assert taken(provider)[0] == (100 if how == "aligned" else 90)


def test_what_the_vendor_says_never_frees_a_call_as_it_has_not_seen_those_on_their_way(at, counters):
    assert taken(a_minute(10), most=8)[0] == 8
    budget.correct(1, a_minute(10), said_left(9, 30))
    assert taken(a_minute(10))[0] == 2


def test_the_same_answer_twice_counts_nothing_twice(at, counters):
    for _ in range(3):
        budget.correct(1, a_minute(100), said_left(40, 30))
    assert taken(a_minute(100))[0] == 40


def test_a_budget_of_the_day_is_corrected_apart_from_that_of_the_minute(at, counters):
    both = allowing(Budget(calls=100, per=timedelta(minutes=1)), Budget(calls=1000, per=timedelta(days=1)))
    budget.correct(1, both, said_left(3, 7200, timedelta(days=1)))
    assert taken(both) == (3, pytest.approx(7200, abs=1))
    at(7201)
    assert taken(both)[0] == 100
    at(7300)
    budget.correct(1, both, said_left(0, 60, timedelta(hours=1)))
    assert taken(both)[0] == 100, "of a budget that nobody declared nothing is known"


def test_a_person_s_budget_is_not_corrected_by_what_is_said_of_the_app_s(at, counters):
    provider = a_minute(5, scope="person")
    budget.correct(1, provider, said_left(0, 30))
    assert [taken(provider, person=person)[0] for person in (0, 1)] == [5, 5]


@pytest.mark.parametrize("resets_in", [-5.0, 0.0, 1e12])
def test_a_time_that_cannot_be_is_taken_for_the_nearest_that_can(at, counters, resets_in):
    budget.correct(1, a_minute(100), said_left(0, resets_in))
    at(60.001)
    assert taken(a_minute(100))[0] == 100


def test_calls_that_ran_out_are_not_counted_again_by_a_correction(at, counters):
    assert taken(a_minute(100), most=100)[0] == 100
    at(60.4)
    budget.correct(1, a_minute(100), said_left(90, 0.2))
    assert taken(a_minute(100))[0] == 90


def test_two_apps_of_one_vendor_do_not_share(at, counters):
    assert taken(a_minute(1))[0] == 1
    budget.reserve(2, a_minute(1), 1, "fresh")


def test_looking_takes_nothing(at, counters):
    for _ in range(5):
        assert budget.left(1, a_minute(2)) == 1
    assert taken(a_minute(2))[0] == 2
    assert budget.left(1, a_minute(2)) == 0


def test_a_vendor_without_budgets_is_never_denied(at, counters):
    assert taken(allowing(), most=50) == (50, 0)
    assert budget.left(1, allowing()) == 1


def test_many_workers_on_a_real_valkey_get_no_call_more_than_allowed(at, valkey):
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: taken(a_minute(100), most=60)[0], range(8)))
    assert sum(counts) == 100
    assert budget.left(1, a_minute(100)) == 0
    at(60)
    assert taken(a_minute(100), share="backfill") == (30, 60)
    broker.client(budget.SOCKET_SECONDS).close()


def test_counters_that_were_flushed_form_again(at, valkey):
    assert taken(a_minute(2))[0] == 2
    broker.client(budget.SOCKET_SECONDS).flushall()
    broker.client(budget.SOCKET_SECONDS).script_flush()
    assert taken(a_minute(2))[0] == 2
    broker.client(budget.SOCKET_SECONDS).close()


def test_a_broker_that_is_away_is_said_and_passes(at, tmp_path, monkeypatch):
    from ingest.settings import settings  # noqa: PLC0415

    monkeypatch.setenv("REDIS_URL", f"redis+socket://{tmp_path}/none")
    settings.cache_clear()
    for call in (
        lambda: budget.reserve(1, LOCAL, 1, "fresh"),
        lambda: budget.left(1, LOCAL),
        lambda: budget.close(1, 5),
    ):
        with pytest.raises(Unavailable, match="is Valkey running"):
            call()
    budget.outcome(1, ok=True)
    budget.correct(1, LOCAL, said_left(0, 5, LOCAL.budgets[0].per))
    monkeypatch.delenv("REDIS_URL")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="REDIS_URL is not set"):
        budget.left(1, LOCAL)


def app() -> VendorApp:
    with db.transaction() as session:
        return session.get_one(VendorApp, 1)


def calls(good: int, bad: int) -> None:
    for _ in range(good):
        budget.outcome(1, ok=True)
    for _ in range(bad):
        budget.outcome(1, ok=False)


@pytest.fixture
def known(vendor, at, counters) -> None:
    connect(vendor)


def test_mostly_failing_calls_pause_the_app_longer_each_time(known, at):
    at(0)
    for times, pause in enumerate((30, 60, 120, 240, 480, 900, 900)):
        at(times * 2000)
        calls(good=0, bad=20)
        paused = app()
        assert paused.paused_until - the_clock.now() == timedelta(seconds=pause)
        assert (paused.backoff, paused.pause_reason) == (times + 1, "20 of 20 calls failed within a minute")


@pytest.mark.parametrize(("good", "bad"), [(0, 19), (10, 10), (100, 50)])
def test_few_failures_or_half_of_them_pause_nobody(known, good, bad):
    calls(good, bad)
    assert app().paused_until is None


def test_failures_of_more_than_a_minute_ago_do_not_count(known, at):
    calls(0, 19)
    at(66)
    calls(0, 19)
    assert app().paused_until is None


def test_a_success_after_the_pause_ends_the_back_off_and_one_within_does_not(known, at):
    calls(0, 20)
    at(10)
    calls(1, 0)
    assert app().backoff == 1
    at(31)
    calls(1, 0)
    assert (app().backoff, app().paused_until, app().pause_reason) == (0, None, None)
    calls(0, 20)
    assert app().backoff == 1


def test_an_operator_s_pause_is_neither_shortened_nor_lifted(known, at):
    until = START + timedelta(days=1)
    with db.transaction() as session:
        paused = session.get_one(VendorApp, 1)
        paused.paused_until, paused.pause_reason = until, "moving house"
    calls(0, 40)
    calls(5, 0)
    assert (app().paused_until, app().pause_reason) == (until, "moving house")


def test_a_success_in_quiet_times_writes_no_row_and_after_the_first_does_not_even_look(known, monkeypatch):
    def version() -> int:
        with db.transaction() as session:
            return session.connection().exec_driver_sql("SELECT xmin::text::int FROM vendor_app").scalar_one()

    before = version()
    calls(1, 0)
    monkeypatch.setattr(pauses, "end", lambda _: pytest.fail("asked the database"))
    calls(50, 0)
    assert version() == before
