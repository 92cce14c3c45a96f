"""`vagus scoring evaluate` says what to expect, in a table, to a machine, and of one's own history."""

import json

import pytest
from typer.testing import CliRunner

from ingest import db, nights, people
from scoring.evaluation import WORLDS, Outlook, person
from workers.cli import app
from workers.scoring_commands import WORLD_NAMES
from workers.scoring_shown import own_lines
from workers.supervision import control

run = CliRunner().invoke


def test_the_command_names_the_worlds_there_are() -> None:
    assert tuple(WORLDS) == WORLD_NAMES


def test_operating_points_and_what_knowledge_is_worth_are_shown() -> None:
    shown = run(app, ["scoring", "evaluate", "--people", "1", "--world", "plain", "--ablation"])
    assert shown.exit_code == 0
    for wanted in ("plain: half of the fatigue", "median delay", "balanced (0.7)", "withheld", "notes of drinks"):
        assert wanted in shown.stdout


def test_a_machine_reads_the_same_points_twice() -> None:
    asked = ["scoring", "evaluate", "--people", "1", "--world", "bare", "--seed", "4", "--json"]
    first, second = run(app, asked), run(app, asked)
    points = json.loads(first.stdout)["bare"]["nothing"]
    assert [point["false_a_year"] for point in points] == [0.8, 1.0, 1.9, 2.0, 3.0]
    assert first.stdout == second.stdout


def test_an_unknown_world_is_refused_in_one_line() -> None:
    refused = run(app, ["scoring", "evaluate", "--world", "flat"])
    assert "there is no world flat: choose one of plain" in str(refused.exception)


@pytest.mark.parametrize("known", [True, False])
def test_each_setting_is_a_sentence_or_it_is_said_why_not(*, known: bool) -> None:
    lines = own_lines([Outlook("calm", 1.0, 7, 20, 0.84)] if known else [])
    wanted = "calm: with your data, this setting would have warned you in 7 of 20, with 0.8 alerts a year"
    assert lines == [wanted if known else "There are too few nights yet: sixty that could be compared are needed."]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("known", [True, False])
def test_a_persons_own_nights_are_asked(monkeypatch: pytest.MonkeyPatch, *, known: bool) -> None:
    monkeypatch.setattr(control, "ensure_running", lambda _: None)
    if known:
        stored = list(person(WORLDS["plain"], 21, 300).nights)
        monkeypatch.setattr(nights, "nights_of", lambda *_: stored)
    with db.transaction() as session:
        people.ensure(session, "mira@example.org")
    asked = ["scoring", "evaluate", "--person", "mira@example.org"]
    shown = run(app, asked).stdout
    if known:
        assert [line.split(":")[0] for line in shown.splitlines()] == ["calm", "balanced", "early"]
        assert [each["setting"] for each in json.loads(run(app, [*asked, "--json"]).stdout)] == [
            "calm",
            "balanced",
            "early",
        ]
    else:
        assert shown.startswith("There are too few nights yet")


def test_what_asking_is_worth_stands_beside_not_asking() -> None:
    asked = ["scoring", "evaluate", "--people", "1", "--world", "plain", "--asking", "0.6"]
    shown = run(app, asked)
    assert shown.exit_code == 0
    assert shown.stdout.count("median delay") == 2
    assert "asked from a strain of 0.5, 60% of questions answered" in shown.stdout
    assert set(json.loads(run(app, [*asked, "--json"]).stdout)["plain"]) == {"nothing", "asking"}
