"""What the simulated vendor answers is read back as what the synthetic person had: every sample, every night."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ingest.grants.reading import read_page
from providers.base import Asked
from providers.oura import OURA, reading
from providers.shapes import DayValue, Episode, Gone, Points, Tag
from providers.simulator.oura.truth import truth
from providers.simulator.people import Story
from tests.providers.simulator_stage import Stage

SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 20, 22, tzinfo=UTC)
STORIES = [(story, (0, -480)[number % 2]) for number, story in enumerate(Story)]


def answered(stage, name, since=SINCE, until=UNTIL):
    """The rows of a stream, read page by page as its window asks."""
    stream = OURA.stream(name)
    asked = {}
    if window := stream.window:
        edges = {window.start: since - window.before, window.end: until + window.after}
        asked = {param: window.write(at) for param, at in edges.items()}
    kind, token, rows = stream.path.rsplit("/", 1)[1], None, []
    while True:
        reply = stage.get(kind, **asked, **({"next_token": token} if token else {}))
        assert reply.status == 200
        page = read_page(stream, reply.body, Asked(since, until))
        rows += page.rows
        if not (token := page.next_token):
            return rows


def values(rows, definition):
    found = [row for row in rows if isinstance(row, DayValue) and row.definition == definition]
    return {row.record: row.value for row in found if row.value is not None}


def samples(rows, *definitions):
    found = [row for row in rows if isinstance(row, Points) and row.definition in definitions]
    return {at: value for row in found for at, value in zip(row.at.tolist(), row.value.tolist(), strict=True)}


@pytest.fixture(scope="module", params=STORIES, ids=lambda param: f"{param[0]} {param[1]}")
def stage(request):
    story, offset = request.param
    staged = Stage(story, utc_offset_minutes=offset, nights=40, page_size=150).at("2026-03-21T23:00")
    staged.connect()
    return staged


@pytest.fixture(scope="module")
def had(stage):
    return truth(stage.account, SINCE - timedelta(days=1), UNTIL + timedelta(days=1))


def test_every_heart_rate_comes_back_in_its_context(stage, had):
    rows = answered(stage, "oura.heartrate")
    for definition, source in zip(reading.HEART_RATES, ("awake", "rest", "sleep", "workout"), strict=True):
        mine = {at: bpm for at, bpm, of in had["heart_rate"] if of == source}
        mine = {at: bpm for at, bpm in mine.items() if SINCE.timestamp() <= at <= UNTIL.timestamp()}
        assert samples(rows, definition) == mine
    assert len(samples(rows, *reading.HEART_RATES)) > 3000


def test_every_sample_of_a_sleep_comes_back_at_its_own_second(stage, had):
    rows = answered(stage, "oura.sleep")
    inside = {night.record for night in rows if isinstance(night, Episode)}
    for definition, name in ((reading.SLEEP_HRV, "hrv"), (reading.SLEEP_HEART_RATE, "sleep_heart_rate")):
        assert samples(rows, definition) == {at: value for at, value, sleep in had[name] if sleep in inside}
        assert len(samples(rows, definition)) > 10 * 60


def test_every_night_comes_back_with_its_numbers_and_its_ring(stage, had):
    rows = answered(stage, "oura.sleep")
    mains = {row.record: row for row in rows if isinstance(row, Episode) and row.main}
    nights = {night[0]: night for night in had["night"] if night[0] in mains}
    assert set(nights) == set(mains)
    columns = (reading.HRV, reading.RESTING, reading.BREATHING, reading.TEMPERATURE, reading.TOTAL_SLEEP)
    for position, definition in enumerate(columns, start=2):
        assert values(rows, definition) == {known: night[position] for known, night in nights.items()}
    assert {known: row.day.isoformat() for known, row in mains.items()} == {
        known: night[1] for known, night in nights.items()
    }
    rings = {row.record: row.device for row in rows if isinstance(row, DayValue)}
    assert all(rings[known] == night[7] for known, night in nights.items())
    worn = {night.day for night in stage.account.nights if night.worn and SINCE.date() <= night.day <= UNTIL.date()}
    assert {row.day for row in mains.values()} >= worn


def test_what_the_person_threw_away_comes_back_as_gone_and_as_nothing_else():
    stage = Stage(nights=40).at("2026-03-21T23:00")
    stage.connect()
    thrown = next(row.record for row in answered(stage, "oura.sleep") if isinstance(row, Episode) and row.main)
    stage.account.removed[thrown] = stage.now
    rows = answered(stage, "oura.sleep")
    assert thrown in {row.record for row in rows if isinstance(row, Gone)}
    assert thrown not in {row.record for row in rows if isinstance(row, Episode | DayValue)}


@pytest.mark.parametrize(
    ("definition", "stream", "column"),
    [
        (reading.READINESS, "oura.daily_readiness", ("readiness", 2)),
        (reading.READINESS_TEMPERATURE, "oura.daily_readiness", ("readiness", 3)),
        (reading.OXYGEN, "oura.daily_spo2", ("oxygen", 2)),
        (reading.STEPS, "oura.daily_activity", ("activity", 2)),
        (reading.ENERGY, "oura.daily_activity", ("activity", 3)),
    ],
)
def test_every_daily_value_comes_back(stage, had, definition, stream, column):
    found = values(answered(stage, stream), definition)
    name, position = column
    mine = {row[0]: (row[1], row[position]) for row in had[name]}
    assert found == {known: mine[known][1] for known in found}
    within = {known for known, (day, _) in mine.items() if str(SINCE.date()) <= day <= str(UNTIL.date() - timedelta(1))}
    assert within <= set(found)


def test_every_workout_comes_back_with_its_times(stage, had):
    rows = {row.record: row for row in answered(stage, "oura.workout") if isinstance(row, Episode)}
    mine = {row[0]: row for row in had["workout"] if str(SINCE.date()) <= row[1] <= str(UNTIL.date())}
    assert set(mine) <= set(rows)
    for known, (_, _, start, end, intensity) in mine.items():
        assert rows[known].starts_at == datetime.fromisoformat(start)
        assert rows[known].ends_at == datetime.fromisoformat(end)
        assert rows[known].detail["intensity"] == intensity


def test_rest_mode_and_a_second_ring_come_back_as_tags(stage):
    whole = truth(stage.account, datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
    rest = [row for row in answered(stage, "oura.rest_mode_period") if isinstance(row, Tag)]
    assert [(tag.link[1], tag.day.isoformat()) for tag in rest] == [tuple(row[:2]) for row in whole["rest_mode"]]
    rings = [row for row in answered(stage, "oura.ring_configuration") if isinstance(row, Tag)]
    assert [tag.link[1] for tag in rings] == [row[0] for row in whole["ring"][1:]]


def test_nothing_of_it_is_set_aside(stage):
    for stream in OURA.streams:
        kinds = {type(row).__name__ for row in answered(stage, stream.name)}
        assert "Rejected" not in kinds


def test_a_span_asked_in_pieces_reads_as_the_whole():
    stage = Stage(Story.OVERREACHING, nights=40).at("2026-03-21T23:00")
    stage.connect()
    for stream in OURA.streams:
        if stream.window is None or stream.name == "oura.rest_mode_period":  # an open one lasts as long as was asked
            continue
        whole = {line(row) for row in answered(stage, stream.name)}
        middle = datetime(2026, 3, 11, tzinfo=UTC)
        pieces = [*answered(stage, stream.name, SINCE, middle), *answered(stage, stream.name, middle, UNTIL)]
        if not stream.series:
            assert whole <= {line(row) for row in pieces}
        else:
            assert samples(pieces, *stream.series) == samples(answered(stage, stream.name), *stream.series)


def line(row):
    if isinstance(row, Points):
        return json.dumps([row.definition.name, row.borne_by, row.at.tolist(), row.value.tolist()])
    return repr(row)
