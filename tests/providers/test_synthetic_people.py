"""Synthetic people scatter like real ones, and each story shows in the nights that it should."""

import io
import zipfile
from datetime import date, timedelta

import numpy as np
import pytest

from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv, export_zip, journal_csv, sleeps_csv

LAST = date(2026, 11, 22)
SEEDS = range(12)


def column(person, name):
    return np.array([getattr(night, name) for night in person], dtype=float)


def joint(person):
    """Deviation of both signals together from the sixty nights that end a week before each: positive is strained."""
    log_hrv, resting = np.log(column(person, "hrv_ms")), column(person, "resting_heart_rate")
    found = []
    for row in range(66, len(person)):
        window = slice(row - 66, row - 6)
        suppressed = (np.median(log_hrv[window]) - log_hrv[row]) / np.std(log_hrv[window])
        raised = (resting[row] - np.median(resting[window])) / np.std(resting[window])
        found.append((suppressed + raised) / np.sqrt(2 * 1.75))
    return np.array(found)


def test_equal_seeds_are_equal_people_and_others_are_not():
    assert nights(Story.ILL, LAST, 40, 1) == nights(Story.ILL, LAST, 40, 1)
    assert nights(Story.ILL, LAST, 40, 1) != nights(Story.ILL, LAST, 40, 2)
    assert export_zip(nights(Story.ILL, LAST, 9, 1)) == export_zip(nights(Story.ILL, LAST, 9, 1))


@pytest.mark.parametrize("story", Story)
def test_there_is_one_night_a_day_up_to_the_last_and_none_overlaps_another(story):
    person = nights(story, LAST, 180, 3, utc_offset_minutes=-480)
    assert [night.day for night in person] == [LAST - timedelta(days=179 - row) for row in range(180)]
    ends = [night.wake - timedelta(minutes=night.utc_offset_minutes) for night in person]
    starts = [night.onset - timedelta(minutes=night.utc_offset_minutes) for night in person]
    assert all(end < start for end, start in zip(ends, starts[1:], strict=False))
    assert all(night.wake.date() == night.day for night in person)


def test_a_steady_persons_signals_scatter_like_those_of_real_people():
    people = [nights(Story.STEADY, LAST, 1000, seed) for seed in SEEDS]
    logs = [np.log(column(person, "hrv_ms")) for person in people]
    rates = [column(person, "resting_heart_rate") for person in people]
    assert 0.15 < np.mean([np.std(log) for log in logs]) < 0.21
    assert 3.4 < np.mean([np.std(rate) for rate in rates]) < 4.6
    assert -0.87 < np.mean([np.corrcoef(*both)[0, 1] for both in zip(logs, rates, strict=True)]) < -0.73
    assert 0.2 < np.mean([np.corrcoef(log[1:], log[:-1])[0, 1] for log in logs]) < 0.45
    assert 0.4 < np.mean([np.std(column(person, "respiratory_rate")) for person in people]) < 0.5
    assert 0.3 < np.mean([np.std(column(person, "skin_temperature")) for person in people]) < 0.4
    assert 0.97 < np.mean([night.worn for person in people for night in person]) < 0.99
    assert 55 < np.median([night.recovery for person in people for night in person]) < 70


@pytest.mark.parametrize("seed", SEEDS)
def test_an_overreaching_person_is_strained_on_the_last_nights_and_was_not_before(seed):
    person = nights(Story.OVERREACHING, LAST, 180, seed)
    deviation = joint(person)
    assert np.mean(np.sort(deviation[-8:])[:-1]) > 1.2
    assert (deviation[-7:] > 0.4).sum() >= 5
    assert np.mean(deviation[:-30]) < 0.4
    assert all(night.worn and night.strain >= 15 for night in person[-14:])
    breathing = column(person, "respiratory_rate")
    assert (breathing[-5:] - np.median(breathing)).max() < 2.5 * np.std(breathing)


def test_a_person_with_parasympathetic_overload_moves_the_other_way():
    deviation = joint(nights(Story.PARASYMPATHETIC, LAST, 180, 5))
    assert np.mean(deviation[-8:]) < -1


def test_an_ill_person_breathes_faster_and_is_warmer():
    person = nights(Story.ILL, LAST, 180, 5)
    for name, least in (("respiratory_rate", 1.2), ("skin_temperature", 0.4), ("resting_heart_rate", 4)):
        values = column(person, name)
        assert np.mean(values[-6:]) - np.median(values) > least
    assert [night.day for night in person if "ill" in night.tags] == [night.day for night in person[-6:]]


def test_a_drinker_has_bad_nights_that_are_tagged_and_good_ones_between():
    person = nights(Story.DRINKER, LAST, 180, 5)
    drunk = np.array(["alcohol" in night.tags for night in person])
    log_hrv = np.log(column(person, "hrv_ms"))
    assert 40 < drunk.sum() < 55
    assert np.mean(log_hrv[~drunk]) - np.mean(log_hrv[drunk]) > 0.3


def test_a_traveller_changes_zone_once_and_says_so():
    person = nights(Story.TRAVELLER, LAST, 180, 5, utc_offset_minutes=-480)
    offsets = column(person, "utc_offset_minutes")
    assert (np.diff(offsets) != 0).sum() == 1
    assert offsets[-1] - offsets[0] == 540
    assert [night.day for night in person if "travel" in night.tags] == [LAST - timedelta(days=8)]


def test_a_person_who_forgets_the_strap_lacks_a_third_of_the_nights():
    assert 0.2 < np.mean([not night.worn for night in nights(Story.MISSING_NIGHTS, LAST, 1000, 5)]) < 0.45


def test_a_new_strap_is_a_step_in_both_signals():
    person = nights(Story.NEW_DEVICE, LAST, 1000, 5)
    assert {night.device for night in person[-25:]} == {"new strap"}
    assert {night.device for night in person[:-25]} == {"strap"}
    assert np.mean(joint(person)[-25:]) > 0.4


def test_the_export_is_newest_first_in_whoops_columns_with_the_last_cycle_open():
    person = nights(Story.STEADY, LAST, 3, 5, utc_offset_minutes=-480)
    header, *rows = cycles_csv(person).splitlines()
    assert header.startswith("Cycle start time,Cycle end time,Cycle timezone,Recovery score %")
    assert [row.split(",")[0] for row in rows] == [str(night.onset) for night in reversed(person)]
    assert [row.split(",")[1] for row in rows] == ["", str(person[2].onset), str(person[1].onset)]
    assert {row.split(",")[2] for row in rows} == {"UTC-08:00"}
    closed = cycles_csv(person, last_is_open=False).splitlines()[1]
    assert closed.split(",")[1] == str(person[2].onset + timedelta(days=1))


def test_a_cycle_ends_where_the_next_begins_also_across_zones():
    person = nights(Story.TRAVELLER, LAST, 10, 5)
    flown = cycles_csv(person).splitlines()[10]
    assert flown.split(",")[1] == str(person[1].onset - timedelta(hours=9))
    assert flown.split(",")[2] == "UTC+00:00"


def test_a_night_that_was_not_worn_has_a_strain_but_no_recovery_and_no_sleep():
    person = nights(Story.MISSING_NIGHTS, LAST, 60, 5)
    rows = dict(zip(reversed(person), (row.split(",") for row in cycles_csv(person).splitlines()[1:]), strict=True))
    for night, row in rows.items():
        assert bool(row[3]) == bool(row[12]) == night.worn
        assert float(row[8]) == night.strain
    assert len(sleeps_csv(person).splitlines()) == 1 + sum(night.worn for night in person)


def test_the_zip_holds_what_whoops_does():
    person = nights(Story.DRINKER, LAST, 9, 5)
    with zipfile.ZipFile(io.BytesIO(export_zip(person))) as archive:
        assert archive.namelist() == ["physiological_cycles.csv", "sleeps.csv", "journal_entries.csv"]
        assert archive.read("journal_entries.csv").decode() == journal_csv(person)


def test_no_nights_make_an_empty_table():
    assert len(cycles_csv([]).splitlines()) == 1
