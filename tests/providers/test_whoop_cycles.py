"""A row of the cycles file becomes a night, what hangs on it, and the values of its day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from providers.exports import whoop_series
from providers.shapes import DayValue, Episode, Rejected

KEY = "2026-11-03T06:41:07Z"
ONSET, WAKE = datetime(2026, 11, 3, 6, 41, 7, tzinfo=UTC), datetime(2026, 11, 3, 14, 29, 31, tzinfo=UTC)


def values_of(export):
    return {row.definition.measure.name: row for row in export.rows if isinstance(row, DayValue)}


def nights_of(export):
    return [row for row in export.rows if isinstance(row, Episode)]


def rejected_of(export):
    return [row for row in export.rows if isinstance(row, Rejected)]


def test_a_night_is_an_episode_on_the_day_of_waking(read, cycles, row):
    (night,) = nights_of(read(cycles(row())))
    assert (night.stream, night.record, night.kind, night.day) == ("whoop.sleep", KEY, "sleep", date(2026, 11, 3))
    assert (night.starts_at, night.ends_at, night.utc_offset_minutes) == (ONSET, WAKE, -480)
    assert night.detail == {
        "asleep_minutes": 431,
        "in_bed_minutes": 468,
        "light_minutes": 210,
        "deep_minutes": 92,
        "rem_minutes": 129,
        "awake_minutes": 37,
        "need_minutes": 489,
        "debt_minutes": 24,
        "performance_percent": 88,
        "efficiency_percent": 92,
        "consistency_percent": 77,
    }


def test_the_values_of_a_night_speak_of_its_interval_and_hang_on_it(read, cycles, row):
    values = values_of(read(cycles(row())))
    nightly = {name: value for name, value in values.items() if value.definition.context == "sleep"}
    assert {name: value.value for name, value in nightly.items()} == {
        "heart_rate_variability_rmssd": 71,
        "resting_heart_rate": 52,
        "respiratory_rate": 14.6,
        "skin_temperature": 33.42,
        "oxygen_saturation": 96.3,
        "total_sleep_time": 431,
        "vendor_readiness": 66,
    }
    for value in nightly.values():
        assert (value.record, value.link, value.day) == (KEY, ("whoop.sleep", KEY), date(2026, 11, 3))
        assert (value.starts_at, value.ends_at, value.utc_offset_minutes) == (ONSET, WAKE, -480)


def test_strain_and_energy_speak_of_the_cycle_and_hang_on_nothing(read, cycles, row):
    values = values_of(read(cycles(row(onset="2026-11-02 23:00:00"))))
    for name, number in (("vendor_strain", 11.4), ("active_energy", 2456)):
        value = values[name]
        assert (value.value, value.link, value.day) == (number, None, date(2026, 11, 3))
        assert (value.starts_at, value.ends_at) == (ONSET, datetime(2026, 11, 4, 7, 2, 55, tzinfo=UTC))
        assert value.definition.context == "day"


def test_series_carry_the_names_that_the_api_of_the_same_account_will_use(read, cycles, row):
    names = {measure: value.definition.name for measure, value in values_of(read(cycles(row()))).items()}
    assert names == {
        "heart_rate_variability_rmssd": "whoop_recovery",
        "resting_heart_rate": "whoop_recovery",
        "skin_temperature": "whoop_recovery",
        "oxygen_saturation": "whoop_recovery",
        "vendor_readiness": "whoop_recovery",
        "respiratory_rate": "whoop_sleep",
        "total_sleep_time": "whoop_sleep",
        "vendor_strain": "whoop_cycle",
        "active_energy": "whoop_cycle",
    }
    assert values_of(read(cycles(row())))["resting_heart_rate"].definition == whoop_series.RESTING


def test_a_row_whose_cycle_has_no_end_is_pending_in_all_its_parts(read, cycles, row):
    export = read(cycles(row(end="")))
    assert {item.state for item in export.rows} == {"pending"}
    assert {item.state for item in read(cycles(row())).rows} == {"final"}
    assert values_of(export)["vendor_strain"].ends_at is None


@pytest.mark.parametrize("missing", [{"onset": "", "wake": ""}, {"wake": ""}, {"onset": ""}])
def test_a_row_without_a_whole_night_keeps_its_values_on_the_day_it_would_have_ended(read, cycles, row, missing):
    export = read(cycles(row(**missing)))
    assert nights_of(export) == []
    hrv, strain = values_of(export)["heart_rate_variability_rmssd"], values_of(export)["vendor_strain"]
    assert (hrv.starts_at, hrv.ends_at, hrv.link, hrv.day) == (ONSET, None, None, date(2026, 11, 3))
    assert (strain.ends_at, strain.day) == (datetime(2026, 11, 4, 7, 2, 55, tzinfo=UTC), date(2026, 11, 3))


def test_a_night_that_begins_after_midnight_belongs_to_the_same_date(read, cycles, row):
    late = row(start="2026-11-03 01:10:00", onset="2026-11-03 01:10:00")
    assert nights_of(read(cycles(late)))[0].day == date(2026, 11, 3)


def test_a_shift_worker_who_sleeps_by_day_wakes_on_that_day(read, cycles, row):
    by_day = row(
        start="2026-11-03 09:00:00", end="2026-11-04 08:00:00", onset="2026-11-03 09:00:00", wake="2026-11-03 16:30:00"
    )
    assert nights_of(read(cycles(by_day)))[0].day == date(2026, 11, 3)


def test_a_night_belongs_to_its_end_however_long_it_took(read, cycles, row):
    long = row(start="2026-11-02 14:00:00", onset="2026-11-02 14:00:00", wake="2026-11-03 00:30:00")
    short = row(start="2026-11-02 17:00:00", onset="2026-11-02 17:00:00", wake="2026-11-02 21:30:00")
    for cells, day in ((long, date(2026, 11, 3)), (short, date(2026, 11, 2))):
        assert nights_of(read(cycles(cells)))[0].day == day


def test_strain_belongs_to_the_day_that_the_api_s_cycle_can_tell_too(read, cycles, row):
    early = row(start="2026-11-02 17:00:00", onset="2026-11-02 17:00:00", wake="2026-11-02 21:30:00")
    found = values_of(read(cycles(early)))
    assert (found["vendor_strain"].day, found["active_energy"].day) == (date(2026, 11, 3), date(2026, 11, 3))
    assert found["heart_rate_variability_rmssd"].day == date(2026, 11, 2)


def test_several_cycles_of_one_day_are_several_records(read, cycles, row):
    nap = row(
        start="2026-11-03 15:00:00", end="2026-11-03 23:30:00", onset="2026-11-03 15:00:00", wake="2026-11-03 16:00:00"
    )
    nights = nights_of(read(cycles(nap, row(end="2026-11-03 15:00:00"))))
    assert [night.day for night in nights] == [date(2026, 11, 3)] * 2
    assert len({night.record for night in nights}) == 2


def test_the_key_is_the_cycles_start_whatever_zone_tells_it(read, cycles, row):
    east = row(
        start="2026-11-03 07:41:07", end="2026-11-04 08:02:55", onset="2026-11-03 07:41:07", wake="2026-11-03 15:29:31"
    ).replace("UTC-08:00", "UTC+01:00")
    assert nights_of(read(cycles(east)))[0].record == KEY


def test_without_a_zone_column_times_are_taken_as_utc_and_the_offset_is_unknown(read):
    export = read(
        "Cycle start time,Resting heart rate (bpm),Sleep onset,Wake onset\n"
        "2026-11-02 22:41:07,52,2026-11-02 22:41:07,2026-11-03 06:29:31\n"
    )
    (night,) = nights_of(export)
    assert (night.record, night.utc_offset_minutes) == ("2026-11-02T22:41:07Z", None)
    assert {value.utc_offset_minutes for value in values_of(export).values()} == {None}


def test_an_empty_cell_is_an_absent_value_and_no_fault(read, cycles, row):
    export = read(cycles(row(hrv="", strain="", debt="")))
    assert "heart_rate_variability_rmssd" not in values_of(export)
    assert "debt_minutes" not in nights_of(export)[0].detail
    assert rejected_of(export) == []


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"hrv": "n/a"}, ("Heart rate variability (ms)", "it is not a number")),
        ({"hrv": "NaN"}, ("Heart rate variability (ms)", "it is not a number")),
        ({"hrv": "1e2"}, ("Heart rate variability (ms)", "it is not a number")),
        ({"hrv": "-71"}, ("Heart rate variability (ms)", "it is negative")),
        ({"hrv": "351"}, ("Heart rate variability (ms)", "it is outside what can be true (1 to 350)")),
        ({"resting": "255"}, ("Resting heart rate (bpm)", "it is outside what can be true (25 to 130)")),
        ({"recovery": "101"}, ("Recovery score %", "it is outside what can be true (0 to 100)")),
        ({"energy": "9" * 400}, ("Energy burned (cal)", "it is outside what can be true (0 to 30000)")),
        ({"consistency": "177"}, ("Sleep consistency %", "it is outside what can be true (0 to 100)")),
        ({"debt": '"24,5"'}, ("Sleep debt (min)", "it is not a number")),
    ],
)
def test_a_value_that_cannot_be_true_is_set_aside_alone(read, cycles, row, cells, fault):
    bad = row(**cells)
    export = read(cycles(bad))
    assert rejected_of(export) == [Rejected(fault[1], bad, 2, fault[0], KEY)]
    assert len(values_of(export)) + len(nights_of(export)[0].detail) == 9 + 11 - 1


@pytest.mark.parametrize("hrv", ["1", "350", "255", "71.5", "+71", "71.", "1.0"])
def test_a_value_at_the_edge_of_what_can_be_true_is_kept(read, cycles, row, hrv):
    assert values_of(read(cycles(row(hrv=hrv))))["heart_rate_variability_rmssd"].value == float(hrv)


def test_no_reason_tells_a_number_of_the_persons(read, cycles, row):
    (fault,) = rejected_of(read(cycles(row(hrv="7654"))))
    assert "7654" in fault.body
    assert "7654" not in fault.reason


def test_as_of_is_the_latest_start_or_end_of_any_cycle_that_was_read(read, cycles, row):
    assert read(cycles(row())).as_of == datetime(2026, 11, 4, 7, 2, 55, tzinfo=UTC)
    assert read(cycles(row(end=""))).as_of == ONSET
    future = row(start="2026-12-24 22:00:00", end="", onset="", wake="")
    assert read(cycles(row(), future)).as_of == datetime(2026, 11, 4, 7, 2, 55, tzinfo=UTC)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_rows_of_one_cycle_the_finished_one_stands_wherever_it_is(read, cycles, row, order):
    rows = [row(end="", hrv="99"), row(hrv="11")][::order]
    assert values_of(read(cycles(*rows)))["heart_rate_variability_rmssd"].value == 11


@pytest.mark.parametrize("order", [1, -1])
def test_a_finished_row_stands_above_a_larger_text_wherever_its_end_is_told(read, order):
    rows = ["2026-11-02 22:41:07,99,", "2026-11-02 22:41:07,11,2026-11-03 23:02:55"][::order]
    export = read("\n".join(["Cycle start time,HRV,Cycle end time", *rows]))
    assert values_of(export)["heart_rate_variability_rmssd"].value == 11


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_finished_rows_of_one_cycle_the_larger_text_stands_wherever_it_is(read, cycles, row, order):
    rows = [row(hrv="72"), row(hrv="71")][::order]
    assert values_of(read(cycles(*rows)))["heart_rate_variability_rmssd"].value == 72


def test_faults_of_a_row_that_another_replaces_are_not_reported(read, cycles, row):
    assert rejected_of(read(cycles(row(end="", hrv="bad"), row()))) == []


@pytest.mark.parametrize("cells", [{"wake": "yesterday"}, {"hrv": "999"}])
def test_a_fault_that_stands_twice_in_a_file_is_reported_once_at_its_first_line(read, cycles, row, cells):
    bad = row(**cells)
    (fault,) = rejected_of(read(cycles(row(), bad, bad)))
    assert fault.line == 3


def test_a_row_may_lie_up_to_a_day_ahead_of_our_clock(read, cycles, row, now):
    ahead = (now + timedelta(hours=23, minutes=59)).strftime("%Y-%m-%d %H:%M:%S")
    beyond = (now + timedelta(hours=24, minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    open_cycle = {"zone": "UTCZ", "end": "", "onset": "", "wake": ""}
    assert rejected_of(read(cycles(row(), row(start=ahead, **open_cycle)))) == []
    (fault,) = rejected_of(read(cycles(row(), row(start=beyond, **open_cycle))))
    assert fault.reason == "it lies in the future"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"start": "yesterday"}, "its Cycle start time is not a time such as 2026-11-01 06:40:11"),
        ({"start": "11/2/2026 10:41 PM"}, "its Cycle start time is not a time such as 2026-11-01 06:40:11"),
        ({"start": "2026-02-30 22:41:07"}, "its Cycle start time is not a time such as 2026-11-01 06:40:11"),
        ({"start": "0001-01-01 00:00:00"}, "its Cycle start time is not a time such as 2026-11-01 06:40:11"),
        ({"start": ""}, "it has no cycle start"),
        ({"end": "soon"}, "its Cycle end time is not a time such as 2026-11-01 06:40:11"),
        ({"onset": "?"}, "its Sleep onset is not a time such as 2026-11-01 06:40:11"),
        ({"zone": "America/Los_Angeles"}, "its Cycle timezone is not one such as UTC-08:00"),
        ({"zone": "UTC+25:00"}, "its Cycle timezone is not one such as UTC-08:00"),
        ({"zone": ""}, "its Cycle timezone is not one such as UTC-08:00"),
        ({"end": "2026-11-02 22:41:06"}, "cycle end is not after cycle start"),
        ({"wake": "2026-11-02 21:00:00"}, "wake onset is not after sleep onset"),
        ({"onset": "2026-11-01 22:00:00", "wake": "2026-11-02 22:00:01"}, "its sleep is longer than 24 hours"),
        (
            {"start": "2011-12-30 23:00:00", "end": "2011-12-31 23:00:00", "onset": "", "wake": ""},
            "it lies before there was a WHOOP",
        ),
        ({"end": "2027-01-01 00:00:00"}, "it lies in the future"),
        ({"wake": "2026-11-24 00:00:00", "onset": "2026-11-23 22:00:00"}, "it lies in the future"),
    ],
)
def test_a_row_that_cannot_have_happened_is_set_aside_and_the_rest_is_read(read, cycles, row, cells, reason):
    other = row(start="2026-11-01 22:41:07", onset="2026-11-01 22:41:07", wake="2026-11-02 06:29:31")
    bad = row(**cells)
    export = read(cycles(bad, other))
    (fault,) = rejected_of(export)
    assert (fault.reason, fault.line, fault.field, fault.body) == (reason, 2, None, bad)
    assert len(nights_of(export)) == 1


def test_a_row_set_aside_names_its_record_where_the_start_could_be_read(read, cycles, row):
    faults = rejected_of(read(cycles(row(wake="?"), row(start="?"), row(strain="1"))))
    assert [fault.record for fault in faults] == [KEY, None]


def test_the_reader_says_which_of_the_two_files_it_read(read, cycles, journal, row):
    assert read(cycles(row())).stream == "whoop.cycles"
    assert read(journal(("Hydrated?", "true"))).stream == "whoop.journal"
