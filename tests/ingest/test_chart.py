"""The chart: what it draws of known nights, for the eye, for the ear, and for a mail."""

import random
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

import ingest.chart
from ingest import chart, words
from ingest.chart import Events, events, phrases
from scoring import Assessment, Gate, Input, Night, assess
from scoring.gates import GateName
from scoring.load import training
from scoring.night import open_diary

LAST = date(2026, 11, 22)
SVG = "{http://www.w3.org/2000/svg}"
PLAIN = assess([Night(LAST)])[0]
STATIC = Path(ingest.chart.__file__).parents[1] / "web" / "static"


def night(
    back: int,
    hrv: float | None = 60,
    resting: float | None = 51,
    *,
    state: str = "normal",
    series: str = "a",
    **columns,
) -> Assessment:
    inputs = (Input("hrv", hrv, 54, 68, 60, series), Input("resting_heart_rate", resting, 49, 54, 60, series))
    known = {"day": LAST - timedelta(days=back), "state": state, "inputs": inputs, "provisional": False}
    return replace(PLAIN, **(known | {"confidence": 1.0} | columns))


def nights(count: int = 40, **changed: Assessment) -> list[Assessment]:
    return [changed.get(f"n{back}", night(back)) for back in reversed(range(count))]


def drawn(assessments, **options) -> ET.Element:
    return ET.fromstring(chart.svg(assessments, **options))  # noqa: S314  (our own)


def of(root: ET.Element, kind: str) -> list[ET.Element]:
    return [each for each in root.iter() if each.get("class") == kind]


def titles(root: ET.Element, kind: str) -> list[str]:
    return [each.findtext(f"{SVG}title") for each in of(root, kind)]


def test_a_single_night_outside_is_a_hollow_neutral_diamond():
    root = drawn(nights(n3=night(3, hrv=48)))
    assert titles(root, "out") == ["Thu 19 Nov: 48 ms, below usual (54–68)"]
    assert not of(root, "out strained")
    assert len(of(root, "in")) == 69


def test_only_nights_outside_within_an_episode_take_its_colour():
    strained = {f"n{k}": night(k, hrv=48 if k else 60, state="strained") for k in range(4)}
    root = drawn(nights(n6=night(6, hrv=48), **strained))
    assert len(of(root, "out strained")) == 3
    assert len(of(root, "out")) == 1
    assert len(of(root, "tint strained")) == 2


def test_the_range_is_drawn_each_night_with_its_two_values_at_the_right():
    root = drawn(nights())
    assert len(of(root, "band")) == 2
    assert [each.text for each in of(root, "value")] == ["68", "54", "54", "49"]
    drifting = [replace(each, inputs=(Input("hrv", 60, 50 + k / 4, 66, 60, "a"),)) for k, each in enumerate(nights())]
    assert of(drawn(drifting), "band")[0].get("d").count("V") > 30


def test_no_range_is_drawn_before_there_is_one():
    young = [
        replace(each, inputs=tuple(replace(known, usual_low=None, usual_high=None) for known in each.inputs))
        for each in nights(9)
    ]
    root = drawn(young)
    assert not of(root, "band")
    assert len(of(root, "in")) == 18


def test_a_young_range_is_hatched():
    hatched = 'fill="url(#hatch-360)"'
    assert hatched not in chart.svg(nights())
    assert chart.svg([replace(each, provisional=True) for each in nights()]).count(hatched) == 2


def test_two_charts_on_a_page_share_no_id():
    phone, desk = chart.pair(nights())
    assert not set(re.findall(r' id="([^"]+)"', phone)) & set(re.findall(r' id="([^"]+)"', desk))


def test_a_missing_night_is_a_cross_and_is_never_bridged_by_a_value():
    root = drawn(nights(n2=night(2, None, None)))
    assert titles(root, "missing") == ["Fri 20 Nov: no night"] * 2
    gone = [each for each in nights() if each.day != LAST - timedelta(days=5)]
    assert titles(drawn(gone), "missing") == ["Tue 17 Nov: no night"] * 2


def test_days_before_the_first_night_are_not_called_missing():
    assert not of(drawn(nights(9)), "missing")


def test_days_after_the_last_night_are_missing_up_to_today():
    root = drawn(nights(), until=LAST + timedelta(days=3))
    assert len(of(root, "missing")) == 6


def test_the_line_is_the_mean_of_eight_recorded_nights():
    values = [60.0] * 27 + [50, 52, 54, 56, 58, 60, 62, 64]
    given = [night(34 - k, hrv=value) for k, value in enumerate(values)]
    root = drawn(given)
    frame = next(iter(of(root, "mean"))).get("d").split("L")[-1].split(" ")
    band = of(root, "value")
    high, low = (float(each.get("y")) - 4 for each in band[:2])
    expected = low - (57 - 54) / (68 - 54) * (low - high)
    assert float(frame[1]) == pytest.approx(expected, abs=0.1)


def test_the_line_breaks_where_fewer_than_four_nights_are_known():
    silent = {f"n{k}": night(k, None, None) for k in range(8, 20)}
    line = of(drawn(nights(**silent)), "mean")[0].get("d")
    assert line.count("M") == 2
    assert of(drawn(nights()), "mean")[0].get("d").count("M") == 1


def test_a_new_source_is_a_dotted_line_at_which_range_and_mean_break():
    given = [night(back, hrv=60 if back > 9 else 90, series="a" if back > 9 else "b") for back in reversed(range(40))]
    root = drawn(given)
    assert titles(root, "change") == ["a new source: your range starts again"] * 2
    assert len(of(root, "band")) == 4
    assert of(root, "mean")[0].get("d").count("M") == 2


def test_the_person_is_told_where_the_bell_is():
    root = drawn(nights(), told=[LAST - timedelta(days=2)])
    assert len(of(root, "bell")) == 1
    assert not of(drawn(nights(), told=[date(2020, 1, 1)]), "bell")


def test_a_wild_value_is_clipped_with_an_arrow_and_its_number():
    given = nights(300, n4=night(4, hrv=250), n90=night(90, hrv=255))
    root = drawn(given)
    assert len(of(root, "beyond")) == 1
    assert "250" in [each.text for each in of(root, "value")]


def test_the_usual_range_ends_where_another_source_begins_even_before_that_has_one():
    young = [
        replace(each, inputs=tuple(replace(known, usual_low=None, usual_high=None) for known in each.inputs))
        for each in (night(back, series="b") for back in reversed(range(10)))
    ]
    root = drawn([*(night(back) for back in reversed(range(10, 40))), *young])
    right = [max(map(float, re.findall(r"H([\d.]+)", band.get("d")))) for band in of(root, "band")]
    line = float(of(root, "change")[0].get("d").split(" ")[0][1:])
    assert right == [pytest.approx(line, abs=0.2)] * 2


def test_a_range_that_is_doubted_is_paler_and_its_edges_stay():
    assert not of(drawn(nights()), "doubted")
    root = drawn([replace(each, confidence=0.5) for each in nights()])
    assert len(of(root, "doubted")) == 2
    assert len(of(root, "edge")) == 2


def test_a_range_is_hatched_until_the_first_verdict_too():
    assert chart.svg([replace(each, state="collecting") for each in nights()]).count('fill="url(#hatch-360)"') == 2


def test_a_night_judged_on_one_signal_is_hollow_and_the_other_panel_says_why():
    root = drawn(nights(n3=night(3, resting=None)))
    assert titles(root, "in alone") == ["Thu 19 Nov: 60 ms, as usual (54–68), judged on one signal"]
    assert titles(root, "missing") == ["Thu 19 Nov: no heart rate, judged on one signal"]


def test_a_value_that_was_left_out_is_no_missing_night():
    beside = Events(aside={(LAST - timedelta(days=3), "hrv"): "255 ms cannot be right"})
    root = drawn(nights(n3=night(3, hrv=None)), events=beside)
    assert titles(root, "aside") == ["Thu 19 Nov: 255 ms cannot be right"]
    assert not of(root, "missing")


def test_the_strip_on_top_is_as_high_as_much_stood_out_and_names_what_did():
    strained = {f"n{k}": night(k, state="strained") for k in range(8)}
    leaning = {f"n{k}": night(k, state="watch") for k in range(8, 16)}
    root = drawn(nights(**strained, **leaning))
    heights = {kind: next(float(r.get("height")) for r in of(root, kind)) for kind in ("calm", "leaning", "strained")}
    assert heights["calm"] < heights["leaning"] < heights["strained"]
    assert [each.text for each in of(root, "name")] == ["Leaning", "Strained"]
    assert titles(root, "leaning") == ["Leaning, 7–14 Nov"]


def test_what_was_noted_is_a_flag_with_its_words_there_or_below():
    days = [LAST - timedelta(days=back) for back in (2, 3, 4, 20, 21)]
    tags = {days[0]: {"alcohol"}, days[1]: {"hot_night"}, days[2]: {"hot_night"}, days[3]: {"ill"}, days[4]: {"ill"}}
    root = drawn(nights(), events=Events(tags=tags | {LAST: {"something unknown"}}))
    assert titles(root, "flag") == ["Ill 1–2 Nov", "Hot night 18–19 Nov", "Drinks 20 Nov"]
    assert len(of(root, "lasting")) == 2
    assert [each.text for each in of(root, "name")] == ["Ill", "Drinks", "Hot night 18–19 Nov"]
    assert root.get("aria-label").endswith("Marked: Ill 1–2 Nov; Hot night 18–19 Nov; Drinks 20 Nov.")


def test_a_cause_that_was_looked_for_is_a_flag_unless_the_person_had_said_it():
    days = [LAST - timedelta(days=back) for back in range(5)]
    gate = Gate("illness", active=True, reason="", since=days[4])
    given = nights(**{f"n{back}": night(back, gates=(gate,)) for back in range(5)})
    assert titles(drawn(given), "flag") == ["Other signs 18–22 Nov"]
    assert titles(drawn(given, events=Events(tags={days[4]: {"ill"}})), "flag") == ["Ill 18 Nov"]


def test_every_gate_of_scoring_has_a_name_in_the_picture():
    assert {f"gate.{name}" for name in get_args(GateName)} == {key for key in phrases.EN if key.startswith("gate.")}


def test_load_is_a_bar_a_day_darker_where_it_is_hard_for_this_person():
    load = {LAST - timedelta(days=back): 20.0 if back == 3 else 8.0 for back in range(80)}
    root = drawn(nights(), events=Events(load=load))
    assert of(root, "load")[0].get("d").count("M") == 34
    assert of(root, "load hard")[0].get("d").count("M") == 1
    assert len(of(root, "limit")) == 1
    assert not of(drawn(nights()), "load")


def test_two_scales_of_load_are_never_compared():
    load = {LAST - timedelta(days=back): 300.0 if back < 20 else 8.0 for back in range(80)}
    scale = {day: "minutes" if value > 100 else "strain" for day, value in load.items()}
    assert of(drawn(nights(), events=Events(load=load)), "load hard")
    root = drawn(nights(), events=Events(load=load, scale=scale))
    assert not of(root, "load hard")
    heights = {re.search(r"v-([\d.]+)h", each.get("d"))[1] for each in of(root, "load")}
    assert heights == {"30"}


@pytest.mark.parametrize("mean", [6, -3])  # on most days, on one day in four
def test_a_hard_day_is_what_scoring_calls_one(mean):
    chance = random.Random(3)
    given = [Night(LAST - timedelta(days=back), load=max(0.0, chance.gauss(mean, 5))) for back in reversed(range(120))]
    load = {night.day: night.load for night in given}
    hard = training(open_diary(given)).hard.tolist()
    for place in range(80, 120):
        last_five = [given[place - back].day for back in range(5)]
        limit = events.hard_from(load, given[place].day)
        assert sum(load[day] > limit for day in last_five) == hard[place]


def test_the_chosen_night_is_marked_and_a_day_outside_the_picture_is_not():
    assert len(of(drawn(nights(), chosen=LAST), "chosen")) == 1
    assert not of(drawn(nights(), chosen=LAST - timedelta(days=99)), "chosen")


def test_the_picture_speaks_the_persons_language():
    beside = Events(tags={LAST - timedelta(days=9): {"ill"}}, load={LAST - timedelta(days=k): 5 for k in range(60)})
    german = chart.svg(nights(n3=night(3, None, None)), events=beside, told=[LAST], language="de")
    for said in ("Schlafpuls, bpm", "keine Nacht", "Krank", "wir haben dir geschrieben", "Training", "Vermerkt: "):
        assert said in german
    for english in ("Sleeping", "night", "Training load", "usual", "Marked"):
        assert english not in re.sub(r"<defs>.*</defs>", "", german)


def test_both_languages_have_the_same_phrases_with_the_same_places():
    def places(text: str) -> set[str]:
        return set(re.findall(r"{(\w+)", text))

    assert phrases.EN.keys() == phrases.DE.keys()
    assert all(places(phrases.EN[key]) == places(phrases.DE[key]) for key in phrases.EN)


@pytest.mark.parametrize("back", [0, 1])
def test_two_half_circles_of_a_night_meet(back):
    disc = of(drawn(nights(), size=chart.PHONE), "in")[34 - back].get("d")
    radius, across = re.search(r"a([\d.]+) [\d.]+ 0 1 0 ([\d.]+)", disc).groups()
    assert 2 * float(radius) == pytest.approx(float(across))


def test_the_picture_does_not_jump_when_the_window_moves():
    wide = nights(300, n37=night(37, hrv=90))
    heights = [
        re.findall(r'class="value" x="[\d.]+" y="([\d.]+)"', chart.svg(wide[: len(wide) - cut], days=35))[:2]
        for cut in (0, 1, 9)
    ]
    assert heights[0] == heights[1] == heights[2]


def test_what_prints_as_within_is_drawn_within():
    edge = replace(night(0), inputs=(Input("hrv", 53.6, 54.4, 68, 60, "a"), night(0).inputs[1]))
    root = drawn([*nights()[:-1], edge])
    assert words.direction(edge.inputs[0]) == "within"
    dot = float(of(root, "in")[34].get("d").split("a")[0].split(" ")[1])
    assert dot == pytest.approx(float(of(root, "value")[1].get("y")) - 4, abs=0.2)


def test_last_night_is_larger():
    widths = [float(re.search(r"a([\d.]+)", each.get("d"))[1]) for each in of(drawn(nights()), "in")]
    assert widths[34] == pytest.approx(1.6 * widths[33])


def test_the_label_says_the_finding():
    low = {f"n{k}": night(k, hrv=48) for k in range(7)}
    label = drawn(nights(n7=night(7), **low)).get("aria-label")
    assert label.startswith("Overnight HRV below your usual on 7 of the last 8 nights.")
    assert drawn(nights()).get("role") == "img"


def test_what_is_not_ours_is_escaped():
    evil = '"><script>alert(1)</script>'
    given = [replace(each, inputs=tuple(replace(i, series=evil) for i in each.inputs)) for each in nights()]
    assert "<script" not in chart.svg(given, told=[LAST])
    assert "<script" not in ingest.chart.marks.path("in", "M0 0", evil) + ingest.chart.marks.text("value", 0, 0, evil)


def test_ten_years_stay_small_enough_for_a_page():
    assert len(zlib.compress(chart.svg(nights(3650), days=None, size=(1060, 180)).encode())) < 45_000


@pytest.mark.parametrize("days", [35, 92, 365, 1500])
def test_dates_below_never_run_into_each_other(days):
    root = drawn(nights(days), days=None)
    at = [float(each.get("x")) for each in of(root, "date")]
    assert len(at) >= 2
    assert min(b - a for a, b in pairwise(at)) >= 49


def test_nothing_is_drawn_of_nobody():
    assert chart.svg([]) == ""


def test_the_mails_picture_has_its_letters():
    with_words = pixels(chart.png(nights()))
    without = pixels(without_text())
    assert with_words != without
    ink = sum(1 for a, b in zip(with_words[2], without[2], strict=True) if a != b)
    assert ink > 1000


def without_text() -> bytes:
    patched = pytest.MonkeyPatch()
    patched.setattr(chart.marks, "text", lambda *_: "")
    try:
        return chart.png(nights())
    finally:
        patched.undo()


def test_the_mails_picture_is_twice_as_dense_on_white():
    width, height, rows = pixels(chart.png(nights()))
    assert (width, height) == (720, 644)
    assert rows[1:4] == b"\xff\xff\xff"


def test_the_mails_colours_are_those_of_the_light_page():
    styles = (STATIC / "style.css").read_text()
    tokens = dict(re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}),", styles))
    assert {name: tokens[name] for name in chart.LIGHT} == dict(chart.LIGHT)
    assert "var(" not in chart._light_rules()
    assert "@media" not in chart._light_rules()


def test_the_font_and_its_licence_are_shipped():
    assert chart.FONT.exists()
    assert "Apache License" in (chart.FONT.parent / "LICENSE").read_text()


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the raw rows of a PNG."""
    assert png.startswith(b"\x89PNG")
    at, body = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            body += png[at + 8 : at + 8 + length]
        at += 12 + length
    width, height = struct.unpack(">II", png[16:24])
    return width, height, zlib.decompress(body)
