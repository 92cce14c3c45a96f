"""What training adds to the nights: pure, so these tests need no database."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from ingest.training.days import Around, training_days
from ingest.training.trained import Training, Workout

FIRST = date(2026, 1, 1)
STRAP, RING = "whoop/s", "oura/r"
SPAN = [FIRST + timedelta(days=place) for place in range(120)]


def on(place: int) -> date:
    return SPAN[place]


def workout(place: int, minutes: float = 60, hour: float = 17, account: str = STRAP, **more: object) -> Workout:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=place, hours=hour)
    record = f"{account}{place}/{hour}"
    return Workout(account, record, on(place), start, start + timedelta(minutes=minutes), **more)


def beating(place: int, average: float = 140, highest: float = 190, **more: object) -> Workout:
    return workout(place, average_heart_rate=average, highest_heart_rate=highest, **more)


def around(*, resting: float = 50, strain: dict[int, float] | None = None, worn: range = range(120)) -> Around:
    told = {on(place): value for place, value in (strain or {}).items()}
    nights = {on(place) for place in worn}
    return Around(dict.fromkeys(nights, resting), told, dict.fromkeys(told, "whoop/s//strain"), nights)


def training(workouts: list[Workout], near: Around | None = None, felt: dict[int, float] | None = None) -> dict:
    """By the place of the day that was trained on; also whether the order in which workouts come matters."""
    given = {on(place): effort for place, effort in (felt or {}).items()}
    near = near or around()
    found = training_days(Training(workouts, given), STRAP, near, SPAN)
    shuffled = Random(1).sample(workouts, len(workouts))
    assert training_days(Training(shuffled, given), STRAP, near, SPAN) == found
    return {(day - FIRST).days - 1: fields for day, fields in found.items()}


def steady(count: int = 30, every: int = 2, **more: object) -> list[Workout]:
    return [beating(place, **more) for place in range(0, count * every, every)]


# Load


def test_a_load_is_the_share_of_the_own_heart_rate_reserve_weighted_by_banister_and_a_day_of_rest_is_none() -> None:
    found = training(steady())
    assert found[20]["load"] == pytest.approx(60 * 0.642857 * 0.64 * 2.718281828 ** (1.92 * 0.642857), rel=1e-4)
    assert found[21]["load"] == 0
    assert {fields["load_series"] for fields in found.values()} == {"heart_rate"}


def test_a_harder_hour_weighs_more_than_an_hour_and_a_longer_one_in_proportion() -> None:
    found = training([*steady(), beating(70, 165), beating(72, 140, minutes=120)])
    assert found[70]["load"] > 1.6 * found[20]["load"]
    assert found[72]["load"] == pytest.approx(2 * found[20]["load"])


def test_a_day_on_which_the_device_was_not_worn_is_no_day_of_rest() -> None:
    found = training(steady(), around(worn=range(15)))
    assert (found[13]["load"], "load" in found.get(15, {}), found[16]["load"] > 0) == (0, False, True)


def test_one_slipped_sensor_does_not_become_the_own_highest_heart_rate() -> None:
    usual = training(steady())
    assert training([*steady(10), beating(21, 140, 219), *steady()[11:]])[50] == usual[50]


def test_until_five_workouts_are_known_nobody_is_taken_for_older_than_most() -> None:
    slow = [beating(place, 120, 140) for place in range(0, 20, 2)]
    found = training(slow)
    assert found[0]["sessions"][0].intensity == pytest.approx(120 / 180)
    assert found[18]["sessions"][0].intensity == pytest.approx(120 / 140)


def test_strain_stands_for_load_where_no_heart_rate_is_known_and_is_no_rest_where_it_is_missing() -> None:
    found = training([], around(strain={0: 8, 1: 14, 3: 9}))
    assert [found.get(place, {}).get("load") for place in range(4)] == [8, 14, None, 9]
    assert found[1]["load_series"] == "whoop/s//strain"


def test_heart_rate_takes_over_from_strain_once_it_tells_most_workouts_and_is_another_series() -> None:
    found = training(steady(), around(strain=dict.fromkeys(range(60), 10.0)))
    assert [found[place]["load_series"] for place in (0, 1, 2, 3)] == ["heart_rate"] * 4
    late = [*(workout(place) for place in range(0, 20, 2)), *(beating(place) for place in range(20, 60, 2))]
    found = training(late, around(strain=dict.fromkeys(range(60), 10.0)))
    scales = [found[place]["load_series"].rpartition("/")[2] for place in range(60)]
    changed = scales.index("heart_rate")
    assert scales == ["strain"] * changed + ["heart_rate"] * (60 - changed)
    assert changed == 40, "three workouts in four of four weeks"


def test_a_scale_that_tells_a_workout_now_and_then_is_not_followed_back_and_forth() -> None:
    now_and_then = [beating(place) if place % 6 == 0 else workout(place) for place in range(0, 120, 2)]
    found = training(now_and_then, around(strain=dict.fromkeys(range(120), 10.0)))
    scales = [found[place].get("load_series", "") for place in range(4, 110)]
    assert set(scales) == {"whoop/s//strain"}


def test_how_hard_it_felt_times_minutes_stands_where_nothing_else_is_known() -> None:
    found = training([workout(place) for place in range(0, 40, 2)], felt=dict.fromkeys(range(0, 40, 2), 6.0))
    assert (found[4]["load"], found[4]["load_series"], found[4]["effort"]) == (360, "effort", 6)
    assert found[5]["load"] == 0


def test_the_vendor_s_class_of_intensity_is_the_last_resort() -> None:
    found = training([workout(place, intensity=0.9) for place in range(0, 40, 2)])
    assert (found[4]["load"], found[4]["load_series"]) == (pytest.approx(54), "class")


def test_a_workout_whose_heart_rate_is_not_known_is_as_hard_as_the_rest_of_its_day() -> None:
    alone = training(steady())[20]["load"]
    assert training([*steady(), workout(20, 30, hour=8)])[20]["load"] == pytest.approx(1.5 * alone)
    assert "load" not in training([*steady(), workout(20, 90, hour=8)])[20], "most of the day is not known"


def test_a_session_tells_its_intensity_and_when_it_began_on_the_clock_there() -> None:
    (session,) = training([*steady(), beating(71, 152, utc_offset_minutes=-60)])[71]["sessions"]
    assert (session.minutes, session.intensity, session.starts_minute) == (60, pytest.approx(0.8), 16 * 60)
    (lifted,) = training([*steady(), beating(71, 110, intensity=0.9)])[71]["sessions"]
    assert (lifted.intensity, lifted.starts_minute) == (0.9, None), "lifting is hard at a low heart rate"


def test_what_one_device_does_not_know_of_a_workout_the_other_tells() -> None:
    ring = beating(20, 150, account=RING, minutes=55, heart_rate_recovery=31.0)
    strap = workout(20, intensity=0.7)
    found = training([*steady(10), strap, ring])[20]
    assert (found["sessions"][0].minutes, found["heart_rate_recovery"]) == (60, 31)
    assert found["sessions"][0].intensity == pytest.approx(150 / 190)


# Output


HARD = [beating(place, 165, 190) for place in (1, 3)]  # so that the own highest heart rate is known


def run(place: int, metres: float = 10_000, average: float = 140, highest: float = 160, **more: object) -> Workout:
    return beating(place, average, highest, distance=metres, activity="running", **more)


def runs(*last: Workout) -> list[Workout]:
    return [*HARD, *map(run, range(0, 40, 2)), *last]


def test_pace_at_heart_rate_is_told_against_the_own_eight_weeks_and_the_fifth_such_run_is_the_first() -> None:
    found = training(runs(run(41, 9_000), run(43, 10_000, 133)))
    told = {place: fields["performance"] for place, fields in found.items() if "performance" in fields}
    assert min(told) == 8
    assert told[10] == pytest.approx(1)
    assert told[41] == pytest.approx(0.9)
    assert told[43] == pytest.approx(140 / 133), "the same pace at a lower heart rate"


@pytest.mark.parametrize(
    "odd",
    [
        {"minutes": 15, "metres": 2_500},
        {"average": 160},
        {"average": 118},
        {"highest": 189},
        {"metres": 200_000},
        {"metres": 0},
        {"account": RING},
    ],
    ids="-".join,
)
def test_a_run_that_is_short_or_hard_or_easy_or_uneven_or_no_run_is_not_compared(odd: dict) -> None:
    assert "performance" in training(runs(run(41)))[41]
    assert "performance" not in training(runs(run(41, **odd)))[41]


def test_a_ride_is_not_compared_with_runs() -> None:
    ride = beating(41, highest=160, distance=30_000, activity="cycling")
    assert "performance" not in training(runs(ride))[41]


def test_output_of_more_than_eight_weeks_ago_is_no_past() -> None:
    assert "performance" not in training([*HARD, *map(run, range(0, 30, 2)), run(90)])[90]


def test_no_day_knows_of_the_training_after_it() -> None:
    rng = Random(5)
    given = [
        run(place, rng.uniform(7_000, 12_000), rng.uniform(115, 165), highest=rng.uniform(150, 195))
        if rng.random() < 0.7
        else workout(place, intensity=0.7)
        for place in range(100)
        if rng.random() < 0.6
    ]
    near = around(strain={place: rng.uniform(5, 20) for place in range(0, 100, 3)})
    whole = training(given, near, {20: 5.0, 60: 8.0})
    for until in range(10, 100, 15):
        so_far = training([one for one in given if one.day <= on(until)], near, {20: 5.0, 60: 8.0})
        assert {place: so_far.get(place) for place in range(until + 1)} == {
            place: whole.get(place) for place in range(until + 1)
        }
