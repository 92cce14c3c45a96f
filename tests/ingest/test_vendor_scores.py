"""A vendor's own score beside ours: which one of a day stands, how far the two agree, and how it is drawn."""

import io
import re
from datetime import date, timedelta

import pytest

from ingest import db, imports, vendor_scores
from ingest.chart import scores
from ingest.chart.frame import Calendar
from ingest.web.history_drawn import finding
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv

LAST = date(2026, 3, 1)
DAYS = [LAST - timedelta(days=back) for back in reversed(range(35))]


def bring(file: str) -> int:
    return imports.import_file("ada@example.org", "whoop", "a.csv", io.BytesIO(file.encode())).person


def test_each_day_has_the_score_that_stands(database, clock):
    clock("2026-03-01T12:00")
    made = nights(Story.STEADY, LAST, 20, 1)
    person = bring(cycles_csv(made))
    with db.transaction() as session:
        found = vendor_scores.by_day(session, person)
        lately = vendor_scores.by_day(session, person, LAST - timedelta(days=4))
    assert found.keys() == {"whoop"}
    assert len(found["whoop"]) == sum(night.worn for night in made)
    assert all(0 <= score <= 100 for score in found["whoop"].values())
    assert min(lately["whoop"]) >= LAST - timedelta(days=4)


def test_a_vendor_without_a_score_is_not_there(session):
    assert vendor_scores.by_day(session, 1) == {}


def test_two_scores_agree_where_both_lie_on_the_same_side_of_their_own_middle():
    ours = {day: float(place) for place, day in enumerate(DAYS)}
    assert vendor_scores.agreement(ours, {day: 3 * value + 40 for day, value in ours.items()}) == (35, 35)
    alike, days = vendor_scores.agreement(ours, {day: -value for day, value in ours.items()})
    assert (alike, days) == (1, 35)  # the middle itself
    assert vendor_scores.agreement(ours, {}) == (0, 0)
    assert vendor_scores.agreement(ours, {LAST: 3.0, date(2020, 1, 1): 4.0}) == (1, 1)


def test_each_score_is_drawn_on_its_own_scale_and_broken_where_there_is_none():
    ours = {day: 50.0 + place for place, day in enumerate(DAYS)}
    theirs = {day: 5.0 for place, day in enumerate(DAYS) if not 10 < place < 20}
    drawn = scores.svg({"Readiness, ours": ours, "Oura's own score": theirs}, Calendar(DAYS, 328), "a label")
    lines = re.findall(r'class="score" d="([^"]+)"', drawn)
    assert [line.count("M") for line in lines] == [1, 2]
    assert re.findall(r'class="value"[^>]*>([^<]+)<', drawn) == ["84", "50", "5"]
    assert 'aria-label="a label"' in drawn


def test_a_span_without_a_score_says_so():
    assert "Nothing in this time." in scores.svg({"Oura's own score": {}}, Calendar(DAYS, 328), "x")


@pytest.mark.parametrize(
    ("alike", "compared", "said"),
    [
        (41, 52, "On 41 of 52 days Oura's own score and ours leaned the same way"),
        (1, 1, "On 1 of 1 day Oura's"),
        (0, 0, "No day has both scores in this time."),
    ],
)
def test_how_far_they_agree_is_said_in_words(alike, compared, said):
    assert finding("Oura", alike, compared).startswith(said)
