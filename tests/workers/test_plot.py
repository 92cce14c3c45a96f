"""The picture for a terminal: its text, in eighty columns, without colours, and in ASCII."""

import io
from dataclasses import replace
from datetime import date, timedelta

import pytest
from rich.console import Console

from ingest import db, people, store, words
from ingest.chart import Events
from scoring import Assessment, Input, Night, assess
from workers import people_commands, plot

LAST = date(2026, 11, 22)
PLAIN = assess([Night(LAST)])[0]


def night(
    back: int, hrv: float | None = 60, resting: float | None = 51, series: str = "a", **columns: object
) -> Assessment:
    inputs = (Input("hrv", hrv, 54, 68, 60, series), Input("resting_heart_rate", resting, 49, 54, 60, series))
    known = {"day": LAST - timedelta(days=back), "state": "normal", "inputs": inputs, "provisional": False}
    return replace(PLAIN, **(known | {"confidence": 1.0} | columns))


def nights(count: int = 40, **changed: Assessment) -> list[Assessment]:
    return [changed.get(f"n{back}", night(back)) for back in reversed(range(count))]


def lines(assessments: list[Assessment], **options) -> list[str]:
    return plot.plot(assessments, **options).plain.split("\n")


@pytest.mark.parametrize("marks", [plot.FULL, plot.ASCII])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width, marks):
    events = Events(
        tags={LAST - timedelta(days=3 * k): {"alcohol", "travel"} for k in range(12)},
        load={LAST - timedelta(days=k): 5.0 + k % 7 for k in range(90)},
    )
    drawn = lines(nights(300), events=events, told=[LAST], width=width, marks=marks)
    assert max(map(len, drawn)) <= width
    assert len(drawn) < 45


def test_the_ascii_one_is_ascii_and_so_is_what_is_noted():
    events = Events(tags={LAST: {"alcohol"}, LAST - timedelta(days=9): {"ill"}})
    drawn = "\n".join(lines(nights(), events=events, marks=plot.ASCII))
    assert "^ Ill 13 Nov; Drinks 22 Nov" in drawn
    assert drawn.isascii()


def test_a_night_outside_is_hollow_on_its_own_and_full_within_strain():
    strained = {f"n{k}": night(k, hrv=48, state="strained") for k in range(3)}
    drawn = lines(nights(n9=night(9, hrv=48), **strained))
    panel = "\n".join(drawn[2:12])
    assert panel.count("◇") == 1
    assert panel.count("◆") == 3
    assert panel.count("●") == 31
    assert drawn[0].split()[-4:] == ["○", "▲", "▲", "▲"]


def test_the_usual_range_is_shaded_and_pale_while_it_is_young_or_doubted():
    settled, young = "\n".join(lines(nights())), "\n".join(lines([replace(n, provisional=True) for n in nights()]))
    doubted = "\n".join(lines([replace(n, confidence=0.4) for n in nights()]))
    assert settled.count("░") > 300
    assert settled.count("·") < 5
    assert young.count("░") == doubted.count("░") == 1  # in the legend
    assert young.count("·") > 300


def test_the_two_edges_of_the_range_are_written_beside_it():
    ends = [line.split()[-1] for line in lines(nights())[2:26] if line.split() and line.split()[-1].isdigit()]
    assert ends == ["68", "54", "54", "49"]


def test_gaps_are_told_apart():
    left_out = Events(aside={(LAST - timedelta(days=4), "hrv"): "255 ms cannot be right"})
    drawn = lines(nights(n2=night(2, None, None), n4=night(4, None)), events=left_out)
    floors = [line for line in drawn if set(line) <= set("×÷ ") and line.strip()]
    assert [floor.split() for floor in floors] == [["÷", "×"], ["×"]]
    assert "◦" in "\n".join(drawn[:26])


def test_a_new_source_and_the_moment_of_telling_are_marked():
    given = [night(back, series="a" if back > 9 else "b") for back in reversed(range(40))]
    drawn = lines(given, told=[LAST - timedelta(days=2)])
    assert sum(line.count("┊") for line in drawn[:27]) >= 2 * (plot.ROWS - 1)
    assert drawn[1] == " " * 64 + "!"


def test_hard_days_are_wide_bars_and_nobody_without_load_sees_any():
    load = {LAST - timedelta(days=k): 20.0 if k == 3 else 8.0 for k in range(80)}
    (bars,) = [line for line in lines(nights(), events=Events(load=load)) if line.endswith(" load")]
    assert bars.count("██") == 1
    assert bars.count("▃ ") == 34
    assert "load" not in "\n".join(lines(nights()))


def test_a_pipe_gets_the_same_words_without_colours():
    piped = io.StringIO()
    Console(file=piped, width=80, highlight=False).print(plot.plot(nights()))
    assert "\x1b" not in piped.getvalue()
    assert [line.rstrip() for line in piped.getvalue().splitlines()] == [line.rstrip() for line in lines(nights())]
    coloured = io.StringIO()
    Console(file=coloured, width=80, force_terminal=True, color_system="standard").print(plot.plot(nights()))
    assert "\x1b[36m" in coloured.getvalue()


def test_every_state_of_the_strip_is_in_the_legend():
    legend = " ".join(lines(nights())[-8:])
    for state, mark in plot.FULL.states.items():
        assert f"{mark} {words.HEROES[state].word.lower()}" in legend


def test_the_command_draws_what_is_stored_of_a_person(database, clock):
    clock("2026-11-22T09:00")
    with db.transaction() as session:
        person = people.ensure(session, "ada@example.org").id
        store.tag_days(session, person, [LAST - timedelta(days=5)], "hot_night")
    narrow = Console(file=io.StringIO(), width=60)
    drawn = people_commands.readiness_plot("ada@example.org", nights(), narrow).plain
    assert "Hot night 17 Nov" in drawn
    assert max(map(len, drawn.split("\n"))) <= 60


def test_nobody_without_nights_gets_a_picture():
    assert plot.plot([]).plain == ""
