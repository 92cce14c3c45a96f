"""The history page: ranges, one night in full, notes, the vendor's own score, and the file for a spreadsheet."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select, update

from ingest import imports, store
from ingest.chart import NOTHING
from ingest.db import transaction
from ingest.models import DayValue, Person, ScoreRequest, Tag
from ingest.nights import nights_of
from ingest.source import GRANT_RANK
from ingest.web import history_csv, history_words
from providers.simulator.people import Story
from providers.simulator.people import nights as simulated
from providers.simulator.whoop_export import cycles_csv, export_zip
from scoring import assess
from tests.ingest.web.web_stage import TODAY, Sitter, Stage, nights

ASKED = "2026-11-10"


@pytest.fixture
def wearer(stage: Stage) -> Sitter:
    """Somebody who brought a strap's file of four months: values, strain, workouts, and the strap's own score."""
    sitter = stage.sitter()
    bring(sitter, export_zip(simulated(Story.OVERREACHING, TODAY, 120, 3)), "export.zip")
    return sitter


def bring(sitter: Sitter, file: bytes, name: str) -> None:
    """Import a file and judge what came of it."""
    imports.import_file(sitter.address, "whoop", name, io.BytesIO(file))
    with transaction() as session:
        sitter.assessments = assess(nights_of(session, sitter.id, TODAY))
        store.save_readiness(session, sitter.id, sitter.assessments, "test")


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL)))


def text(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return plain(answer.text)


def tags(person_id: int) -> list[tuple]:
    with transaction() as session:
        own = select(Tag.day, Tag.name, Tag.source, Tag.present).where(Tag.person == person_id)
        return [tuple(row) for row in session.execute(own.order_by(Tag.day, Tag.name, Tag.source))]


def test_a_night_is_shown_in_full_by_a_link(wearer: Sitter):
    page = text(wearer.client, f"/history?night={ASKED}")
    told = page[page.index("Night: Tue 10 Nov") :]
    assert re.search(r"Overnight HRV \d+ ms (below|as|above) usual \(\d+–\d+\) WHOOP, rMSSD", told)
    assert re.search(r"Sleeping heart rate \d+ bpm (below|as|above) usual \(\d+–\d+\) WHOOP ", told)
    assert "WHOOP: from a file that ends" in told
    assert re.search(r"Training load the day before: \d+", told)
    assert "← 9 Nov" in told
    assert "11 Nov →" in told


def test_a_night_that_a_vendor_sent_tells_when_it_was_synced_by_the_persons_clock(wearer: Sitter):
    with transaction() as session:
        session.get_one(Person, wearer.id).zone = "Europe/Berlin"
        sent = {"source_rank": GRANT_RANK, "as_of": datetime(2026, 11, 10, 5, 41, tzinfo=UTC)}
        session.execute(update(DayValue).where(DayValue.day == date.fromisoformat(ASKED)).values(sent))
    assert "WHOOP: synced Tue 10 Nov, 06:41." in text(wearer.client, f"/history?night={ASKED}")


def test_without_a_choice_the_latest_night_is_shown_and_none_is_marked(wearer: Sitter):
    page = wearer.client.get("/history").text
    assert "Latest night: Sun 22 Nov" in plain(page)
    assert 'class="chosen"' not in page
    assert wearer.client.get(f"/history?night={ASKED}").text.count('class="chosen"') == 2


@pytest.mark.parametrize("asked", ["1999-01-01", "2027-01-01"])
def test_a_night_that_is_not_there_is_the_latest_one(wearer: Sitter, asked: str):
    assert "Latest night: Sun 22 Nov" in text(wearer.client, f"/history?night={asked}")


def test_every_night_of_three_months_can_be_chosen_in_the_picture_and_none_is_in_the_way_of_the_keyboard(
    wearer: Sitter,
):
    page = wearer.client.get("/history?span=3m&vendor=on").text
    links = re.findall(r'<a tabindex="-1" href="([^"]+)" title="([^"]+)"', page)
    assert len(links) == 2 * 92
    assert unescape(links[-1][0]) == f"/history?span=3m&vendor=on&night={TODAY}#night"
    assert re.fullmatch(r"Sun 22 Nov, HRV \d+, heart rate \d+", links[-1][1])
    assert 'class="picks"' not in wearer.client.get("/history?span=all").text.split("wide long")[0]


def test_a_note_is_added_and_taken_back_and_the_nights_are_judged_anew(wearer: Sitter):
    answer = wearer.client.post("/history/tags", data={"night": ASKED, "add": "alcohol", "span": "5w", "vendor": "on"})
    assert answer.headers["location"] == f"/history?span=5w&vendor=on&night={ASKED}#night"
    assert "Drinks ×" in text(wearer.client, f"/history?night={ASKED}")
    with transaction() as session:
        assert session.get(ScoreRequest, wearer.id) is not None
    wearer.client.post("/history/tags", data={"night": ASKED, "remove": "alcohol"})
    assert [row for row in tags(wearer.id) if row[0] == date.fromisoformat(ASKED) and row[2] == "person"] == []
    assert "Drinks ×" not in text(wearer.client, f"/history?night={ASKED}")


def test_what_a_vendor_said_is_taken_from_a_night_by_a_no_that_stands(wearer: Sitter):
    day = date.fromisoformat(ASKED)
    with transaction() as session:
        said = {"source": "whoop journal 1", "present": True, "as_of": store.clock.now(), "content": ""}
        session.add(Tag(person=wearer.id, day=day, name="alcohol", **said))
    assert "Drinks ×" in text(wearer.client, f"/history?night={ASKED}")
    wearer.client.post("/history/tags", data={"night": ASKED, "remove": "alcohol"})
    assert "Drinks ×" not in text(wearer.client, f"/history?night={ASKED}")
    assert (day, "alcohol", "person", False) in tags(wearer.id)


@pytest.mark.parametrize(
    "wrong",
    [{"night": ASKED, "add": "nonsense"}, {"night": "2030-01-01", "add": "ill"}, {"night": "soon", "add": "ill"}],
)
def test_only_what_can_be_noted_is_noted(wearer: Sitter, wrong: dict):
    before = tags(wearer.id)
    assert wearer.client.post("/history/tags", data=wrong).status_code == 422
    assert tags(wearer.id) == before


def test_a_vendors_own_score_is_shown_only_where_asked_for_with_how_far_it_agrees(wearer: Sitter):
    off = wearer.client.get("/history").text
    assert "Show WHOOP's own score" in plain(off)
    assert "leaned the same way" not in plain(off)
    on = wearer.client.get("/history?vendor=on").text
    alike, days = re.search(
        r"On (\d+) of (\d+) days WHOOP's own score and ours leaned the same way", plain(on)
    ).groups()
    assert 46 <= int(alike) <= int(days) <= 92
    assert on.count('class="score"') == 4
    assert "our readiness never uses it" in plain(on)


def test_the_picture_has_the_load_of_each_day_and_marks_the_hard_ones(wearer: Sitter):
    page = wearer.client.get("/history?span=5w").text
    assert page.count('class="load"') == 2
    assert page.count('class="load hard"') == 2
    assert page.count('class="limit"') == 2


def test_the_file_has_every_night_with_values_ranges_notes_and_the_vendors_score(wearer: Sitter):
    wearer.client.post("/history/tags", data={"night": ASKED, "add": "alcohol"})
    answer = wearer.client.get("/history.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="vagus-nights-2026-11-22.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["night"] for row in rows] == [each.day.isoformat() for each in wearer.assessments]
    row = next(row for row in rows if row["night"] == ASKED)
    night = next(each for each in wearer.assessments if each.day.isoformat() == ASKED)
    known = {given.signal: given for given in night.inputs}
    assert float(row["hrv_ms"]) == pytest.approx(known["hrv"].value, abs=0.01)
    assert float(row["hrv_ms_usual_low"]) == pytest.approx(known["hrv"].usual_low, abs=0.01)
    assert row["tags"] == "alcohol"
    assert 0 <= float(row["whoop_own_score"]) <= 100
    assert float(row["load_of_day_before"]) > 0
    assert len(list(csv.DictReader(io.StringIO(wearer.client.get("/history.csv?span=5w").text)))) == 35


def test_the_file_is_written_while_it_is_read(wearer: Sitter, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(history_csv, "BATCH", 7)
    asked = []
    monkeypatch.setattr(history_csv, "select", lambda *columns: asked.append(columns) or select(*columns))
    lines = history_csv.lines(wearer.id, date.min, NOTHING)
    assert next(lines).startswith("night,state")
    assert asked == []
    next(lines)
    assert len(asked) == 1
    assert sum(1 for _ in lines) == 119


def test_a_german_speaker_reads_it_in_german(wearer: Sitter):
    with transaction() as session:
        session.get_one(Person, wearer.id).language = "de"
    wearer.client.post("/history/tags", data={"night": ASKED, "add": "hot_night"})
    page = wearer.client.get(f"/history?span=5w&vendor=on&night={ASKED}").text
    assert '<html lang="de">' in page
    words = plain(page)
    for said in (
        "Verlauf",
        "Nacht: Di 10. Nov",
        "Schlafpuls",
        "Zu dieser Nacht vermerkt",
        "Heiße Nacht",
        "Als CSV laden",
    ):
        assert said in words, said
    assert not re.search(r"\b(night|usual|Training load|leaned|Download)\b", re.sub(r"<svg.*?</svg>", "", words))
    assert "Schlafpuls, bpm" in page


def test_both_languages_say_the_same_things_with_the_same_places():
    def places(text: str) -> set[str]:
        return set(re.findall(r"{(\w+)", text))

    assert history_words.EN.keys() == history_words.DE.keys()
    assert [key for key, said in history_words.EN.items() if places(said) != places(history_words.DE[key])] == []


def test_words_that_a_spreadsheet_would_run_stay_words(stage: Stage):
    assert history_csv._line(["=1+1", "-2", -2.5, None]).strip() == "'=1+1,'-2,-2.50,"


def test_another_person_sees_and_changes_nothing_of_it(stage: Stage, wearer: Sitter):
    other = stage.sitter("other@example.org", nights(seed=9))
    other.client.post("/history/tags", data={"night": ASKED, "add": "alcohol"})
    other.client.post("/history/tags", data={"night": ASKED, "remove": "ill"})
    assert "WHOOP" not in text(other.client, f"/history?night={ASKED}&vendor=on")
    assert "whoop" not in other.client.get("/history.csv").text
    assert "Drinks ×" not in text(wearer.client, f"/history?night={ASKED}")
    assert wearer.client.post("/history/tags", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_a_value_that_was_left_out_is_named_on_its_night(stage: Stage):
    sitter = stage.sitter()
    day = TODAY - timedelta(days=4)
    bring(sitter, with_wild_hrv(cycles_csv(simulated(Story.STEADY, TODAY, 60, 3)), day).encode(), "cycles.csv")
    page = sitter.client.get(f"/history?span=5w&night={day}").text
    assert re.search(r"Overnight HRV – left out: it is outside what can be true", plain(page))
    assert page.count('class="aside"') == 2
    assert page.count('class="in alone"') == 2


def with_wild_hrv(file: str, day: date) -> str:
    """The same file with an HRV on one night that nobody has."""
    header, *rows = file.splitlines()
    at = header.split(",").index("Heart rate variability (ms)")
    woken = header.split(",").index("Wake onset")
    cells = [row.split(",") for row in rows]
    for row in cells:
        if row[woken].startswith(day.isoformat()):
            row[at] = "999"
    return "\n".join([header, *(",".join(row) for row in cells), ""])
