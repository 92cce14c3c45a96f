"""What the simulated WHOOP answers is read back as what the synthetic person had, and its file says the same."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from ingest.grants.reading import read_page
from providers.base import Asked
from providers.exports import whoop_csv, whoop_series
from providers.shapes import DayValue, Episode, Gone, Rejected
from providers.simulator.people import Story
from providers.simulator.whoop import Strap
from providers.simulator.whoop.truth import truth
from providers.whoop import WHOOP
from tests.providers.simulator_stage import LAST, WhoopStage

SINCE, UNTIL = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 21, 22, tzinfo=UTC)
STORIES = [(story, (0, -480, 330)[number % 3]) for number, story in enumerate(Story)]
OF_THE_NIGHT = {
    whoop_series.HRV: 2,
    whoop_series.RESTING: 3,
    whoop_series.BREATHING: 4,
    whoop_series.SKIN: 5,
    whoop_series.OXYGEN: 6,
    whoop_series.ASLEEP: 7,
    whoop_series.READINESS: 8,
}


def answered(stage, name, since=SINCE, until=UNTIL):
    """The rows of a stream, read page by page as its window asks."""
    stream, token, rows = WHOOP.stream(name), None, []
    asked = {stream.window.start: stream.window.write(since), stream.window.end: stream.window.write(until)}
    while True:
        more = {stream.paging.param: token} if token else {}
        reply = stage.get(stream.path.removeprefix("/v2/"), **stream.params, **asked, **more)
        assert reply.status == 200
        page = read_page(stream, reply.body, Asked(since, until))
        rows += page.rows
        if not (token := page.next_token):
            return rows


def everything(stage):
    return [row for stream in WHOOP.streams for row in answered(stage, stream.name)]


def values(rows, definition):
    found = [row for row in rows if isinstance(row, DayValue) and row.definition == definition]
    return {row.record: row.value for row in found if row.value is not None and row.state == "final"}


@pytest.fixture(scope="module", params=STORIES, ids=lambda param: f"{param[0]} {param[1]}")
def stage(request):
    story, offset = request.param
    strap = Strap(unscorable_share=0.1, older=story is Story.DRINKER)
    staged = WhoopStage(story, utc_offset_minutes=offset, nights=40, strap=strap).at("2026-03-21T22:00")
    staged.connect()
    return staged


@pytest.fixture(scope="module")
def rows(stage):
    return everything(stage)


@pytest.fixture(scope="module")
def had(stage):
    return truth(stage.account, SINCE, UNTIL)


@pytest.mark.parametrize("definition", OF_THE_NIGHT, ids=lambda one: one.measure.name)
def test_every_number_of_a_scored_night_comes_back(rows, had, definition):
    column = OF_THE_NIGHT[definition]
    mine = {night[0]: night for night in had["night"]}
    of_recovery = definition.name == "whoop_recovery"
    kept = {known: night[column] for known, night in mine.items() if not (of_recovery and night[9])}
    expected = {known: value for known, value in kept.items() if value is not None}
    assert values(rows, definition) == pytest.approx(expected)
    older = definition in {whoop_series.SKIN, whoop_series.OXYGEN} and not expected
    assert older or len(expected) > 15


def test_nights_and_naps_come_back_with_their_times_and_on_the_day_of_waking(stage, rows, had):
    sleeps = {row.record: row for row in rows if isinstance(row, Episode) and row.kind == "sleep"}
    days = {row[0]: row[1] for kind in ("night", "unscorable", "nap") for row in had[kind]}
    assert {known: row.day.isoformat() for known, row in sleeps.items()} == days
    assert {known for known, row in sleeps.items() if not row.main} == {row[0] for row in had["nap"]}
    assert {known for known, row in sleeps.items() if row.state == "unscorable"} == {
        row[0] for row in had["unscorable"]
    }
    nights = {night.day: night for night in stage.account.nights if night.worn}
    for row in sleeps.values():
        if row.main:
            assert row.utc_offset_minutes == nights[row.day].utc_offset_minutes
            local = row.starts_at.astimezone(UTC) + timedelta(minutes=row.utc_offset_minutes)
            assert local.replace(tzinfo=None) == nights[row.day].onset


def test_what_cannot_be_scored_has_no_number_and_what_calibrates_is_no_nights(rows, had):
    unscorable = {row[0] for row in had["unscorable"]}
    calibrating = {night[0] for night in had["night"] if night[9]}
    found = {row.record: row.state for row in rows if isinstance(row, DayValue) and row.definition == whoop_series.HRV}
    assert {known for known, state in found.items() if state == "unscorable"} == unscorable | calibrating
    assert calibrating


def test_strain_and_energy_come_back_on_the_day_after_the_evening_they_began(rows, had):
    closed = {str(row[0]): row for row in had["cycle"] if row[4]}
    assert len(closed) == 39
    for definition, column in ((whoop_series.STRAIN, 2), (whoop_series.ENERGY, 3)):
        mine = {known: row[column] for known, row in closed.items()}
        assert values(rows, definition) == pytest.approx(mine)
    days = {
        row.record: row.day.isoformat() for row in rows if isinstance(row, DayValue) and row.link[0] == "whoop.cycle"
    }
    assert {known: days[known] for known in closed} == {known: row[1] for known, row in closed.items()}


def test_every_workout_comes_back_with_its_times(rows, had):
    found = {row.record: row for row in rows if isinstance(row, Episode) and row.kind == "workout"}
    assert set(found) == {row[0] for row in had["workout"]}
    for known, _, start, end, sport in had["workout"]:
        row = found[known]
        assert (row.starts_at, row.ends_at) == (datetime.fromisoformat(start), datetime.fromisoformat(end))
        assert row.detail["activity"] == sport


def test_nothing_of_it_is_set_aside_or_gone(rows):
    assert not [row for row in rows if isinstance(row, Rejected | Gone)]


def test_the_file_of_the_same_account_has_the_same_numbers_on_the_same_days(stage, rows, had):
    with zipfile.ZipFile(io.BytesIO(stage.account.export(stage.now))) as archive:
        file = whoop_csv.read(io.BytesIO(archive.read("physiological_cycles.csv")), now=stage.now)
    days = {row.record: row.day for row in rows if isinstance(row, Episode)}
    calibrating = {date.fromisoformat(night[1]) for night in had["night"] if night[9]}
    for definition in (*OF_THE_NIGHT, whoop_series.STRAIN, whoop_series.ENERGY):
        granted = by_day([row for row in rows if getattr(row, "state", None) == "final"], definition, days)
        filed = by_day(file.rows, definition, days)
        assert granted == pytest.approx({day: filed[day] for day in granted})
        running = set() if definition in OF_THE_NIGHT else {LAST}
        alone = calibrating if definition.name == "whoop_recovery" and filed else running
        assert filed.keys() - granted.keys() == alone


def by_day(rows, definition, days):
    mine = [row for row in rows if isinstance(row, DayValue) and row.definition == definition and row.value is not None]
    return {days.get(row.record) or row.day: row.value for row in mine}


def test_a_span_asked_in_pieces_reads_as_the_whole():
    stage = WhoopStage(Story.OVERREACHING, nights=40).at("2026-03-21T22:00")
    stage.connect()
    edges = [SINCE, *(datetime.combine(date(2026, 3, day), datetime.min.time(), UTC) for day in (1, 2, 12)), UNTIL]
    for stream in WHOOP.streams:
        pieces = [repr(row) for since, until in pairwise(edges) for row in answered(stage, stream.name, since, until)]
        assert sorted(pieces) == sorted(repr(row) for row in answered(stage, stream.name))


def test_a_night_is_read_as_pending_until_it_is_scored():
    stage = WhoopStage(strap=Strap(unscorable_share=0))
    stage.now = stage.account.nights[-1].wake.replace(tzinfo=UTC)
    states = []
    for minutes in (0, 10):
        stage.pass_(minutes=minutes).connect()
        rows = [*answered(stage, "whoop.sleep"), *answered(stage, "whoop.recovery")]
        newest = max((row for row in rows if isinstance(row, Episode) and row.main), key=lambda row: row.starts_at)
        hrv = next(
            row for row in rows if row.record == newest.record and getattr(row, "definition", None) == whoop_series.HRV
        )
        states.append((newest.state, hrv.state, hrv.value is None))
    assert states == [("pending", "pending", True), ("final", "final", False)]
