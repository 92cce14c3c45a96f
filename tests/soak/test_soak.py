"""A small soak, so that the large one cannot rot, and what its comparison takes for wrong."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from tests.soak import found, post, run
from tests.soak.found import Found
from tests.soak.plan import Plan
from tests.soak.post import Mail

TO = "p1@example.org"


@pytest.mark.slow
def test_a_few_people_in_a_storm_come_to_the_same_as_in_calm(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="vagus-soak-"))
    folder.chmod(0o755)
    console, plan = Console(width=120), Plan(people=4, days=2, seed=3, quiet_days=1)
    try:
        told = run.soak(plan, folder, 10, console)
        assert run.report(told, plan, 0, console), capsys.readouterr().out
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    killed = sum(count for what, count in told.happened.items() if "killed" in what or "flushed" in what)
    assert 0 < killed < sum(told.happened.values()), "something was killed, and vendors failed"
    assert told.came["storm"].rows["delivery"], "somebody was told"


def test_equal_arguments_plan_equal_people_and_another_seed_other_ones() -> None:
    assert Plan(9, 5, 1).everyone() == Plan(9, 5, 1).everyone()
    assert Plan(9, 5, 1).everyone() != Plan(9, 5, 2).everyone()
    assert {someone.worn for someone in Plan(9, 5, 1).everyone()} == {("oura",), ("whoop",), ("oura", "whoop")}


def lived(**rows: list[tuple[str, str]]) -> Found:
    return Found(rows={name: Counter(rows.get(name, [])) for name in found.TABLES})


def test_a_row_that_is_missing_extra_or_other_is_named_with_its_table() -> None:
    calm = lived(alert=[(TO, "a run")], tag=[(TO, "ill")])
    storm = lived(alert=[(TO, "a longer run")], episode=[(TO, "a sleep")], tag=[(TO, "ill")])
    said = {name: lines for name, lines in found.differences(calm, storm).items() if lines}
    assert said == {
        "alert": [f"only storm: {TO} a longer run", f"only calm:  {TO} a run"],
        "episode": [f"only storm: {TO} a sleep"],
    }


def test_a_row_that_is_there_twice_differs_from_one() -> None:
    said = found.differences(lived(alert=[(TO, "a run")]), lived(alert=[(TO, "a run")] * 2))
    assert said["alert"] == [f"only storm: {TO} a run"]


@pytest.mark.parametrize(
    ("mails", "kills", "said"),
    [
        ([Mail(TO, "strained.1.1", 5)], [], []),
        ([], [], ["was marked sent, and no mail came"]),
        ([Mail(TO, "strained.1.1", 5), Mail(TO, "strained.2.1", 5)], [], ["came, and no delivery asked for it"]),
        ([Mail("else@example.org", "strained.1.1", 5)], [], ["no mail came", "no delivery asked for it"]),
        ([Mail(TO, "strained.1.1", 5), Mail(TO, "strained.1.1", 90)], [], ["came 2 times"]),
        ([Mail(TO, "strained.1.1", 5), Mail(TO, "strained.1.1", 90)], [6], []),
        ([Mail(TO, "strained.1.1", 5), Mail(TO, "strained.1.1", 90)], [60], ["came 2 times"]),
    ],
)
def test_each_due_message_comes_once_and_again_only_where_a_kill_fell_between(
    mails: list[Mail], kills: list[float], said: list[str]
) -> None:
    wrong = post.wrong(mails, {(TO, "strained.1.1"): "sent", (TO, "strained.3.1"): "cancelled"}, kills)
    assert len(wrong) == len(said)
    assert all(any(words in line for line in wrong) for words in said)


def test_lives_that_broke_off_or_ended_early_are_not_called_equal(capsys: pytest.CaptureFixture[str]) -> None:
    assert not run.report(run.Told(lived=30, failed={"storm": "why"}), Plan(), 60, Console())
    assert not run.report(run.Told(lived=7, came={"calm": lived(), "storm": lived()}), Plan(), 60, Console())
    assert run.report(run.Told(lived=30, came={"calm": lived(), "storm": lived()}), Plan(), 60, Console())
    said = capsys.readouterr().out
    assert "the storm life broke off" in said
    assert "7 of 30 days" in said
