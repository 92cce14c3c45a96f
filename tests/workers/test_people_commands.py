"""What the commands about people wait for, ask before they erase, and print."""

from datetime import date
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from ingest import clock as the_clock
from ingest import db, people, store
from ingest.models import ScoreRequest
from providers.errors import Unavailable, VagusError
from scoring import Night, assess
from workers import people_commands


@pytest.fixture
def person(database, clock) -> int:
    clock("2026-03-01T09:00")
    with db.transaction() as session:
        person = people.ensure(session, "ada@example.org").id
        store.request_score(session, person, "test")
    return person


def test_waiting_for_a_score_that_nobody_makes_ends_with_what_to_look_at(person: int) -> None:
    with pytest.raises(Unavailable, match="is a worker running\\? see `vagus status`"):
        people_commands.wait_until_scored(person, seconds=0.2)


def test_a_score_that_was_given_up_is_not_waited_for(person: int) -> None:
    with db.transaction() as session:
        session.execute(update(ScoreRequest).values(buried_at=the_clock.now(), error="KeyError at nights.py:1 [ab]"))
    with pytest.raises(VagusError, match="given up: KeyError at nights"):
        people_commands.wait_until_scored(person)


def test_on_a_terminal_an_erasure_asks_for_the_address_again(person: int, monkeypatch) -> None:
    monkeypatch.setattr(people_commands, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(people_commands.screen, "input", lambda _: "somebody else")
    with pytest.raises(VagusError, match="nothing was erased"):
        people_commands.erase("ada@example.org")
    monkeypatch.setattr(people_commands.screen, "input", lambda _: " Ada@example.org ")
    people_commands.erase("ada@example.org")
    with db.transaction() as session:
        assert people.find(session, "ada@example.org") is None


def test_a_long_list_of_what_was_set_aside_is_cut_with_a_count(capsys, person: int) -> None:
    rejects = [SimpleNamespace(line=n, field=None, reason="it has no cycle start") for n in range(25)]
    saved = SimpleNamespace(new=1, revised=0, unchanged=0, rejected=25)
    one = SimpleNamespace(
        file="a.csv", nights=1, first_day=date(2026, 3, 1), last_day=date(2026, 3, 1), saved=saved, rejects=rejects
    )
    people_commands.show_imported([one])
    said = capsys.readouterr().err
    assert "line 19: it has no cycle start" in said
    assert "line 20" not in said
    assert "and 5 more" in said


def test_the_table_shows_a_dash_free_row_for_a_night_without_data() -> None:
    night = assess([Night(date(2026, 3, 1))])
    table = people_commands.readiness_table(night)
    assert [list(column.cells) for column in table.columns][3:7] == [[""], [""], [""], [""]]
