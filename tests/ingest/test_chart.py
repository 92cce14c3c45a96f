"""The chart: what it draws of known nights, for the eye, for the ear, and for a mail."""

import re
import struct
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

import ingest.chart
from ingest import chart, words
from scoring import Assessment, Input, Night, assess

LAST = date(2026, 11, 22)
SVG = "{http://www.w3.org/2000/svg}"
PLAIN = assess([Night(LAST)])[0]
STATIC = Path(ingest.chart.__file__).parent / "web" / "static"


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
    return replace(PLAIN, **(known | columns))


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
    young = [replace(each, inputs=(Input("hrv", 60, None, None, 5, "a"),)) for each in nights(9)]
    root = drawn(young)
    assert not of(root, "band")
    assert len(of(root, "in")) == 9


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


def test_the_picture_does_not_jump_when_the_window_moves():
    wide = nights(300, n37=night(37, hrv=90))
    heights = [
        re.findall(r'class="value" x="[\d.]+" y="([\d.]+)"', chart.svg(wide[: len(wide) - cut], days=35))[:2]
        for cut in (0, 1, 9)
    ]
    assert heights[0] == heights[1] == heights[2]


def test_what_prints_as_within_is_drawn_within():
    edge = replace(night(0), inputs=(Input("hrv", 53.6, 54.4, 68, 60, "a"),))
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
    assert "<script" not in ingest.marks.path("in", "M0 0", evil) + ingest.marks.text("value", 0, 0, evil)


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
    assert (width, height) == (720, 584)
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
