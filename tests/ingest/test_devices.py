"""Which account the nights are read from: pure, so these tests need no database."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.devices import Word, followed, leads
from ingest.nights import NightRow, assemble
from ingest.training.trained import Training, Workout
from scoring import Night, Policy, Session
from workers.score import judged

FIRST = date(2026, 1, 1)
RING, STRAP = "oura/r", "whoop/s"
BOTH = Word(pair=True, whole_night=True, rmssd=True)
BASE = {"heart_rate_variability_rmssd": 60.0, "resting_heart_rate": 52.0, "total_sleep_time": 430.0}
SIGNAL = {"heart_rate_variability_rmssd": "hrv_ms", "total_sleep_time": "sleep_minutes"}


def on(place: int) -> date:
    return FIRST + timedelta(days=place)


def heard(*places: int, word: Word = BOTH) -> dict[date, Word]:
    return {on(place): word for place in places}


def worn(account: str, places, value: float = 0, measures=tuple(BASE)) -> list[NightRow]:
    """Nights of one account, each measure `value` above its base."""
    rows = []
    for place in places:
        woke = datetime.combine(on(place), datetime.min.time(), UTC) + timedelta(hours=6)
        for measure in measures:
            series = f"{account}//{measure}/x"
            row = NightRow(
                signal=SIGNAL.get(measure, measure),
                measure=measure,
                context="sleep",
                account=account,
                series=series,
                kin=f"{account}/{measure}/x",
                record=f"{place}",
                day=on(place),
                value=BASE.get(measure, 14) + value,
                starts_at=woke - timedelta(hours=8),
                ends_at=woke,
                utc_offset_minutes=0,
                version=(1, woke, f"{place}"),
            )
            rows.append(row)
    return rows


def accounts(nights: list[Night]) -> list[str]:
    """The account of each night's HRV, by its first letter; a dot where there is none."""
    return ["." if night.hrv_ms is None else night.hrv_series[0] for night in nights]


def test_who_began_first_leads_as_long_as_it_speaks():
    ring = heard(*(place for place in range(60) if place not in {30, 31, 40, 41, 42, 43, 44, 45, 46}))
    assert leads({STRAP: heard(*range(3, 60)), RING: ring}) == {FIRST: RING}


def test_a_device_that_is_added_today_changes_no_night_that_was_told():
    ring = worn(RING, range(40))
    before = assemble(ring, {}, on(39))
    after = assemble(ring + worn(STRAP, [39], 20), {}, on(39))
    assert after == before


def test_after_a_week_of_silence_the_longest_unbroken_history_takes_over_then_the_better_one():
    worse = Word(pair=True, whole_night=False, rmssd=True)
    after = {RING: heard(0), STRAP: heard(*range(4, 20)), "a/": heard(1, *range(12, 20))}
    assert leads(after)[on(8)] == STRAP
    assert leads({STRAP: heard(0, 1, word=worse), RING: heard(0, 1)}) == {FIRST: RING}


def test_a_device_with_both_signals_takes_over_from_one_with_one_once_it_has_a_range_of_its_own():
    one = Word(pair=False, whole_night=True, rmssd=True)
    assert leads({"a/": heard(*range(60), word=one), RING: heard(*range(10, 60))}) == {FIRST: "a/", on(30): RING}


def test_the_chosen_device_leads_from_its_first_night_and_gives_way_after_a_week_of_silence():
    ring, strap = heard(*range(60)), heard(*range(10, 30), 45)
    assert leads({RING: ring, STRAP: strap}, STRAP) == {
        FIRST: RING,
        on(10): STRAP,
        on(37): RING,
        on(45): STRAP,
        on(53): RING,
    }


def test_hrv_and_resting_rate_come_from_one_device_where_it_gives_both():
    ring = worn(RING, range(30), measures=("heart_rate_variability_rmssd", "resting_heart_rate"))
    strap = worn(STRAP, range(5, 30), 9, ("resting_heart_rate", "respiratory_rate"))
    nights = assemble(ring[:-1] + strap, {}, on(29)).nights
    assert nights[-1].resting_heart_rate is None, "a night without it is a gap, not the other device's"
    assert {night.resting_heart_rate for night in nights[:-1]} == {52}
    assert [night.respiratory_rate for night in nights] == [None] * 5 + [23] * 25


def test_a_signal_that_the_leading_device_stopped_giving_is_read_from_another_after_a_week_of_its_nights():
    own = {on(place): "ring" for place in range(5)}
    other = {on(place): "strap" for place in range(30)}
    nights = {on(place) for place in range(30) if not 5 <= place < 15}  # in a drawer for ten of them
    found = followed({RING: own, STRAP: other}, RING, nights)
    assert [place for place in range(30) if found.get(on(place)) == "strap"] == list(range(22, 30))


def test_a_night_that_two_devices_saw_is_slept_once():
    (night,) = assemble(worn(RING, [0]) + worn(STRAP, [0], 5), {}, FIRST).nights
    assert night.sleep_minutes in {430, 435}


def workout(account: str, hour: float, minutes: float, intensity: float = 0.9) -> Workout:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    return Workout(account, f"{account}{hour}", FIRST, start, start + timedelta(minutes=minutes), intensity)


def test_a_workout_that_two_devices_saw_is_one_session_and_the_leading_device_tells_it():
    seen = [workout(STRAP, 8, 70, 0), workout(RING, 8.1, 55), workout(STRAP, 17, 40, 0)]
    for lead, lasted in ((RING, 55), (STRAP, 70)):
        for order in (seen, seen[::-1]):
            night = assemble(worn(lead, [0, 1]), {}, on(1), training=Training(order)).nights[1]
            assert night.sessions == (Session(lasted, 0.9), Session(40, 0))


def test_a_new_ring_of_the_leading_account_leaves_the_account_leading():
    rows = [*worn(RING, range(30))]
    new = [
        NightRow(**{**fields(row), "series": row.series.replace("//", "/new/")}) for row in worn(RING, range(30, 35))
    ]
    nights = assemble(rows + new + worn(STRAP, range(5, 35), 20), {}, on(34)).nights
    assert accounts(nights) == ["o"] * 35
    assert nights[-1].hrv_series.startswith("oura/r/new/")


def fields(row: NightRow) -> dict:
    return {name: getattr(row, name) for name in NightRow.__slots__}


def test_who_takes_over_is_judged_by_its_own_past_at_once_and_what_was_said_before_stays():
    ring, strap = worn(RING, range(60)), worn(STRAP, range(10, 90), 15)
    at_the_end = judged(assemble(ring + strap, {}, on(89)), Policy())
    assert at_the_end[:60] == judged(assemble(ring + strap, {}, on(59)), Policy())
    first = at_the_end[68]
    assert [(given.value, given.usual_low is not None) for given in first.inputs[:1]] == [(75, True)]
    assert (first.state, at_the_end[66].inputs[0].nights > 0) == ("normal", True)


@settings(max_examples=60, deadline=None)
@given(
    ring=st.sets(st.integers(0, 70), min_size=1),
    strap=st.sets(st.integers(0, 70), min_size=1),
    wanted=st.sampled_from([None, RING, STRAP]),
    order=st.randoms(use_true_random=False),
    until=st.integers(0, 70),
)
def test_two_devices_in_any_order_give_the_same_nights_and_no_day_knows_the_next(ring, strap, wanted, order, until):
    rows = worn(RING, ring) + worn(STRAP, strap, 8)
    whole = assemble(rows, {}, on(70), wanted=wanted)
    shuffled = order.sample(rows, len(rows))
    assert assemble(shuffled, {}, on(70), wanted=wanted) == whole
    so_far = assemble([row for row in rows if row.day <= on(until)], {}, on(until), wanted=wanted)
    assert so_far.nights == whole.nights[: len(so_far.nights)]
    assert all(night.hrv_series.split("/")[:2] == night.resting_series.split("/")[:2] for night in whole.nights)
